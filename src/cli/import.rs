//! `nano4m import cfg.yaml`: the reference's configuration as a manifest.

use super::done::Done;
use super::output;
use crate::fault::{Fault, Result};
use crate::interop::omegaconf;
use crate::manifest;
use crate::store::write_atomic;
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The configuration
    #[arg(value_name = "CONFIG.yaml")]
    pub config: PathBuf,
    /// Where the manifest goes [default: stdout]
    #[arg(short, long, value_name = "FILE.ron")]
    pub out: Option<PathBuf>,
    /// Leave a key out knowingly, by its name or its whole path (repeatable)
    #[arg(long, value_name = "KEY")]
    pub ignore: Vec<String>,
}

/// `nano4m import`.
pub fn import(args: &Args) -> Result<Done> {
    let place = args.config.display().to_string();
    let text = std::fs::read_to_string(&args.config)
        .map_err(|e| Fault::invalid(format!("cannot read the configuration: {e}")).at(place.clone()))?;
    let name = args.config.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let imported = omegaconf::import(&text, &name, &args.ignore).map_err(|f| match f.place.clone() {
        Some(key) => f.at(format!("{place}: {key}")),
        None => f.at(place.clone()),
    })?;
    imported.notes.iter().for_each(|n| output::note(n));
    let ron = manifest::resolved(&imported.experiment);
    // What does not pass the checks of a manifest is not written as one.
    let target = args.out.clone().unwrap_or_else(|| args.config.with_extension("ron"));
    manifest::parse(&ron, &target, &[]).map_err(Fault::from)?;
    match &args.out {
        None => output::data(&ron)?,
        Some(path) if path.exists() => {
            return Err(Fault::invalid("the manifest exists already").at(path.display().to_string()))
        }
        Some(path) => {
            write_atomic(path, ron.as_bytes())?;
            output::note(&format!("written: {}; `nano4m check {0}` shows what it says", path.display()));
        }
    }
    Ok(Done::Fine)
}

/// The known keys, for `--help`.
pub fn known() -> String {
    let list: Vec<String> = omegaconf::KEYS.iter().map(|(key, to)| format!("{key} → {to}")).collect();
    format!(
        "Known keys, in any section: {}.\nWithout effect on the result, and left out: {}.\n\
         Every other key is refused by name.",
        list.join("; "),
        omegaconf::WITHOUT_EFFECT.join(", ")
    )
}
