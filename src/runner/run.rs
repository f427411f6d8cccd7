//! From a session to a run: find or make its directory, take its lock, work on it.

use super::session::{folder, Session};
use super::settings::Settings;
use super::stages::{finished, work, Ended, Workplace};
use crate::fault::{Fault, Result};
use crate::manifest;
use crate::observer::Observer;
use crate::provenance::{self, Situation};
use crate::record;
use crate::store::{self, json, Asked, Lock, RunDir, RunId, State, Status};
use std::time::Duration;

/// Makes the session's run, or what is missing of it. A finished run with the same identity is reported,
/// not repeated, unless the settings ask for it.
///
/// # Errors
/// Exit 1 when another process works on it, and for what keeps it from being made.
pub fn run(session: &Session, settings: &Settings, observer: &mut dyn Observer) -> Result<Ended> {
    let last = store::attempts(&settings.runs, &session.identity)?.pop();
    let attempt = match &last {
        Some(run) if settings.repeat => run.id.attempt + 1,
        Some(run) if complete(run)? => return report(run, observer),
        Some(run) => run.id.attempt,
        None => 1,
    };
    // A run keeps the name it was started under: the name is not part of its identity.
    let name = last.map_or_else(|| session.experiment.name.clone(), |run| run.id.name);
    let run = &RunDir::create(&settings.runs, RunId::new(&name, &session.identity, attempt))?;
    let lock = &if settings.wait { wait(run, observer)? } else { run.lock()? };
    if complete(run)? {
        return report(run, observer);
    }
    let status = begin(session, run, settings, observer)?;
    work(&Workplace { session, run, lock, settings }, status, observer)
}

/// Continues a run that stopped, was killed or failed, with the manifest it was started with.
///
/// # Errors
/// As [`run`]; exit 3 when code or data have changed since it was started.
pub fn resume(run: &RunDir, settings: &Settings, observer: &mut dyn Observer) -> Result<Ended> {
    if complete(run)? {
        return report(run, observer);
    }
    let lock = &run.lock()?;
    let status = run.status()?.ok_or_else(|| {
        Fault::failed("the run was killed before it began")
            .at(run.path.display().to_string())
            .help("start it again with `nano4m run`")
    })?;
    let session = &Session::of_run(run, &status, settings)?;
    session.warnings.iter().for_each(|warning| observer.note(warning));
    let status = again(status, session, settings);
    run.set_status(&status)?;
    work(&Workplace { session, run, lock, settings }, status, observer)
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

/// Writes what describes the run, unless it is there from an earlier start.
fn begin(
    session: &Session,
    run: &RunDir,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<Status> {
    let missing = |name: &str| !run.file(name).exists();
    if missing("manifest.ron") {
        run.write("manifest.ron", session.text.as_bytes())?;
    }
    if missing("resolved.ron") {
        run.write("resolved.ron", manifest::resolved(&session.experiment).as_bytes())?;
    }
    if missing("provenance.json") {
        let provenance = provenance::collect(situation(session, settings));
        run.write("provenance.json", &json::pretty(&provenance)?)?;
    }
    let status = match run.status()? {
        Some(status) => again(status, session, settings),
        None => fresh(session, run, settings),
    };
    run.set_status(&status)?;
    observer.note(&format!("run {} → {}", run.id.short(), run.path.display()));
    if run.finished() {
        let missing = record::missing(run)?.join(", ");
        observer.note(&format!("made again, as it is missing or damaged: {missing}"));
    }
    Ok(status)
}

fn fresh(session: &Session, run: &RunDir, settings: &Settings) -> Status {
    let (total, now) = (session.experiment.train.steps(), (settings.now)());
    let mut status = Status::new(&run.id.name, &session.identity, run.id.attempt, total, &now);
    status.manifest = session.path.display().to_string();
    status.made_for = settings.made_for.clone();
    status
}

fn again(mut status: Status, session: &Session, settings: &Settings) -> Status {
    status.state = State::Running;
    status.reason = None;
    status.updated = (settings.now)();
    // A manifest that moved is found again where it is now.
    if session.path.exists() {
        status.manifest = session.path.display().to_string();
    }
    status
}

fn situation<'a>(session: &'a Session, settings: &Settings) -> Situation<'a> {
    Situation {
        directory: folder(&session.path),
        data: provenance::Data {
            path: session.experiment.data.path.clone(),
            sha256: session.data.hash.clone(),
        },
        device: settings.device.to_string(),
        threads: rayon::current_num_threads(),
        seeds: session.experiment.seeds,
        started: (settings.now)(),
        drifts: session.drift.clone(),
    }
}

/// Whether nothing is left to do: recorded, and every part of it there and intact.
fn complete(run: &RunDir) -> Result<bool> {
    Ok(run.finished() && record::missing(run)?.is_empty())
}

/// A finished run is reported, not repeated.
fn report(run: &RunDir, observer: &mut dyn Observer) -> Result<Ended> {
    observer.note(&format!("already finished: {} (--force repeats it)", run.path.display()));
    finished(run)
}
