//! Working on a run that is sealed: what the work may change leaves the seal before, and enters it as it is after.
//!
//! A file that did not match the seal before the work, and that the work does not make again, keeps the entry that it
//! does not match: no work makes a change intact that was not its own. While the work lasts the seal
//! says so, so that a process that was killed leaves nothing that looks changed by somebody else.

use super::seal::{digest, Seal};
use crate::fault::Result;
use crate::store::RunDir;
use std::collections::BTreeMap;

/// Files that are written once: what is written again says the same.
const FIXED: [&str; 4] = ["manifest.ron", "resolved.ron", "eval.csv", "digests.csv"];
/// Files that are added to: what was there before stays.
const CONTINUED: [&str; 2] = ["log.txt", "provenance.json"];

/// The seal of a run that is being worked on.
pub struct OpenSeal<'a> {
    run: &'a RunDir,
    /// What stays in it.
    seal: Seal,
    /// Digests that files had which did not match.
    found: BTreeMap<String, String>,
}

/// Opens the seal of a run whose lock is held. A run without one gets one when it is closed.
///
/// # Errors
/// If it has changed since it was written, or a file cannot be read.
pub fn open(run: &RunDir) -> Result<OpenSeal<'_>> {
    let Some(mut seal) = Seal::read(run)? else {
        return Ok(OpenSeal { run, seal: Seal::default(), found: BTreeMap::new() });
    };
    let mut found = BTreeMap::new();
    let mut kept = BTreeMap::new();
    for (path, entry) in std::mem::take(&mut seal.files) {
        let now = digest(run, &path)?;
        let keep = match &now {
            Some(now) if *now == entry => FIXED.contains(&path.as_str()),
            Some(_) => path != "status.json",
            None => CONTINUED.contains(&path.as_str()),
        };
        if keep {
            found.extend(now.filter(|now| *now != entry).map(|now| (path.clone(), now)));
            kept.insert(path, entry);
        }
    }
    (seal.files, seal.open) = (kept, true);
    seal.write(run)?;
    Ok(OpenSeal { run, seal, found })
}

impl OpenSeal<'_> {
    /// Seals the run as it is now.
    ///
    /// # Errors
    /// If a file cannot be read, or what the file system refuses.
    pub fn close(self) -> Result<()> {
        let OpenSeal { run, seal: before, found } = self;
        let mut seal = Seal::now(run)?;
        for (path, entry) in before.files {
            let now = seal.files.get(&path);
            if CONTINUED.contains(&path.as_str()) || now.is_some() && now == found.get(&path) {
                seal.files.insert(path, entry);
            }
        }
        seal.removed = before.removed;
        seal.removed.retain(|path, _| !seal.files.contains_key(path));
        seal.write(run)
    }
}

/// Notes in the seal, if there is one, that `gc` is about to remove a file of a run whose lock is held.
///
/// # Errors
/// As [`open`].
pub fn removed(run: &RunDir, path: &str) -> Result<()> {
    let Some(mut seal) = Seal::read(run)? else { return Ok(()) };
    if let Some(digest) = seal.files.remove(path) {
        seal.removed.insert(path.into(), digest);
        seal.write(run)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RunId;

    fn run(root: &std::path::Path) -> RunDir {
        let run = RunDir::create(root, RunId::new("x", "0123456789abcdef", 1)).unwrap();
        for name in ["manifest.ron", "metrics.csv", "log.txt", "status.json", "record.json", "probes/x.csv"] {
            run.write(name, name.as_bytes()).unwrap();
        }
        open(&run).unwrap().close().unwrap();
        run
    }

    /// Files that do not match.
    fn changed(run: &RunDir) -> Vec<String> {
        let seal = Seal::read(run).unwrap().unwrap();
        assert!(!seal.open);
        let other = |(path, entry): (&String, &String)| digest(run, path).unwrap().as_ref() != Some(entry);
        seal.files.iter().filter(|e| other(*e)).map(|(path, _)| path.clone()).collect()
    }

    #[test]
    fn what_the_work_changes_is_sealed_again() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        assert_eq!(changed(&run), [""; 0]);
        let sealed = open(&run).unwrap();
        assert!(Seal::read(&run).unwrap().unwrap().open);
        for name in ["log.txt", "status.json", "record.json", "probes/x.csv", "probes/y.csv"] {
            run.write(name, b"new").unwrap();
        }
        sealed.close().unwrap();
        assert_eq!(changed(&run), [""; 0]);
        assert!(Seal::read(&run).unwrap().unwrap().files.contains_key("probes/y.csv"));
    }

    #[test]
    fn no_work_makes_a_change_intact_that_was_not_its_own() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        let all = ["log.txt", "manifest.ron", "metrics.csv", "probes/x.csv", "record.json"];
        all.iter().for_each(|name| run.write(name, b"tampered").unwrap());
        // Killed twice, and then done.
        for _ in 0..2 {
            let sealed = open(&run).unwrap();
            run.log("more").unwrap();
            drop(sealed);
        }
        let sealed = open(&run).unwrap();
        run.log("more").unwrap();
        sealed.close().unwrap();
        assert_eq!(changed(&run), all);
        // Scores and record that were made again are the work's.
        let sealed = open(&run).unwrap();
        run.write("probes/x.csv", b"measured").unwrap();
        run.write("record.json", b"measured").unwrap();
        sealed.close().unwrap();
        assert_eq!(changed(&run), ["log.txt", "manifest.ron", "metrics.csv"]);
        // So is a table that was made again; of a log it cannot be told what it said.
        std::fs::remove_file(run.file("log.txt")).unwrap();
        let sealed = open(&run).unwrap();
        run.write("metrics.csv", b"made again").unwrap();
        run.log("more").unwrap();
        sealed.close().unwrap();
        assert_eq!(changed(&run), ["log.txt", "manifest.ron"]);
    }

    #[test]
    fn a_killed_process_leaves_nothing_that_looks_changed() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        let sealed = open(&run).unwrap();
        run.log("more").unwrap();
        run.write("record.json", b"new").unwrap();
        drop(sealed);
        open(&run).unwrap().close().unwrap();
        assert_eq!(changed(&run), [""; 0]);
    }

    #[test]
    fn what_gc_removes_is_said_and_what_comes_back_is_there() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        removed(&run, "probes/x.csv").unwrap();
        std::fs::remove_file(run.file("probes/x.csv")).unwrap();
        let seal = Seal::read(&run).unwrap().unwrap();
        assert!(seal.removed.contains_key("probes/x.csv") && !seal.files.contains_key("probes/x.csv"));
        assert_eq!(changed(&run), [""; 0]);
        let sealed = open(&run).unwrap();
        run.write("probes/x.csv", b"again").unwrap();
        sealed.close().unwrap();
        assert!(Seal::read(&run).unwrap().unwrap().removed.is_empty());
    }
}
