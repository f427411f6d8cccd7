//! `nano4m show RUN`: where a run stands, what it measured, what it left.

use super::arguments::Global;
use super::done::Done;
use super::environment::runs_folder;
use super::ls::state;
use super::{layout, output, tables};
use crate::fault::Result;
use crate::provenance::{Provenance, Segment};
use crate::record::{self, Record};
use crate::runner::clock;
use crate::store::{self, RunDir, Status};
use serde::Serialize;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which run
    #[arg(value_name = "RUN")]
    pub run: String,
}

#[derive(Serialize)]
struct Shown {
    path: String,
    state: &'static str,
    status: Option<Status>,
    record: Option<Record>,
    /// Where it was made, one for each start.
    segments: Vec<Start>,
}

/// Where a stretch of the run was made; `provenance.json` says more.
#[derive(Serialize)]
struct Start {
    from_step: u64,
    started: String,
    class: String,
    host: String,
    device: String,
    threads: usize,
    code: String,
    changed: bool,
    /// Whether anything of it is left: no later start began where it had, or before.
    left: bool,
}

/// `nano4m show RUN`.
pub fn show(args: &Args, global: &Global) -> Result<Done> {
    let run = store::find(&runs_folder(global), &args.run)?;
    let status = run.status().unwrap_or_else(|fault| {
        output::note(&format!(
            "warning: {fault}\n      help: `nano4m resume {}` makes it again",
            run.id.short()
        ));
        None
    });
    let segments = starts(&run);
    let old = run.finished() && Record::of_another_version(&run);
    let path = run.file("record.json");
    let record = if run.finished() { Some(Record::as_it_stands(&path)) } else { None };
    // Of a run of another version everything but its record is shown; of one whose record has changed, that too.
    let (record, problem) = match record {
        Some(Err(fault)) if old => (None, Some(fault)),
        Some(read) => {
            let (record, last_line) = read?;
            (Some(record), record::changed(&path, last_line))
        }
        None => (None, None),
    };
    problem.iter().for_each(|fault| output::note(&format!("warning: {fault}")));
    if global.json {
        let (path, state) = (run.path.display().to_string(), state(&run, status.as_ref()));
        output::json(&Shown { path, state, status, record, segments })?;
        return Ok(Done::Fine);
    }
    let mut text = describe(&run, status.as_ref()) + &places(&segments);
    if let Some(record) = &record {
        text += &facts(record);
    }
    output::data(&text)?;
    record.map_or(Ok(()), |r| tables::print_record(&r, global))?;
    Ok(Done::Fine)
}

fn describe(run: &RunDir, status: Option<&Status>) -> String {
    let mut lines = vec![("run", run.id.directory()), ("path", run.path.display().to_string())];
    lines.push(("state", state(run, status).into()));
    if let Some(status) = status {
        lines.push(("step", format!("{} of {}", status.step, status.total)));
        lines.push(("started", status.started.clone()));
        if status.train_seconds > 0.0 {
            let rate = status.train_tokens as f64 / status.train_seconds;
            lines.push(("trained", format!("{} at {rate:.0} tokens/s", clock(status.train_seconds))));
        }
        lines.extend(status.reason.clone().map(|r| ("reason", r)));
        lines.push(("manifest", status.manifest.clone()));
    }
    let steps: Vec<String> = run.checkpoints().iter().map(ToString::to_string).collect();
    lines.push(("checkpoints", if steps.is_empty() { "none".into() } else { steps.join(", ") }));
    layout::facts(&lines)
}

/// Every start that `provenance.json` tells of.
fn starts(run: &RunDir) -> Vec<Start> {
    let path = run.file("provenance.json");
    let Ok(provenance) = Provenance::read(&path) else { return Vec::new() };
    let (left, as_written) = (provenance.left(), Provenance::as_written(&path));
    let start = |(s, left): (Segment, bool)| Start {
        from_step: s.from_step,
        started: s.started,
        class: s.machine.class,
        host: s.machine.host,
        device: s.device,
        threads: s.threads,
        code: s.code.hash,
        changed: s.changed || !as_written,
        left,
    };
    provenance.segments.into_iter().zip(left).map(start).collect()
}

/// Each place the run was made in: one line where nothing changed, none for a start of which nothing is left.
fn places(starts: &[Start]) -> String {
    let mut lines: Vec<(&str, String)> = Vec::new();
    let mut last = None;
    for start in starts.iter().filter(|start| start.left) {
        let place = (&start.class, &start.device, start.threads, &start.code, start.changed);
        if last != Some(place) {
            let changed = if start.changed { " (changed since it was written)" } else { "" };
            let from =
                format!("from step {}: {}, {} threads, ", start.from_step, start.device, start.threads);
            lines.push(("made on", format!("{from}{} ({}){changed}", start.class, start.host)));
            last = Some(place);
        }
    }
    if starts.len() > 1 {
        lines.push(("starts", starts.len().to_string()));
    }
    layout::facts(&lines)
}

fn facts(record: &Record) -> String {
    let pinned = match (record.pinned, record.drift.is_empty()) {
        (_, false) => format!("drift allowed: {}", record.drift.join("; ")),
        (true, true) => "pinned, and the pins matched".into(),
        (false, true) => "not pinned".into(),
    };
    layout::facts(&[
        ("identity", record.identity.clone()),
        ("code", record.code_hash.clone()),
        ("data", record.data_hash.clone()),
        ("provenance", pinned),
        ("parameters", record.parameters.to_string()),
        ("tokens", record.train_tokens.to_string()),
        (
            "clips",
            format!(
                "{} train, {} validation, {} test",
                record.clips.train, record.clips.eval, record.clips.test
            ),
        ),
        ("digest", record.final_digest.clone()),
    ])
}
