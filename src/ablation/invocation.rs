//! How this program is started again for a job, by whichever engine.

use crate::place::{Device, Devices};
use std::path::PathBuf;

/// The command line that the jobs of an ablation share, and where it is started.
///
/// ```text
/// PROGRAM OPTIONS --device D run MANIFEST … FLAGS a job
/// PROGRAM OPTIONS ablate FILE --collect … FLAGS   what is done when all have ended
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// This program.
    pub program: PathBuf,
    /// What stands before the command: `--runs` (absolute) and so on.
    pub options: Vec<String>,
    /// What the jobs run on; each gets one of them.
    pub devices: Devices,
    /// What stands at the end, of a run and of the ablation: `--allow-drift`.
    pub flags: Vec<String>,
    /// The working directory, absolute: relative paths in manifests start there.
    pub directory: PathBuf,
    /// Folder of the token stores, absolute; given as `NANO4M_CACHE`.
    pub cache: PathBuf,
    /// Folder of the tables; a relative one lies in `directory`.
    pub reports: PathBuf,
}

impl Invocation {
    /// What stands before the command of a job that runs on `device`.
    pub fn options_on(&self, device: Device) -> Vec<String> {
        let device = ["--device".into(), device.to_string()];
        self.options.iter().cloned().chain(device).collect()
    }
}
