//! One run as a line: what `ls` shows unless it is asked for more.

use crate::manifest::changed::changed;
use crate::store::{Lock, RunDir, State, Status};
use serde::Serialize;

/// A run as `ls --json` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub id: String,
    pub name: String,
    /// `running`, `stopped`, `failed`, `finished`, `killed` (says running, but nobody holds its lock), `unknown`.
    pub state: &'static str,
    pub step: Option<u64>,
    pub total: Option<u64>,
    pub started: Option<String>,
    /// What `--set` changed of the manifest, as `path=value`.
    pub changed: Vec<String>,
    pub path: String,
}

/// The state of a run, seen from outside.
pub fn state(run: &RunDir, status: Option<&Status>) -> &'static str {
    match status {
        Some(s) if s.state == State::Running && Lock::holder(&run.path).is_none() => "killed",
        Some(s) => s.state.name(),
        // Its status is lost, its record is not.
        None if run.finished() => State::Finished.name(),
        None => "unknown",
    }
}

/// Reads what the line needs; what cannot be read is unknown.
pub fn line(run: &RunDir) -> Line {
    let status = run.status().ok().flatten();
    let text = |file: &str| crate::store::regular::read_own_text(run.file(file)).unwrap_or_default();
    Line {
        id: run.id.short(),
        name: run.id.name.clone(),
        state: state(run, status.as_ref()),
        step: status.as_ref().map(|s| s.step),
        total: status.as_ref().map(|s| s.total),
        started: status.map(|s| s.started),
        changed: changed(&text("manifest.ron"), &text("resolved.ron")),
        path: run.path.display().to_string(),
    }
}
