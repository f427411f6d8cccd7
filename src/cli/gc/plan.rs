//! What could go, and why; nothing is touched here.

use super::reachable::{files, Mentions};
use crate::ablation::slurm::Submission;
use crate::data;
use crate::fault::Result;
use crate::provenance::Provenance;
use crate::record::{ablation, Record};
use crate::runner::explain::Unreadable;
use crate::store::{self, Lock, RunDir, State, Status};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Why something can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    FailedRun,
    NeverBegun,
    SupersededAttempt,
    IntermediateCheckpoint,
    DamagedCheckpoint,
    TemporaryFile,
    SubmittedProgram,
    UnknownDataset,
    BrokenCacheEntry,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::FailedRun => "failed run",
            Reason::NeverBegun => "killed before it began",
            Reason::SupersededAttempt => "a later attempt is finished",
            Reason::IntermediateCheckpoint => "intermediate checkpoint of a finished run",
            Reason::DamagedCheckpoint => "damaged checkpoint, set aside",
            Reason::TemporaryFile => "temporary file that a crash left",
            Reason::SubmittedProgram => "program kept for Slurm tasks that are all finished",
            Reason::UnknownDataset => "cache of a dataset no run uses",
            Reason::BrokenCacheEntry => "cache entry that leads nowhere",
        })
    }
}

/// One thing that would go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    pub reason: Reason,
    pub path: PathBuf,
    pub bytes: u64,
    /// The run whose lock must be free, and is held while it goes.
    #[serde(skip)]
    pub run: Option<RunDir>,
}

/// Where to look and what to spare.
pub struct Folders<'a> {
    pub runs: &'a Path,
    pub cache: &'a Path,
    /// Folders of tables.
    pub reports: &'a [PathBuf],
    /// Temporary files and cache entries younger than this stay.
    pub age: Duration,
    pub now: SystemTime,
}

/// What would go, by reason and path.
pub struct Removable {
    pub items: Vec<Item>,
    /// Runs that are spared because a report or ablation names them.
    pub named: usize,
    /// Runs that cannot say which dataset they were made from, by the reason: while there are any, no
    /// dataset is one that no run uses.
    pub unreadable: Unreadable,
}

/// Looks at everything.
///
/// # Errors
/// If the runs, a table's head or an ablation's record cannot be read.
pub fn removable(folders: &Folders) -> Result<Removable> {
    let mentions = Mentions::read(folders.reports, folders.runs)?;
    let runs = store::list(folders.runs)?;
    let (mut items, mut named) = (Vec::new(), 0);
    for run in &runs {
        // Whoever works on it decides what is needed there.
        if Lock::holder(&run.path).is_some() {
            continue;
        }
        let status = run.status().ok().flatten();
        match doomed(run, status.as_ref(), &runs, folders) {
            Some(_) if mentions.name(run, status.as_ref()) => named += 1,
            Some(reason) => {
                items.push(item(reason, &run.path, Some(run)));
                continue;
            }
            None => {}
        }
        items.extend(leftovers(run, folders)?);
    }
    items.extend(temporary(folders.runs, None, folders)?);
    items.extend(programs(folders)?);
    let (used, unreadable) = datasets(&runs);
    items.extend(cached(&used, !unreadable.is_empty(), folders)?);
    items.sort_by(|a, b| (a.reason, &a.path).cmp(&(b.reason, &b.path)));
    Ok(Removable { items, named, unreadable })
}

/// Why the run as a whole can go. Stopped and killed runs can be resumed: they stay.
fn doomed(run: &RunDir, status: Option<&Status>, runs: &[RunDir], folders: &Folders) -> Option<Reason> {
    let later = |other: &&RunDir| other.id.id == run.id.id && other.id.attempt > run.id.attempt;
    if runs.iter().filter(later).any(RunDir::finished) {
        return Some(Reason::SupersededAttempt);
    }
    match status {
        _ if run.finished() => None,
        Some(s) if s.state == State::Failed => Some(Reason::FailedRun),
        // A status that is there but unreadable is another version's, not nobody's.
        None if !run.file("status.json").exists()
            && run.checkpoints().is_empty()
            && old(&run.path, folders) =>
        {
            Some(Reason::NeverBegun)
        }
        _ => None,
    }
}

/// Whether the reason still holds, now that nobody else can work on the run: somebody may have since it was listed.
pub fn still(item: &Item) -> bool {
    let Some(run) = &item.run else { return true };
    match item.reason {
        Reason::FailedRun => {
            !run.finished() && matches!(run.status(), Ok(Some(status)) if status.state == State::Failed)
        }
        Reason::NeverBegun => !run.file("status.json").exists() && run.checkpoints().is_empty(),
        Reason::IntermediateCheckpoint => run.finished(),
        _ => true,
    }
}

