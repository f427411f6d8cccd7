//! Where the probes' scores go: into a run, or into any folder.

use super::journal::Journal;
use super::session::folder;
use crate::digest::sha256_hex;
use crate::fault::{Fault, Result};
use crate::observer::{Observer, Stop};
use crate::probes::suite::Sink;
use crate::record::FileDigest;
use crate::store::{write_atomic, RunDir};
use std::path::PathBuf;

/// Writes the probes' files into a run and remembers their digests.
pub struct RunSink<'a, 'j> {
    run: &'a RunDir,
    journal: &'a mut Journal<'j>,
    digests: Vec<FileDigest>,
    /// Why it ended the suite, if it did.
    pub stopped: Option<Stop>,
}

impl<'a, 'j> RunSink<'a, 'j> {
    pub fn new(run: &'a RunDir, journal: &'a mut Journal<'j>) -> RunSink<'a, 'j> {
        RunSink { run, journal, digests: Vec::new(), stopped: None }
    }

    /// What was written.
    pub fn digests(self) -> Vec<FileDigest> {
        self.digests
    }
}

impl Sink for RunSink<'_, '_> {
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.run.write(name, bytes)?;
        self.digests.retain(|d| d.path != name);
        self.digests.push(FileDigest { path: name.into(), sha256: sha256_hex(bytes) });
        Ok(())
    }

    fn progress(&mut self, probe: &str, done: usize, total: usize) -> Result<()> {
        self.journal.measured(probe, done, total);
        self.stopped = self.journal.interrupted();
        match self.stopped {
            None => Ok(()),
            Some(why) => Err(interrupted(why).help(measured_again(self.run))),
        }
    }

    fn note(&mut self, message: &str) {
        self.journal.say(message);
    }
}

/// What ends the probes when the observer asks them to stop.
fn interrupted(why: Stop) -> Fault {
    Fault::with_exit(why.exit(), while_measuring(why))
}

/// The reason in `status.json` and in messages.
pub fn while_measuring(why: Stop) -> String {
    format!("{why} while measuring")
}

/// How a run that was stopped while it was measured goes on.
pub fn measured_again(run: &RunDir) -> String {
    format!("training is complete; `nano4m resume {}` measures again", run.id.short())
}

/// Writes the probes' files into a folder, if there is one.
pub struct FolderSink<'a> {
    pub out: Option<PathBuf>,
    pub observer: &'a mut dyn Observer,
}

impl Sink for FolderSink<'_> {
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let Some(out) = &self.out else { return Ok(()) };
        let path = out.join(name);
        let folder = folder(&path);
        std::fs::create_dir_all(folder).map_err(|e| Fault::io("create", folder, &e))?;
        write_atomic(&path, bytes)
    }

    fn progress(&mut self, probe: &str, done: usize, total: usize) -> Result<()> {
        self.observer.measured(probe, done, total);
        self.observer.stop(0).map_or(Ok(()), |why| Err(interrupted(why)))
    }

    fn note(&mut self, message: &str) {
        self.observer.note(message);
    }
}
