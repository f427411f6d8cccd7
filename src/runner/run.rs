//! From a session to a run: find or make its directory, take its lock, work on it.

use super::card_memory;
use super::description;
use super::memory;
use super::session::Session;
use super::settings::Settings;
use super::stages::{finished, work, Ended, Workplace};
use crate::fault::Result;
use crate::observer::Observer;
use crate::ops::device;
use crate::record;
use crate::store::{self, Asked, Lock, RunDir, RunId};
use std::time::Duration;

/// Makes the session's run, or what is missing of it. A finished run with the same identity is reported,
/// not repeated, unless the settings ask for it.
///
/// # Errors
/// Exit 2 if its training needs more memory than there is, 1 when another process works on it, and for what keeps
/// it from being made; nothing is begun on a device that is not there.
pub fn run(session: &Session, settings: &Settings, observer: &mut dyn Observer) -> Result<Ended> {
    let last = store::attempts(&settings.runs, &session.identity)?.pop();
    let attempt = match &last {
        Some(run) if settings.repeat => run.id.attempt + 1,
        Some(run) if complete(run)? => return report(run, Some(session), settings, observer),
        Some(run) => run.id.attempt,
        None => 1,
    };
    device::hold(session.place(settings))?;
    hold(session, last.as_ref().filter(|run| run.id.attempt == attempt), settings)?;
    // A run keeps the name it was started under: the name is not part of its identity.
    let name = last.map_or_else(|| session.experiment.name.clone(), |run| run.id.name);
    let run = &RunDir::create(&settings.runs, RunId::new(&name, &session.identity, attempt))?;
    let lock = &if settings.wait { wait(run, observer)? } else { run.lock()? };
    if complete(run)? {
        return report(run, Some(session), settings, observer);
    }
    let seal = record::open(run)?;
    let status = description::begin(session, run, settings, observer)?;
    work(&Workplace { session, run, lock, settings }, seal, status, observer)
}

/// Continues a run that stopped, was killed or failed, with the manifest it was started with.
///
/// # Errors
/// As [`run`]; exit 3 when code or data have changed since it was started.
pub fn resume(run: &RunDir, settings: &Settings, observer: &mut dyn Observer) -> Result<Ended> {
    if complete(run)? {
        return report(run, None, settings, observer);
    }
    let lock = &run.lock()?;
    // What is refused leaves the run as it was.
    let start = description::again(run, settings, observer)?;
    device::hold(start.session.place(settings))?;
    hold(&start.session, Some(run), settings)?;
    let seal = record::open(run)?;
    let status = start.describe(run, settings, observer)?;
    work(&Workplace { session: &start.session, run, lock, settings }, seal, status, observer)
}

/// What training needs of memory, unless `run` has been trained and is only measured.
fn hold(session: &Session, run: Option<&RunDir>, settings: &Settings) -> Result<()> {
    let experiment = &session.experiment;
    let trained = |run: &RunDir| run.checkpoints().last() == Some(&experiment.train.steps());
    if run.is_some_and(trained) {
        return Ok(());
    }
    memory::hold(&memory::Need::of(experiment), experiment, settings.device)?;
    card_memory::hold(experiment, settings.device, 1)
}

/// Takes the run's lock as soon as nobody holds it.
fn wait(run: &RunDir, observer: &mut dyn Observer) -> Result<Lock> {
    let mut told = false;
    loop {
        let holder = match Lock::ask(&run.path)? {
            Asked::Taken(lock) => return Ok(lock),
            Asked::Held(holder) => holder,
        };
        if !told {
            let holder = holder.map_or("another process".into(), |holder| holder.to_string());
            observer.note(&format!("waiting for {holder}, which works on this run"));
            told = true;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Whether nothing is left to do: recorded, and every part of it there and intact.
fn complete(run: &RunDir) -> Result<bool> {
    Ok(run.finished() && record::missing(run)?.is_empty())
}

/// A finished run is reported, not repeated. Only a status that was lost is made again.
fn report(
    run: &RunDir,
    session: Option<&Session>,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<Ended> {
    observer.note(&format!("already finished: {} (--force repeats it)", run.path.display()));
    let ended = finished(run)?;
    if let Ended::Finished(record) = &ended {
        description::of_finished(run, record, session, settings, observer)?;
    }
    Ok(ended)
}
