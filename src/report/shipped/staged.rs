//! Committed scores as a folder of runs again, for as long as they are looked at.

use super::needed::Needed;
use super::packed::{Packed, FOLDER};
use crate::fault::{Fault, Result};
use crate::record::AblationRecord;
use crate::report::runs::PACKED;
use crate::store::RunDir;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A temporary folder of runs.
pub struct Staged {
    folder: TempDir,
}

impl Staged {
    /// An empty one.
    pub fn new() -> Result<Staged> {
        let failed = |e: std::io::Error| Fault::failed(format!("cannot create a temporary folder: {e}"));
        let folder = tempfile::Builder::new().prefix("nano4m-check-").tempdir().map_err(failed)?;
        let mark = folder.path().join(PACKED);
        std::fs::write(&mark, "").map_err(|e| Fault::io("write", &mark, &e))?;
        Ok(Staged { folder })
    }

    /// Adds a run by the name of its directory.
    pub fn add(&self, run: &str, packed: &Packed) -> Result<()> {
        packed.unpack(&self.folder.path().join(run))
    }

    /// Adds what a report uses of a run that is here, by links to its files.
    ///
    /// # Errors
    /// If a link cannot be made.
    pub fn link(&self, run: &RunDir, needed: &Needed) -> Result<()> {
        for file in needed.files.iter().filter(|file| run.file(file).exists()) {
            let (own, link) = (run.file(file), self.folder.path().join(&needed.run).join(file));
            let parent = link.parent().unwrap_or(self.folder.path());
            std::fs::create_dir_all(parent).map_err(|e| Fault::io("create", parent, &e))?;
            let own = own.canonicalize().map_err(|e| Fault::io("look at", &own, &e))?;
            std::os::unix::fs::symlink(own, &link).map_err(|e| Fault::io("link", &link, &e))?;
        }
        Ok(())
    }

    /// Where the runs are.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Where the archive of a run is.
pub fn path(reports: &Path, run: &str) -> PathBuf {
    reports.join(FOLDER).join(format!("{run}.tar.gz"))
}

/// The committed records of ablations, by name.
///
/// # Errors
/// If one cannot be read or contradicts itself.
pub fn ablations(reports: &Path) -> Result<Vec<AblationRecord>> {
    AblationRecord::list(&reports.join(FOLDER))
}
