//! `run` and `resume`: find or make the run's directory, take its lock, work on it.

use super::args::{Global, Resume, Run};
use super::session::{self, now, runs_folder, Session};
use super::{execute, output, tables, Done};
use crate::fault::{Fault, Result};
use crate::manifest;
use crate::provenance::{self, Situation};
use crate::record::{self, Record};
use crate::store::{self, CellOf, Lock, RunDir, RunId, Status};
use std::time::Duration;

/// `nano4m run MANIFEST`.
pub fn run(args: &Run, g: &Global) -> Result<Done> {
    let session = session::open(&args.manifest, args.allow_drift)?;
    expected(args, &session)?;
    let root = runs_folder(g);
    let last = store::attempts(&root, &session.identity)?.pop();
    let attempt = match (&last, args.force) {
        (Some(run), false) if complete(run)? => return report(run, g),
        (Some(run), false) => run.id.attempt,
        (Some(run), true) => run.id.attempt + 1,
        (None, _) => 1,
    };
    // A run keeps the name it was started under: the name is not part of its identity.
    let name = last.map_or_else(|| session.experiment.name.clone(), |run| run.id.name);
    let run = RunDir::create(&root, RunId::new(&name, &session.identity, attempt))?;
    let lock = if args.wait { wait(&run)? } else { run.lock()? };
    if complete(&run)? {
        return report(&run, g);
    }
    let status = begin(&session, &run, args.made_for.clone(), g)?;
    execute::execute(&session, &run, &lock, status, args.limits, g)
}

/// Holds the run against the identity that was asked for.
fn expected(args: &Run, session: &Session) -> Result<()> {
    match &args.identity {
        Some(identity) if *identity != session.identity => {
            Err(Fault::provenance("the manifest, the data or the code are not those that were submitted")
                .at(args.manifest.manifest.display().to_string())
                .found(format!("identity {}", session.identity))
                .expected(format!("identity {identity}"))
                .help("restore the data as it was, or submit again"))
        }
        _ => Ok(()),
    }
}

/// Takes the run's lock as soon as nobody holds it.
fn wait(run: &RunDir) -> Result<Lock> {
    let mut told = false;
    loop {
        match (run.lock(), Lock::holder(&run.path)) {
            (Ok(lock), _) => return Ok(lock),
            (Err(fault), None) => return Err(fault),
            (Err(_), Some(holder)) if !told => {
                output::note(&format!("waiting for {holder}, which works on this run"));
                told = true;
            }
            _ => {}
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// `nano4m resume RUN`.
pub fn resume(args: &Resume, g: &Global) -> Result<Done> {
    let run = store::find(&runs_folder(g), &args.run)?;
    if complete(&run)? {
        return report(&run, g);
    }
    let lock = run.lock()?;
    let status = run.status()?.ok_or_else(|| {
        Fault::failed("the run was killed before it began")
            .at(run.path.display().to_string())
            .help("start it again with `nano4m run`")
    })?;
    let session = session::of_run(&run, &status, args.allow_drift)?;
    let status = again(status, &session);
    run.set_status(&status)?;
    execute::execute(&session, &run, &lock, status, args.limits, g)
}

/// Writes what describes the run, unless it is there from an earlier start.
fn begin(session: &Session, run: &RunDir, made_for: Option<CellOf>, g: &Global) -> Result<Status> {
    let missing = |name: &str| !run.file(name).exists();
    if missing("manifest.ron") {
        run.write("manifest.ron", session.text.as_bytes())?;
    }
    if missing("resolved.ron") {
        run.write("resolved.ron", manifest::resolved(&session.experiment).as_bytes())?;
    }
    if missing("provenance.json") {
        let mut json = serde_json::to_vec_pretty(&provenance::collect(situation(session, g)))
            .map_err(|e| Fault::failed(format!("cannot format the provenance: {e}")))?;
        json.push(b'\n');
        run.write("provenance.json", &json)?;
    }
    let status = match run.status()? {
        Some(status) => again(status, session),
        None => Status { made_for, ..fresh(session, run) },
    };
    run.set_status(&status)?;
    output::note(&format!("run {} → {}", run.id.short(), run.path.display()));
    if run.finished() {
        output::note(&format!(
            "made again, as it is missing or damaged: {}",
            record::missing(run)?.join(", ")
        ));
    }
    Ok(status)
}

fn fresh(session: &Session, run: &RunDir) -> Status {
    let e = &session.experiment;
    let mut status = Status::new(&run.id.name, &session.identity, run.id.attempt, e.train.steps(), &now());
    status.manifest = session.path.display().to_string();
    status
}

fn again(mut status: Status, session: &Session) -> Status {
    status.state = store::State::Running;
    status.reason = None;
    status.updated = now();
    // A manifest that moved is found again where it is now.
    if session.path.exists() {
        status.manifest = session.path.display().to_string();
    }
    status
}

fn situation<'a>(session: &'a Session, g: &Global) -> Situation<'a> {
    Situation {
        directory: session::folder(&session.path),
        data: provenance::Data {
            path: session.experiment.data.path.clone(),
            sha256: session.data.hash.clone(),
        },
        device: g.device.to_string(),
        threads: rayon::current_num_threads(),
        seeds: session.experiment.seeds,
        started: now(),
        drifts: session.drift.clone(),
    }
}

/// Whether nothing is left to do: recorded, and every part of it there and intact.
fn complete(run: &RunDir) -> Result<bool> {
    Ok(run.finished() && record::missing(run)?.is_empty())
}

/// A finished run is reported, not repeated.
fn report(run: &RunDir, g: &Global) -> Result<Done> {
    output::note(&format!("already finished: {} (--force repeats it)", run.path.display()));
    tables::print_record(&Record::read(&run.file("record.json"))?, g)?;
    Ok(Done::Fine)
}
