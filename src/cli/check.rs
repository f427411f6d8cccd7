//! `nano4m check MANIFEST`: what a manifest says, and whether it can be run here.

use super::arguments::{Global, ManifestArgs};
use super::done::Done;
use super::{environment, manifest, output};
use crate::architecture::Config;
use crate::data::{Dataset, Part};
use crate::fault::{Exit, Fault, Result};
use crate::manifest::pins::Drift;
use crate::manifest::{Diagnostic, Loaded};
use crate::ops::device;
use crate::place::Place;
use crate::runner::memory::{self, Need};
use crate::runner::{self, card_memory, Settings};
use serde::Serialize;

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// Print the complete manifest with every default
    #[arg(long)]
    pub resolved: bool,
    /// It will run on another machine: look neither at the memory and the device of this one nor
    /// at the data
    #[arg(long)]
    pub elsewhere: bool,
}

/// `nano4m check MANIFEST`: every problem at once; then memory and data, if they are here.
pub fn check(args: &Args, global: &Global) -> Result<Done> {
    if global.json {
        return as_json(args, global);
    }
    let loaded = manifest::read(&args.manifest)?;
    let here = here(&loaded, args, global)?;
    if args.resolved {
        output::data(&crate::manifest::resolved(&loaded.experiment))?;
    } else {
        output::data(&summary(&loaded, &here))?;
    }
    for note in here.data.iter().flat_map(|data| &data.notes) {
        output::note(note);
    }
    for drift in &here.drift {
        output::note(&format!("warning: {drift}: `run` refuses, unless --allow-drift marks it"));
    }
    Ok(Done::Fine)
}

/// What this machine has of a manifest.
#[derive(Default)]
struct Here {
    data: Option<Contents>,
    /// Why there are no data, and how to get them.
    missing: Option<String>,
    drift: Vec<Drift>,
}

/// What the data hold.
#[derive(Serialize)]
struct Contents {
    sha256: String,
    train: usize,
    eval: usize,
    test: usize,
    classes: usize,
    /// What may mislead: classes without a training clip, clips without a class.
    notes: Vec<String>,
}

/// Everything that `run` would hold against the manifest before it begins.
fn here(loaded: &Loaded, args: &Args, global: &Global) -> Result<Here> {
    if args.elsewhere {
        return Ok(Here::default());
    }
    let experiment = &loaded.experiment;
    let settings = environment::settings(global);
    let Settings { device, kernels, .. } = settings;
    device::hold(Place { device, kernels, precision: experiment.train.precision })?;
    memory::hold(&Need::of(experiment), experiment, device)?;
    card_memory::hold(experiment, device, 1)?;
    match manifest::dataset(loaded, &settings) {
        Ok(data) => {
            let measuring = Need::of_measuring(experiment, Some(data.split(Part::Test).len()));
            memory::hold(&measuring, experiment, device)?;
            let drift = runner::drift(experiment, &data, &loaded.path, true)?;
            Ok(Here { data: Some(contents(&data)), missing: None, drift })
        }
        Err(fault) if fault.exit == Exit::Provenance => {
            Ok(Here { missing: Some(missing(fault)), ..Here::default() })
        }
        Err(fault) => Err(fault),
    }
}

fn contents(data: &Dataset) -> Contents {
    let clips = |part| data.split(part).len();
    Contents {
        sha256: data.hash.clone(),
        train: clips(Part::Train),
        eval: clips(Part::Eval),
        test: clips(Part::Test),
        classes: data.classes().len(),
        notes: data.notes().to_vec(),
    }
}

fn missing(fault: Fault) -> String {
    [fault.place, fault.help].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What a valid manifest amounts to.
#[derive(Serialize)]
struct Valid<'a> {
    valid: bool,
    steps: u64,
    parameters: usize,
    /// Bytes that a run needs at least.
    memory: f64,
    /// Absent where they are not here, or were not asked for.
    data: Option<&'a Contents>,
    /// Why they are not here.
    data_missing: Option<&'a str>,
    /// Pins that do not match.
    drift: &'a [Drift],
    warnings: &'a [Diagnostic],
    resolved: Option<String>,
}

fn as_json(args: &Args, global: &Global) -> Result<Done> {
    match crate::manifest::read(&args.manifest.manifest, &args.manifest.set) {
        Ok(loaded) => {
            let here = here(&loaded, args, global)?;
            let experiment = &loaded.experiment;
            output::json(&Valid {
                valid: true,
                steps: experiment.train.steps(),
                parameters: parameters(&loaded),
                memory: Need::of(experiment).bytes(),
                data: here.data.as_ref(),
                data_missing: here.missing.as_deref(),
                drift: &here.drift,
                warnings: &loaded.warnings,
                resolved: args.resolved.then(|| crate::manifest::resolved(experiment)),
            })?;
            Ok(Done::Fine)
        }
        Err(problems) => {
            output::json(&serde_json::json!({ "valid": false, "problems": problems.items }))?;
            Ok(Done::With(Exit::Invalid))
        }
    }
}

fn summary(loaded: &Loaded, here: &Here) -> String {
    let experiment = &loaded.experiment;
    let warnings = match loaded.warnings.len() {
        0 => String::new(),
        1 => ", 1 warning".into(),
        n => format!(", {n} warnings"),
    };
    let data = match (&here.data, &here.missing) {
        (Some(Contents { train, eval, test, classes, .. }), _) => {
            let es = if *classes == 1 { "" } else { "es" };
            format!("\ndata: {train} + {eval} + {test} clips, {classes} class{es}")
        }
        (None, Some(why)) => format!("\nits data are not here: {why}"),
        (None, None) => String::new(),
    };
    format!(
        "{} is valid: {} modalities, {} parameters, {} steps{warnings}{data}",
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
