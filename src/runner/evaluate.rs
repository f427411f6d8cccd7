//! The probes on a run that is there, or on any checkpoint in the reference layout.

use super::commit::{commit, Outcome};
use super::journal::Journal;
use super::origin::same_model;
use super::session::Session;
use super::settings::Settings;
use super::sinks::{FolderSink, RunSink};
use super::stages::measure;
use crate::architecture::Config;
use crate::fault::{Exit, Fault, Result};
use crate::metrics::Metric;
use crate::model::digest;
use crate::model::given::{self, Given};
use crate::model::network::Network;
use crate::observer::Observer;
use crate::probes::suite::Sink;
use crate::record::{self, Record};
use crate::store::{json, RunDir, Status};
use crate::train::checkpoint;
use std::path::Path;

/// Measures the newest checkpoint of a finished run; its files and its record are written again.
///
/// # Errors
/// If another process works on the run, what a probe cannot measure, and an exit that is resumable when the
/// observer stopped it: record and files are then as they were, but for the probes that were through.
pub fn again(
    session: &Session,
    run: &RunDir,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<Record> {
    let lock = run.lock()?;
    let Record { train_tokens: tokens, final_digest, .. } = Record::read(&run.file("record.json"))?;
    let net = load(session, &run.checkpoint(newest_step(run)?), settings, &mut |line| observer.note(line))?;
    let found = digest::of_parameters(net.as_ref());
    if found != final_digest {
        return Err(Fault::failed("the parameters are not those that were recorded")
            .at(run.path.display().to_string())
            .found(format!("digest {found}"))
            .expected(format!("digest {final_digest}"))
            .help(AGAIN));
    }
    let mut journal = Journal::open(run, status(run)?, settings, observer)?;
    // What is refused leaves the run as it was.
    let seal = record::open(run)?;
    let mut sink = RunSink::new(run, &mut journal);
    let measured = measure(session, net.as_ref(), settings, &mut sink);
    let files = sink.digests();
    journal.ended();
    lock.check()?;
    let recorded = measured.and_then(|metrics| {
        commit(session, run, Outcome { net: net.as_ref(), tokens, metrics, files }, settings)
    });
    // Whatever came of it, nobody works on the run any more.
    seal.close()?;
    recorded?;
    Record::read(&run.file("record.json"))
}

/// Measures a checkpoint; with `out`, the per-example scores and `metrics.json` are written there.
///
/// # Errors
/// If it is not a checkpoint of the session's model, what a probe cannot measure, and an exit that is
/// resumable when the observer stopped it.
pub fn checkpoint(
    session: &Session,
    file: &Path,
    out: Option<&Path>,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<Vec<Metric>> {
    let net = load(session, file, settings, &mut |line| observer.note(line))?;
    let mut sink = FolderSink { out: out.map(Path::to_owned), observer };
    let metrics = measure(session, net.as_ref(), settings, &mut sink)?;
    if out.is_some() {
        sink.file("metrics.json", &json::pretty(&metrics)?)?;
    }
    Ok(metrics)
}

/// The manifest's network with the parameters of a checkpoint in the reference layout; `note` is told what was
/// done to names and types of a file that another program wrote.
///
/// # Errors
/// If the file cannot be read or holds another model, or lies in a run that has trained another one.
pub fn load(
    session: &Session,
    file: &Path,
    settings: &Settings,
    note: &mut dyn FnMut(&str),
) -> Result<Box<dyn Network>> {
    // First, so that a file of another model is refused before a network of this one is made.
    let config = Config::new(&session.experiment.modalities, &session.experiment.model);
    let Given { tensors, notes } = given::read(file, &config).map_err(|fault| {
        // It could be opened, and what it holds is not what was written.
        let damaged = fault.exit == Exit::Failed && fault.found.is_some();
        if damaged {
            fault.help("use another checkpoint of the run, or copy the file again")
        } else {
            fault
        }
    })?;
    same_model(&session.experiment, file)?;
    notes.iter().for_each(|line| note(line));
    let mut net = session.network(settings)?;
    net.load_parameters(tensors).map_err(|fault| {
        if fault.place.is_none() {
            fault.at(file.display().to_string())
        } else {
            fault
        }
    })?;
    as_written(file, net.as_mut(), note)?;
    Ok(net)
}

/// Holds parameters that have been loaded from a checkpoint of this program against the digest that the optimizer's half
/// beside it carries: a network with a changed number in it would be measured as if it were the run's.
fn as_written(file: &Path, net: &mut dyn Network, note: &mut dyn FnMut(&str)) -> Result<()> {
    let half = file.with_extension("optimizer.safetensors");
    if !half.exists() {
        return Ok(());
    }
    match checkpoint::optimizer(&half) {
        Ok((moments, position)) => {
            net.load_moments(moments, position.step)?;
            checkpoint::hold(net, &position, &half)
                .map_err(|fault| fault.help(format!("nothing is measured with {}: {AGAIN}", file.display())))
        }
        Err(fault) => {
            note(&format!("warning: nothing says whether {} is as it was written: {fault}", file.display()));
            Ok(())
        }
    }
}

/// How a damaged checkpoint of a run is made again.
const AGAIN: &str =
    "without its two files `nano4m run MANIFEST` makes the checkpoint again from the one before";

/// Where a run stands.
///
/// # Errors
/// If it was killed before it said so, or its file is damaged.
pub fn status(run: &RunDir) -> Result<Status> {
    let short = run.id.short();
    run.status()
        .map_err(|fault| fault.help(format!("`nano4m resume {short}` makes it again")))?
        .ok_or_else(|| Fault::failed("the run was killed before it began").at(run.path.display().to_string()))
}

/// Step of the newest checkpoint.
///
/// # Errors
/// If there is none.
pub fn newest_step(run: &RunDir) -> Result<u64> {
    let none = || Fault::failed("the run has no checkpoint").at(run.path.display().to_string());
    run.checkpoints().last().copied().ok_or_else(none)
}
