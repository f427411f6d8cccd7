//! How this program is started again for a job, by whichever engine.

use std::path::PathBuf;

/// The command line that the jobs of an ablation share, and where it is started.
///
/// ```text
/// PROGRAM OPTIONS run MANIFEST … FLAGS          a job
/// PROGRAM OPTIONS ablate FILE --collect … FLAGS what is done when all have ended
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// This program.
    pub program: PathBuf,
    /// What stands before the command: `--runs` (absolute), `--device` and so on.
    pub options: Vec<String>,
    /// What stands at the end, of a run and of the ablation: `--allow-drift`.
    pub flags: Vec<String>,
    /// The working directory, absolute: relative paths in manifests start there.
    pub directory: PathBuf,
    /// Folder of the token stores, absolute; given as `NANO4M_CACHE`.
    pub cache: PathBuf,
    /// Folder of the tables; a relative one lies in `directory`.
    pub reports: PathBuf,
}
