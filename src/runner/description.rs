//! What describes a run: `manifest.ron`, `resolved.ron`, `provenance.json` and `status.json`, written when it
//! begins, and held against what was written when it goes on.

use super::session::{folder, Session};
use super::settings::Settings;
use crate::digest::sha256_hex;
use crate::fault::{Fault, Result};
use crate::manifest;
use crate::observer::Observer;
use crate::ops::device;
use crate::provenance::{self, Provenance, Segment, Situation};
use crate::record::{self, Record};
use crate::store::{RunDir, State, Status};
use std::path::Path;

const PROVENANCE: &str = "provenance.json";
const MANIFEST: &str = "manifest.ron";

/// Describes a run that begins, or goes on with its manifest at hand: what is missing or has changed since it
/// was written is written again, with a note.
///
/// # Errors
/// If a file cannot be written.
pub fn begin(
    session: &Session,
    run: &RunDir,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<Status> {
    let provenance = earlier(run, observer)?;
    let begun = provenance.is_some() || run.file("status.json").exists();
    let mut status = match status(run, observer) {
        Some(status) => running(status, session, settings),
        None => fresh(session, run, provenance.as_ref(), settings),
    };
    let resolved = manifest::resolved(&session.experiment);
    for (name, text) in [(MANIFEST, &session.text), ("resolved.ron", &resolved)] {
        let found = crate::store::regular::read_own(run.file(name)).ok();
        let as_written = run.as_written(&status, name).unwrap_or(found.as_deref() == Some(text.as_bytes()));
        if !as_written {
            if begun {
                let state =
                    if found.is_some() { "has changed since the run was started" } else { "is missing" };
                observer.note(&format!("{name} {state}: written again as {} says", session.path.display()));
            }
            run.write(name, text.as_bytes())?;
            status.files.insert(name.into(), sha256_hex(text.as_bytes()));
        }
        // What is as it would be written, of a run that has not said so yet.
        status.files.entry(name.into()).or_insert_with(|| sha256_hex(text.as_bytes()));
    }
    describe_start(session, run, provenance, &status, settings, observer)?;
    run.set_status(&status)?;
    observer.note(&format!("run {} → {}", run.id.short(), run.path.display()));
    if run.finished() {
        let missing = record::missing(run)?.join(", ");
        observer.note(&format!("made again, as it is missing or damaged: {missing}"));
    }
    Ok(status)
}

/// A run that goes on with the manifest it was started with; nothing of it is written yet.
pub struct Again {
    pub session: Session,
    status: Status,
    /// The status was lost: what stands elsewhere, too, is to be put into it.
    lost: bool,
    /// `manifest.ron`, where it has to be written again.
    manifest: Option<Vec<u8>>,
}

/// Opens the manifest that a run was started with.
///
/// # Errors
/// If there is none or it has changed; exit 3 when code or data have changed since it was started.
pub fn again(run: &RunDir, settings: &Settings, observer: &mut dyn Observer) -> Result<Again> {
    if !run.file("status.json").exists() && !run.file("resolved.ron").exists() {
        return Err(Fault::failed("the run was killed before it began")
            .at(run.path.display().to_string())
            .help("start it again with `nano4m run`"));
    }
    let old = status(run, observer);
    let lost = old.is_none();
    let old = old.unwrap_or_else(|| Status::new(&run.id.name, "", run.id.attempt, 0, &(settings.now)()));
    let session = Session::of_run(run, &old, settings)?;
    session.warnings.iter().for_each(|warning| observer.note(warning));
    let mut status = running(old, &session, settings);
    if lost {
        status.identity.clone_from(&session.identity);
        status.total = session.experiment.train.steps();
        status.files.insert("resolved.ron".into(), sha256_hex(session.text.as_bytes()));
    }
    let manifest = as_given(run, &status)?;
    Ok(Again { session, status, lost, manifest })
}

impl Again {
    /// Describes the start; from here on it is one of the run.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn describe(&self, run: &RunDir, settings: &Settings, observer: &mut dyn Observer) -> Result<Status> {
        let mut status = self.status.clone();
        let provenance = earlier(run, observer)?;
        if self.lost {
            remembered(&mut status, provenance.as_ref());
        }
        if let Some(bytes) = &self.manifest {
            observer.note(&format!(
                "{MANIFEST} has changed since the run was started: taken again from {}",
                status.manifest
            ));
            run.write(MANIFEST, bytes)?;
        }
        describe_start(&self.session, run, provenance, &status, settings, observer)?;
        run.set_status(&status)?;
        Ok(status)
    }
}

