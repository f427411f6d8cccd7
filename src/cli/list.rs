//! `nano4m ls`: one line for each run.

use super::args::Global;
use super::session::runs_folder;
use super::{output, tables, Done};
use crate::fault::Result;
use crate::store::{self, Lock, RunDir, State, Status};
use serde::Serialize;
use tabled::builder::Builder;

/// A run as `ls --json` shows it.
#[derive(Debug, Serialize)]
struct Line {
    id: String,
    name: String,
    /// `running`, `stopped`, `failed`, `finished`, `killed` (says running, but nobody holds its lock), `unknown`.
    state: &'static str,
    step: Option<u64>,
    total: Option<u64>,
    started: Option<String>,
    path: String,
}

/// `nano4m ls`.
pub fn ls(g: &Global) -> Result<Done> {
    let mut lines: Vec<Line> = store::list(&runs_folder(g))?.iter().map(line).collect();
    lines.sort_by(|a, b| (&a.started, &a.path).cmp(&(&b.started, &b.path)));
    if g.json {
        output::json(&lines)?;
    } else if lines.is_empty() {
        output::note(&format!("no runs in {}", runs_folder(g).display()));
    } else {
        output::data(&table(&lines))?;
    }
    Ok(Done::Fine)
}

/// The state of a run, seen from outside.
pub fn state(run: &RunDir, status: Option<&Status>) -> &'static str {
    match status {
        Some(s) if s.state == State::Running && Lock::holder(&run.path).is_none() => "killed",
        Some(s) => s.state.name(),
        None => "unknown",
    }
}

fn line(run: &RunDir) -> Line {
    let status = run.status().ok().flatten();
    Line {
        id: run.id.short(),
        name: run.id.name.clone(),
        state: state(run, status.as_ref()),
        step: status.as_ref().map(|s| s.step),
        total: status.as_ref().map(|s| s.total),
        started: status.map(|s| s.started),
        path: run.path.display().to_string(),
    }
}

fn table(lines: &[Line]) -> String {
    let mut builder = Builder::default();
    builder.push_record(["id", "name", "state", "step", "started"]);
    for l in lines {
        let step = l.step.zip(l.total).map_or("–".into(), |(s, t)| format!("{s}/{t}"));
        let started = l.started.clone().unwrap_or_else(|| "–".into());
        builder.push_record([l.id.clone(), l.name.clone(), l.state.into(), step, started]);
    }
    tables::style(builder, usize::MAX)
}
