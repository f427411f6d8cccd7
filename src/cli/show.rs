//! `nano4m show RUN`: where a run stands, what it measured, what it left.

use super::arguments::{Global, Named};
use super::done::Done;
use super::environment::runs_folder;
use super::ls::state;
use super::{output, tables};
use crate::fault::Result;
use crate::record::Record;
use crate::runner::clock;
use crate::store::{self, RunDir, Status};
use serde::Serialize;

#[derive(Serialize)]
struct Shown {
    path: String,
    state: &'static str,
    status: Option<Status>,
    record: Option<Record>,
}

/// `nano4m show RUN`.
pub fn show(args: &Named, global: &Global) -> Result<Done> {
    let run = store::find(&runs_folder(global), &args.run)?;
    let status = run.status()?;
    let record = if run.finished() { Some(Record::read(&run.file("record.json"))?) } else { None };
    if global.json {
        let (path, state) = (run.path.display().to_string(), state(&run, status.as_ref()));
        output::json(&Shown { path, state, status, record })?;
        return Ok(Done::Fine);
    }
    let mut text = describe(&run, status.as_ref());
    if let Some(r) = &record {
        text += &facts(r);
    }
    output::data(&text)?;
    record.map_or(Ok(()), |r| tables::print_record(&r, global))?;
    Ok(Done::Fine)
}

fn describe(run: &RunDir, status: Option<&Status>) -> String {
    let mut lines = vec![("run", run.id.directory()), ("path", run.path.display().to_string())];
    lines.push(("state", state(run, status).into()));
    if let Some(s) = status {
        lines.push(("step", format!("{} of {}", s.step, s.total)));
        lines.push(("started", s.started.clone()));
        if s.train_seconds > 0.0 {
            let rate = s.train_tokens as f64 / s.train_seconds;
            lines.push(("trained", format!("{} at {rate:.0} tokens/s", clock(s.train_seconds))));
        }
        lines.extend(s.reason.clone().map(|r| ("reason", r)));
        lines.push(("manifest", s.manifest.clone()));
    }
    let steps: Vec<String> = run.checkpoints().iter().map(ToString::to_string).collect();
    lines.push(("checkpoints", if steps.is_empty() { "none".into() } else { steps.join(", ") }));
    format(&lines)
}

fn facts(r: &Record) -> String {
    let pinned = match (r.pinned, r.drift.is_empty()) {
        (_, false) => format!("drift allowed: {}", r.drift.join("; ")),
        (true, true) => "pinned, and the pins matched".into(),
        (false, true) => "not pinned".into(),
    };
    format(&[
        ("identity", r.identity.clone()),
        ("code", r.code_hash.clone()),
        ("data", r.data_hash.clone()),
        ("provenance", pinned),
        ("parameters", r.parameters.to_string()),
        ("tokens", r.train_tokens.to_string()),
        ("clips", format!("{} train, {} validation, {} test", r.clips.train, r.clips.eval, r.clips.test)),
        ("digest", r.final_digest.clone()),
    ])
}

fn format(lines: &[(&str, String)]) -> String {
    lines.iter().map(|(name, value)| format!("{name:>12}  {value}\n")).collect()
}