/// Makes the status of a finished run again, should it be lost: everything in it but times is in the record.
///
/// # Errors
/// If it cannot be written.
pub fn of_finished(
    run: &RunDir,
    record: &Record,
    session: Option<&Session>,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<()> {
    if matches!(run.status(), Ok(Some(_))) {
        return Ok(());
    }
    // Whoever works on it writes its status.
    let Ok(_lock) = run.lock() else { return Ok(()) };
    let seal = record::open(run)?;
    let mut status =
        Status::new(&run.id.name, &record.identity, run.id.attempt, record.steps, &(settings.now)());
    (status.state, status.step) = (State::Finished, record.steps);
    remembered(&mut status, Provenance::read(&run.file(PROVENANCE)).ok().as_ref());
    status.made_for.clone_from(&record.made_for);
    status.manifest = session.map(|s| s.path.display().to_string()).unwrap_or_default();
    let path = run.file("status.json");
    let state = if path.exists() { "damaged" } else { "missing" };
    observer.note(&format!("{} is {state} and made again", path.display()));
    run.set_status(&status)?;
    seal.close()
}

/// Puts the right step into what is said of this start, which was written before the checkpoints were looked at.
///
/// # Errors
/// If `provenance.json` cannot be read or written.
pub fn begins_at(run: &RunDir, step: u64) -> Result<()> {
    // A run that is made by hand, without a description, has nothing to be put right.
    if !run.file(PROVENANCE).exists() {
        return Ok(());
    }
    let mut provenance = Provenance::read(&run.file(PROVENANCE))?;
    match provenance.segments.last_mut() {
        Some(last) if last.from_step != step => last.from_step = step,
        _ => return Ok(()),
    }
    run.write(PROVENANCE, &provenance.to_json()?)
}

/// What has to be written into a `manifest.ron` that is not as the run was started: what it was read from, if that
/// still says the same.
fn as_given(run: &RunDir, status: &Status) -> Result<Option<Vec<u8>>> {
    if run.as_written(status, MANIFEST) != Some(false) {
        return Ok(None);
    }
    let (manifest, expected) = (&status.manifest, &status.files[MANIFEST]);
    match crate::store::regular::read_own(manifest) {
        Ok(bytes) if sha256_hex(&bytes) == *expected => Ok(Some(bytes)),
        _ => Err(Fault::failed(format!("{MANIFEST} has changed since the run was started"))
            .at(run.file(MANIFEST).display().to_string())
            .expected(format!("sha256 {expected}"))
            .help(format!("put it back as it was, or `nano4m run {manifest}` writes it again and goes on"))),
    }
}

/// The status; a damaged one is no more than a missing one, and said to be.
fn status(run: &RunDir, observer: &mut dyn Observer) -> Option<Status> {
    if !run.file("status.json").exists() && !run.checkpoints().is_empty() {
        observer.note("status.json is missing and made again: what it said of times is lost");
    }
    run.status().unwrap_or_else(|fault| {
        let path = run.file("status.json");
        observer.note(&format!("{} is damaged and made again: {}", path.display(), fault.what));
        None
    })
}

fn fresh(session: &Session, run: &RunDir, provenance: Option<&Provenance>, settings: &Settings) -> Status {
    let (total, now) = (session.experiment.train.steps(), (settings.now)());
    let mut status = Status::new(&run.id.name, &session.identity, run.id.attempt, total, &now);
    status.manifest = session.path.display().to_string();
    status.made_for = settings.made_for.clone();
    remembered(&mut status, provenance);
    status
}

/// What a lost status said that stands elsewhere, too.
fn remembered(status: &mut Status, provenance: Option<&Provenance>) {
    let Some(provenance) = provenance else { return };
    status.started.clone_from(&provenance.first().started);
    status.made_for.clone_from(&provenance.made_for);
}

fn running(mut status: Status, session: &Session, settings: &Settings) -> Status {
    status.state = State::Running;
    status.reason = None;
    status.updated = (settings.now)();
    // A manifest that moved is found again where it is now.
    if session.path.exists() {
        status.manifest = session.path.display().to_string();
    }
    status
}

/// What is said of earlier starts. Where another hand has changed it, its segments are marked; where it cannot
/// be read, it is set aside.
fn earlier(run: &RunDir, observer: &mut dyn Observer) -> Result<Option<Provenance>> {
    let path = run.file(PROVENANCE);
    if !path.exists() {
        let begun = run.file("status.json").exists();
        if begun {
            observer.note(&format!("{PROVENANCE} is missing: where the steps so far were made is not known"));
        }
        return Ok(None);
    }
    match Provenance::read(&path) {
        Ok(mut provenance) => {
            if !Provenance::as_written(&path) {
                observer.note(&format!(
                    "{PROVENANCE} has changed since it was written: what it says of earlier starts is kept, and marked"
                ));
                provenance.segments.iter_mut().for_each(|segment| segment.changed = true);
            }
            Ok(Some(provenance))
        }
        Err(fault) => {
            let aside = path.with_extension("json.damaged");
            std::fs::rename(&path, &aside).map_err(|e| Fault::io("rename", &path, &e))?;
            observer.note(&format!(
                "{} is damaged and set aside as {}: {}",
                path.display(),
                aside.display(),
                fault.what
            ));
            Ok(None)
        }
    }
}

/// Adds this start to the provenance, and warns where it may not go on with the same bits.
fn describe_start(
    session: &Session,
    run: &RunDir,
    earlier: Option<Provenance>,
    status: &Status,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<()> {
    let from_step = run.checkpoints().last().copied().unwrap_or(0);
    let (mut segment, unreadable) = provenance::collect(situation(session, settings, from_step)?);
    unreadable.iter().for_each(|why| observer.note(why));
    let provenance = match earlier {
        None => {
            let data = provenance::Data {
                path: session.experiment.data.path.clone(),
                sha256: session.data.hash.clone(),
            };
            Provenance::new(data, session.experiment.seeds, status.made_for.clone(), segment)
        }
        Some(mut provenance) => {
            // Of those that began where this one does nothing will be left.
            let left = provenance.kept().into_iter().rfind(|before| before.from_step < from_step);
            left.into_iter().for_each(|before| warn(&segment, before, observer));
            let known = provenance.segments.iter().rev().find_map(|s| s.repository.as_ref());
            if known == segment.repository.as_ref() {
                segment.repository = None;
            }
            provenance.segments.push(segment);
            provenance
        }
    };
    run.write(PROVENANCE, &provenance.to_json()?)
}

fn warn(segment: &Segment, before: &Segment, observer: &mut dyn Observer) {
    for (what, there, here) in segment.moved_from(before) {
        observer.note(&format!(
            "warning: the run goes on with another {what} than before: {there} → {here}. Its numbers may differ in \
             last digits from those of a run made in one place; {PROVENANCE} names both"
        ));
    }
}

fn situation<'a>(session: &'a Session, settings: &Settings, from_step: u64) -> Result<Situation<'a>> {
    Ok(Situation {
        // A manifest may lie anywhere; the program is usually started in its repository.
        directories: [Path::new("."), folder(&session.path)],
        device: settings.device.to_string(),
        kernels: settings.kernels.name().into(),
        card: device::card(settings.device)?,
        threads: rayon::current_num_threads(),
        from_step,
        started: (settings.now)(),
        drifts: session.drift.clone(),
    })
}