/// Parts of a run that stays.
fn leftovers(run: &RunDir, folders: &Folders) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let steps = run.checkpoints();
    // What a record, `verify`, `eval` and `show` need is the last one.
    let last = Record::read(&run.file("record.json")).ok().map(|r| r.steps);
    if run.finished() && last.is_some() && steps.last().copied() == last {
        for step in &steps[..steps.len() - 1] {
            for half in [run.checkpoint(*step), run.optimizer(*step)] {
                items.push(item(Reason::IntermediateCheckpoint, &half, Some(run)));
            }
        }
    }
    for folder in [run.path.clone(), run.file("checkpoints"), run.file("probes")] {
        items.extend(temporary(&folder, Some(run), folders)?);
    }
    for path in files(&run.file("checkpoints"))? {
        if path.extension().is_some_and(|e| e == "damaged") {
            items.push(item(Reason::DamagedCheckpoint, &path, Some(run)));
        }
    }
    Ok(items)
}

/// Files in `folder` that a write which never ended has left.
fn temporary(folder: &Path, run: Option<&RunDir>, folders: &Folders) -> Result<Vec<Item>> {
    let is_temporary = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        store::TEMPORARY.iter().any(|prefix| name.starts_with(prefix)) && path.is_file() && old(path, folders)
    };
    let found = files(folder)?.into_iter().filter(is_temporary);
    Ok(found.map(|path| item(Reason::TemporaryFile, &path, run)).collect())
}

/// The programs that submissions to Slurm were pinned to, where every run of the submission is complete.
fn programs(folders: &Folders) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for folder in files(&folders.runs.join(ablation::FOLDER))?.into_iter().filter(|p| p.is_dir()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for submission in Submission::all(folders.runs, &name)? {
            let program = submission.folder.join("nano4m");
            if program.exists() && old(&submission.folder, folders) && submission.complete(folders.runs)? {
                items.push(item(Reason::SubmittedProgram, &program, None));
            }
        }
    }
    Ok(items)
}

/// The datasets that runs were made from, finished or not, and the runs that cannot say theirs.
fn datasets(runs: &[RunDir]) -> (BTreeSet<String>, Unreadable) {
    let (mut used, mut unreadable) = (BTreeSet::new(), Unreadable::new());
    for run in runs {
        let file = run.file("provenance.json");
        match Provenance::read(&file) {
            Ok(provenance) => {
                used.insert(provenance.data.sha256);
            }
            // Killed before it began.
            Err(_) if !file.exists() => {}
            Err(fault) => unreadable.entry(fault.what).or_default().push(run.id.directory()),
        }
    }
    (used, unreadable)
}

/// Token stores of datasets that no run in this folder was made from (none, where `more` may be used), and
/// what leads to none.
fn cached(used: &BTreeSet<String>, more: bool, folders: &Folders) -> Result<Vec<Item>> {
    let entries = data::cached(folders.cache)?;
    let old_enough = entries.into_iter().filter(|e| old(&e.path, folders));
    Ok(old_enough
        .filter_map(|entry| {
            let reason = match entry.content {
                data::CacheContent::Dataset(hash) if more || used.contains(&hash) => return None,
                data::CacheContent::Dataset(_) => Reason::UnknownDataset,
                data::CacheContent::Broken => Reason::BrokenCacheEntry,
                data::CacheContent::Unfinished => Reason::TemporaryFile,
            };
            Some(item(reason, &entry.path, None))
        })
        .collect())
}

fn item(reason: Reason, path: &Path, run: Option<&RunDir>) -> Item {
    Item { reason, path: path.to_owned(), bytes: bytes(path), run: run.cloned() }
}

/// Whether it has been as it is for long enough; what has no time is new.
fn old(path: &Path, folders: &Folders) -> bool {
    let changed = path.symlink_metadata().and_then(|m| m.modified()).ok();
    changed.and_then(|t| folders.now.duration_since(t).ok()).is_some_and(|age| age >= folders.age)
}

/// Size of a file or of everything in a folder.
fn bytes(path: &Path) -> u64 {
    match path.symlink_metadata() {
        Ok(m) if m.is_dir() => files(path).unwrap_or_default().iter().map(|p| bytes(p)).sum(),
        Ok(m) => m.len(),
        Err(_) => 0,
    }
}

/// Number of items and bytes per reason.
pub fn totals(items: &[Item]) -> BTreeMap<Reason, (usize, u64)> {
    let mut totals = BTreeMap::new();
    for item in items {
        let (count, bytes) = totals.entry(item.reason).or_insert((0, 0));
        *count += 1;
        *bytes += item.bytes;
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RunId;

    #[test]
    fn a_run_that_somebody_went_on_with_since_it_was_listed_stays() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDir::create(root.path(), RunId::new("x", "0123456789abcdef", 1)).unwrap();
        let never = item(Reason::NeverBegun, &run.path, Some(&run));
        let failed = item(Reason::FailedRun, &run.path, Some(&run));
        assert_eq!((still(&never), still(&failed)), (true, false));
        let mut status = Status::new("x", "0123456789abcdef", 1, 9, "");
        for (state, goes) in [(State::Failed, true), (State::Running, false), (State::Stopped, false)] {
            status.state = state;
            run.set_status(&status).unwrap();
            assert_eq!((still(&never), still(&failed)), (false, goes));
        }
    }
}
