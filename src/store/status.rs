//! `status.json`: what a run is doing, and what the files hold that change while it does. Its last line is the
//! digest of the lines before it.

use super::atomic::write_atomic;
use super::json::{self, Format};
use super::last_line::{self, LastLine};
use super::made_for::CellOf;
use super::rows::Rows;
use crate::fault::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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

/// What a table held at a checkpoint, every byte of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableAt {
    /// Step of the checkpoint.
    pub step: u64,
    /// e.g. `metrics.csv`.
    pub file: String,
    #[serde(flatten)]
    pub rows: Rows,
}

/// Content of `status.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// SHA-256 of the files that describe the run, as it wrote them; of files of before this field nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// What the tables held at the newest checkpoints; nothing in files of before this field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableAt>,
    /// The last line, while it is read.
    #[serde(default, skip_serializing)]
    digest: Option<String>,
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
            files: BTreeMap::new(),
            tables: Vec::new(),
            digest: None,
        }
    }

    /// Reads `path`.
    ///
    /// # Errors
    /// If it is missing, is not a status, has another version or has changed since it was written.
    pub fn read(path: &Path) -> Result<Status> {
        let place = |fault: Fault| fault.at(path.display().to_string());
        let bytes = super::regular::read_own(path).map_err(|e| Fault::io("read", path, &e))?;
        let mut status: Status = FORMAT.parse(&bytes).map_err(place)?;
        let changed = || place(Fault::failed("the status has changed since it was written"));
        match (last_line::check(&bytes), status.digest.take()) {
            (LastLine::Holds, _) | (LastLine::Absent, None) => Ok(status),
            (LastLine::Absent, Some(_)) => Err(changed().expected("a digest as its last line")),
            (LastLine::Differs { found, expected }, _) => {
                Err(changed().found(found).expected(format!("{expected}, as its last line says")))
            }
        }
    }

    /// Replaces `path`.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomic(path, &last_line::add(json::pretty(self)?))
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
        let written = std::fs::read(&path).unwrap();
        for i in 0..written.len() {
            let mut changed = written.clone();
            changed[i] ^= 1;
            std::fs::write(&path, changed).unwrap();
            assert!(Status::read(&path).is_err(), "byte {i} of {}", String::from_utf8_lossy(&written));
        }
        for length in [0, 1, written.len() / 2, written.len() - 1] {
            std::fs::write(&path, &written[..length]).unwrap();
            assert!(Status::read(&path).is_err(), "{length} bytes");
        }
        // As the versions before wrote it.
        std::fs::write(&path, json::pretty(&status).unwrap()).unwrap();
        assert_eq!(Status::read(&path).unwrap(), status);
        status.schema = 9;
        status.write(&path).unwrap();
        assert_eq!(Status::read(&path).unwrap_err().found.as_deref(), Some("status schema 9"));
    }
}
