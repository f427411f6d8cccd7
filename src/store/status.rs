//! `status.json`: what a run is doing. The only file of a run that holds times.

use super::json::Format;
use super::made_for::CellOf;
use crate::fault::Result;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Version of `status.json`.
pub const SCHEMA: u32 = 1;
const FORMAT: Format = Format { what: "a status file", short: "status", schema: SCHEMA, help: None };

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Some process works on it, or was killed while it did.
    Running,
    /// Stopped after a checkpoint; can be resumed.
    Stopped,
    /// Ended by an error.
    Failed,
    /// Trained, evaluated and recorded.
    Finished,
}

impl State {
    /// Lower-case name, as in the file.
    pub fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Stopped => "stopped",
            State::Failed => "failed",
            State::Finished => "finished",
        }
    }
}

/// Content of `status.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of this format.
    pub schema: u32,
    /// Name of the experiment.
    pub name: String,
    /// Full identity of the run, 64 hex digits.
    pub identity: String,
    /// 1 for the first attempt; `--force` counts up.
    pub attempt: u32,
    /// The manifest it was started from, absolute; a relative `data.path` may be beside it.
    pub manifest: String,
    pub state: State,
    /// Optimizer steps done.
    pub step: u64,
    /// Optimizer steps of the whole run.
    pub total: u64,
    /// When the run was first started, RFC 3339 UTC.
    pub started: String,
    /// When this file was written, RFC 3339 UTC.
    pub updated: String,
    /// Wall time spent training, all resumes together, seconds.
    pub train_seconds: f64,
    /// Input and target tokens trained on in that time.
    pub train_tokens: u64,
    /// The cell of an ablation it was begun for; absent for a run of its own (and in files of before this field).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_for: Option<CellOf>,
    /// Why it stopped or failed, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Status {
    /// A run that starts now.
    pub fn new(name: &str, identity: &str, attempt: u32, total: u64, now: &str) -> Status {
        Status {
            schema: SCHEMA,
            name: name.into(),
            identity: identity.into(),
            attempt,
            manifest: String::new(),
            state: State::Running,
            step: 0,
            total,
            started: now.into(),
            updated: now.into(),
            train_seconds: 0.0,
            train_tokens: 0,
            made_for: None,
            reason: None,
        }
    }

    /// Reads `path`.
    ///
    /// # Errors
    /// If it is missing, is not a status or has another version.
    pub fn read(path: &Path) -> Result<Status> {
        FORMAT.read(path)
    }

    /// Replaces `path`.
    pub fn write(&self, path: &Path) -> Result<()> {
        FORMAT.write(path, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_other_versions() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("status.json");
        let mut status = Status::new("x", "ab", 1, 10, "2026-01-01T00:00:00Z");
        status.write(&path).unwrap();
        assert_eq!(Status::read(&path).unwrap(), status);
        status.made_for = Some(CellOf { ablation: "masking".into(), cell: "span".into() });
        status.write(&path).unwrap();
        assert_eq!(Status::read(&path).unwrap(), status);
        status.schema = 9;
        status.write(&path).unwrap();
        assert_eq!(Status::read(&path).unwrap_err().found.as_deref(), Some("status schema 9"));
    }
}
