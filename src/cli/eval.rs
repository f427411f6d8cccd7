//! `nano4m eval`: the probes on a run, or on any checkpoint in the reference layout.

use super::arguments::{CheckpointArgs, Global, ManifestArgs};
use super::done::Done;
use super::progress::{Notes, RunProgress};
use super::{environment, manifest, output, tables};
use crate::fault::{Fault, Result};
use crate::metrics::Metric;
use crate::record::Record;
use crate::runner::{evaluate, Session, Settings};
use crate::store::{self, RunDir};
use std::path::{Path, PathBuf};

#[derive(clap::Args, Debug)]
#[command(override_usage = "nano4m eval [OPTIONS] <RUN>\n       \
                            nano4m eval [OPTIONS] --manifest <MANIFEST> --checkpoint <FILE>")]
pub struct Args {
    /// Which run
    #[arg(value_name = "RUN", required_unless_present = "checkpoint", conflicts_with_all = ["manifest", "checkpoint"])]
    pub run: Option<String>,
    #[command(flatten)]
    pub stored: CheckpointArgs,
    /// Folder for the per-example scores and metrics.json of a checkpoint
    #[arg(long, value_name = "DIR", requires = "checkpoint")]
    pub out: Option<PathBuf>,
    /// Measure although pins, code or data do not match
    #[arg(long)]
    pub allow_drift: bool,
}

/// `nano4m eval RUN` or `nano4m eval --manifest M --checkpoint F`.
pub fn eval(args: &Args, global: &Global) -> Result<Done> {
    let settings = Settings { allow_drift: args.allow_drift, ..environment::settings(global) };
    match (&args.run, args.stored.given()) {
        (Some(run), _) => of_run(&store::find(&settings.runs, run)?, &settings, global),
        (None, Some(stored)) => of_checkpoint(&stored, args.out.as_deref(), &settings, global),
        (None, None) => {
            Err(Fault::invalid("nothing to measure").help("name a run, or give --manifest and --checkpoint"))
        }
    }
}

/// Measures the newest checkpoint; of a finished run files and record are written again.
fn of_run(run: &RunDir, settings: &Settings, global: &Global) -> Result<Done> {
    // Its record is written again: one that cannot be read is refused before data and network are loaded.
    if run.finished() {
        Record::read(&run.file("record.json"))?;
    }
    let session = Session::of_run(run, &evaluate::status(run)?, settings)?;
    manifest::print_warnings(&session);
    if run.finished() {
        let record = evaluate::again(&session, run, settings, &mut RunProgress::new())?;
        return tables::print_record(&record, global).map(|()| Done::Fine);
    }
    let step = evaluate::newest_step(run)?;
    output::note(&format!("the run is not finished: measuring step {step}, keeping nothing"));
    let metrics = evaluate::checkpoint(&session, &run.checkpoint(step), None, settings, &mut Notes)?;
    print(&metrics, &session, global)
}

fn of_checkpoint(
    (named, checkpoint): &(ManifestArgs, &Path),
    out: Option<&Path>,
    settings: &Settings,
    global: &Global,
) -> Result<Done> {
    let session = manifest::open(named, settings)?;
    let metrics = evaluate::checkpoint(&session, checkpoint, out, settings, &mut Notes)?;
    if let Some(out) = out {
        output::note(&format!("per-example scores and metrics.json in {}", out.display()));
    }
    print(&metrics, &session, global)
}

fn print(metrics: &[Metric], session: &Session, global: &Global) -> Result<Done> {
    if global.json {
        output::json(&metrics)?;
        return Ok(Done::Fine);
    }
    let names: Vec<&str> = session.experiment.modalities.iter().map(|m| m.name.as_str()).collect();
    let drift: Vec<String> = session.drift.iter().map(ToString::to_string).collect();
    tables::print_metrics(metrics, &names, &drift)?;
    Ok(Done::Fine)
}
