//! `nano4m eval`: the probes on a run, or on any checkpoint in the reference layout.

use super::args::{Eval, Global, ManifestArgs};
use super::execute::{self, Files};
use super::progress::Watch;
use super::session::{self, runs_folder, Session};
use super::{output, tables, Done};
use crate::fault::{Fault, Result};
use crate::model::network::Network;
use crate::probes::suite::Sink;
use crate::record::{Metric, Record};
use crate::store::{self, tensors, write_atomic, RunDir};
use std::path::{Path, PathBuf};

/// `nano4m eval RUN` or `nano4m eval --manifest M --checkpoint F`.
pub fn eval(args: &Eval, g: &Global) -> Result<Done> {
    match (&args.run, &args.manifest, &args.checkpoint) {
        (Some(run), ..) => of_run(&store::find(&runs_folder(g), run)?, args, g),
        (None, Some(manifest), Some(checkpoint)) => of_checkpoint(manifest, checkpoint, args, g),
        _ => {
            Err(Fault::invalid("nothing to measure").help("name a run, or give --manifest and --checkpoint"))
        }
    }
}

/// Measures the newest checkpoint; of a finished run files and record are written again.
fn of_run(run: &RunDir, args: &Eval, g: &Global) -> Result<Done> {
    let status = run.status()?.ok_or_else(|| killed(run))?;
    let session = session::of_run(run, &status, args.allow_drift)?;
    let step = newest_step(run)?;
    let net = load(&session, &run.checkpoint(step), g)?;
    if !run.finished() {
        output::note(&format!("the run is not finished: measuring step {step}, keeping nothing"));
        let metrics = execute::measure(net.as_ref(), &session, &mut Loose { out: None }, g)?;
        return print(&metrics, &session, g);
    }
    let lock = run.lock()?;
    let tokens = Record::read(&run.file("record.json"))?.train_tokens;
    let mut watch = Watch::new(run, status, Default::default())?;
    let mut files = Files { run, watch: &mut watch, digests: Vec::new() };
    let metrics = execute::measure(net.as_ref(), &session, &mut files, g)?;
    let digests = files.digests;
    watch.rest();
    lock.check()?;
    execute::commit(&session, run, net.as_ref(), tokens, metrics, digests, g)?;
    tables::print_record(&Record::read(&run.file("record.json"))?, g)?;
    Ok(Done::Fine)
}

fn of_checkpoint(manifest: &Path, checkpoint: &Path, args: &Eval, g: &Global) -> Result<Done> {
    let manifest = ManifestArgs { manifest: manifest.into(), set: args.set.clone() };
    let session = session::open(&manifest, args.allow_drift)?;
    let net = load(&session, checkpoint, g)?;
    let mut sink = Loose { out: args.out.clone() };
    let metrics = execute::measure(net.as_ref(), &session, &mut sink, g)?;
    if let Some(out) = &args.out {
        let mut json = serde_json::to_vec_pretty(&metrics)
            .map_err(|e| Fault::failed(format!("cannot format the metrics: {e}")))?;
        json.push(b'\n');
        sink.file("metrics.json", &json)?;
        output::note(&format!("per-example scores and metrics.json in {}", out.display()));
    }
    print(&metrics, &session, g)
}

/// A run as it was started, with the network of its newest checkpoint.
pub fn newest(run: &RunDir, allow_drift: bool, g: &Global) -> Result<(Session, Box<dyn Network>)> {
    let status = run.status()?.ok_or_else(|| killed(run))?;
    let session = session::of_run(run, &status, allow_drift)?;
    let net = load(&session, &run.checkpoint(newest_step(run)?), g)?;
    Ok((session, net))
}

fn killed(run: &RunDir) -> Fault {
    Fault::failed("the run was killed before it began").at(run.path.display().to_string())
}

fn newest_step(run: &RunDir) -> Result<u64> {
    run.checkpoints()
        .last()
        .copied()
        .ok_or_else(|| Fault::failed("the run has no checkpoint").at(run.path.display().to_string()))
}

/// The manifest's network with the parameters of a checkpoint in the reference layout.
pub fn load(session: &Session, checkpoint: &Path, g: &Global) -> Result<Box<dyn Network>> {
    let mut net = execute::network(session, g)?;
    net.load_parameters(tensors::read(checkpoint)?.0).map_err(|fault| {
        if fault.place.is_none() {
            fault.at(checkpoint.display().to_string())
        } else {
            fault
        }
    })?;
    Ok(net)
}

fn print(metrics: &[Metric], session: &Session, g: &Global) -> Result<Done> {
    if g.json {
        output::json(&metrics)?;
        return Ok(Done::Fine);
    }
    let names: Vec<&str> = session.experiment.modalities.iter().map(|m| m.name.as_str()).collect();
    let drift: Vec<String> = session.drift.iter().map(session::drift_line).collect();
    tables::print_metrics(metrics, &names, &drift)?;
    Ok(Done::Fine)
}

/// Files go to a folder, if one was asked for.
struct Loose {
    out: Option<PathBuf>,
}

impl Sink for Loose {
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let Some(out) = &self.out else { return Ok(()) };
        let path = out.join(name);
        let folder = session::folder(&path);
        std::fs::create_dir_all(folder).map_err(|e| Fault::io("create", folder, &e))?;
        write_atomic(&path, bytes)
    }

    fn progress(&mut self, _probe: &str, _done: usize, _total: usize) -> Result<()> {
        Ok(())
    }

    fn note(&mut self, message: &str) {
        output::note(message);
    }
}
