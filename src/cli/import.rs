//! `nano4m import cfg.yaml`: the reference's configuration as a manifest.

use super::done::Done;
use super::output;
use crate::digest::sha256_hex;
use crate::fault::{Exit, Fault, Result};
use crate::interop::omegaconf::{self, Imported, Options};
use crate::manifest;
use crate::store::{regular, write_atomic};
use std::fmt::Write as _;
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The configuration
    #[arg(value_name = "CONFIG.yaml")]
    pub config: PathBuf,
    /// Where the manifest goes [default: stdout]
    #[arg(short, long, value_name = "FILE.ron")]
    pub out: Option<PathBuf>,
    /// GPUs it was launched on: its batch size is that of one [default: 1]
    #[arg(long, value_name = "N")]
    pub gpus: Option<usize>,
    /// Leave a key out knowingly, by its name or its whole path (repeatable)
    #[arg(long, value_name = "KEY")]
    pub ignore: Vec<String>,
}

/// `nano4m import`.
pub fn import(args: &Args) -> Result<Done> {
    let place = args.config.display().to_string();
    let bytes = regular::read(&args.config, omegaconf::MOST_BYTES as u64).map_err(|e| {
        // What is not there is bad usage as well.
        Fault { exit: Exit::Invalid, ..regular::fault("read the configuration", &args.config, &e) }
    })?;
    let text = regular::text(bytes.clone()).map_err(|fault| fault.at(place.clone()))?;
    let options = Options {
        name: args.config.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        ignore: args.ignore.clone(),
        gpus: args.gpus,
        environment: &|name| std::env::var(name).ok(),
    };
    let imported = omegaconf::import(&text, &options).map_err(|f| match f.place.clone() {
        Some(key) => f.at(format!("{place}: {key}")),
        None => f.at(place.clone()),
    })?;
    imported.notes.iter().for_each(|n| output::note(n));
    let ron = written(args, &bytes, &imported);
    match &args.out {
        None => output::data(&ron)?,
        Some(path) if path.exists() => {
            return Err(Fault::invalid("the manifest exists already")
                .at(path.display().to_string())
                .help("name another file, or remove this one first"))
        }
        Some(path) => {
            write_atomic(path, ron.as_bytes())?;
            output::note(&format!("written: {}; `nano4m check {0}` shows what it says", path.display()));
        }
    }
    Ok(Done::Fine)
}

/// The manifest, with where it came from in front of it.
fn written(args: &Args, bytes: &[u8], imported: &Imported) -> String {
    let name = args.config.file_name().unwrap_or_default().to_string_lossy();
    let mut flags = args.gpus.map(|gpus| format!(" --gpus {gpus}")).unwrap_or_default();
    args.ignore.iter().for_each(|key| flags.push_str(&format!(" --ignore {key}")));
    let mut lines =
        vec![format!("nano4m import {name}{flags}"), format!("sha256 of {name}: {}", sha256_hex(bytes))];
    lines.extend(imported.notes.iter().cloned());
    let mut out = String::new();
    for line in lines {
        // A line end in a name must not end the comment.
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(out, "// {line}");
    }
    out + &manifest::resolved(&imported.experiment)
}

/// The known keys, for `--help`.
pub fn known() -> String {
    let list: Vec<String> =
        omegaconf::KEYS.iter().map(|key| format!("{} → {}", key.name, key.becomes)).collect();
    let fixed: Vec<String> =
        omegaconf::FIXED.iter().map(|key| format!("{}: {}", key.name, key.same[0])).collect();
    format!(
        "Known keys, each in the section that reads it: {}.\nNo settings here, accepted where they say the \
         same: {}.\nWithout effect on the result, and left out: {}.\nEvery other key is refused by name; absent \
         keys mean what they mean to the published launcher, model and loaders, each with a note.",
        list.join("; "),
        fixed.join("; "),
        omegaconf::WITHOUT_EFFECT.join(", ")
    )
}
