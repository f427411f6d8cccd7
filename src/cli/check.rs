//! `nano4m check MANIFEST`: what a manifest says, without reading its data.

use super::arguments::{Global, ManifestArgs};
use super::done::Done;
use super::output;
use crate::architecture::Config;
use crate::fault::{Exit, Result};
use crate::manifest::{self, Loaded};
use serde::Serialize;

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// Print the complete manifest with every default
    #[arg(long)]
    pub resolved: bool,
}

/// `nano4m check MANIFEST`: every problem at once, without reading the data.
pub fn check(args: &Args, global: &Global) -> Result<Done> {
    if global.json {
        return as_json(args);
    }
    let loaded = super::manifest::read(&args.manifest)?;
    if args.resolved {
        output::data(&manifest::resolved(&loaded.experiment))?;
    } else {
        output::data(&summary(&loaded))?;
    }
    Ok(Done::Fine)
}

/// What a valid manifest amounts to.
#[derive(Serialize)]
struct Valid<'a> {
    valid: bool,
    steps: u64,
    parameters: usize,
    warnings: &'a [manifest::Diagnostic],
    resolved: Option<String>,
}

fn as_json(args: &Args) -> Result<Done> {
    match manifest::read(&args.manifest.manifest, &args.manifest.set) {
        Ok(loaded) => {
            let experiment = &loaded.experiment;
            output::json(&Valid {
                valid: true,
                steps: experiment.train.steps(),
                parameters: parameters(&loaded),
                warnings: &loaded.warnings,
                resolved: args.resolved.then(|| manifest::resolved(experiment)),
            })?;
            Ok(Done::Fine)
        }
        Err(problems) => {
            output::json(&serde_json::json!({ "valid": false, "problems": problems.items }))?;
            Ok(Done::With(Exit::Invalid))
        }
    }
}

fn summary(loaded: &Loaded) -> String {
    let experiment = &loaded.experiment;
    let warnings = match loaded.warnings.len() {
        0 => String::new(),
        1 => ", 1 warning".into(),
        n => format!(", {n} warnings"),
    };
    format!(
        "{} is valid: {} modalities, {} parameters, {} steps{warnings}",
        loaded.path.display(),
        experiment.modalities.len(),
        parameters(loaded),
        experiment.train.steps()
    )
}

fn parameters(loaded: &Loaded) -> usize {
    let experiment = &loaded.experiment;
    Config::new(&experiment.modalities, &experiment.model).parameters()
}
