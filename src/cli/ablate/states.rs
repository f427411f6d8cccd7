//! Where the jobs stand, for people and for machines.

use crate::ablation::{Existing, Job, JobState, Plan};
use crate::cli::layout;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use tabled::builder::Builder;

/// A job as `--json` shows it.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    cell: &'a str,
    values: &'a BTreeMap<String, String>,
    seed: u64,
    /// `cached`, `finished`, `stopped`, `failed`, `waiting`.
    state: &'static str,
    reason: Option<&'a str>,
    identity: &'a str,
    directory: Option<String>,
    manifest: &'a Path,
}

/// Every job with its state, as `--json` shows them.
pub fn lines<'a>(plan: &'a Plan, states: &'a [JobState]) -> Vec<Line<'a>> {
    let line = |(job, state): (&'a Job, &'a JobState)| Line {
        cell: &job.label,
        values: &job.values,
        seed: job.seed,
        state: word(state),
        reason: match state {
            JobState::Failed(reason) | JobState::Held(reason) => Some(reason),
            _ => None,
        },
        identity: &job.identity,
        directory: directory(job),
        manifest: &job.manifest,
    };
    plan.jobs.iter().zip(states).map(line).collect()
}

/// Name of the run's directory, if there is one.
pub fn directory(job: &Job) -> Option<String> {
    match job.existing().ok()? {
        Existing::Complete(run) | Existing::Partial { run, .. } => Some(run.id.directory()),
        Existing::Nothing => None,
    }
}

/// One word for a state.
pub fn word(state: &JobState) -> &'static str {
    match state {
        JobState::Cached => "cached",
        JobState::Waiting => "waiting",
        JobState::Held(_) => "held",
        JobState::Running { .. } => "running",
        JobState::Finished => "finished",
        JobState::Stopped => "stopped",
        JobState::Failed(_) => "failed",
    }
}

/// Rows: cells; columns: the state of each seed.
pub fn table(plan: &Plan, states: &[JobState]) -> String {
    let mut builder = Builder::default();
    let seeds = plan.ablation.seeds.iter().map(|s| format!("seed {s}"));
    builder.push_record(std::iter::once("cell".to_string()).chain(seeds));
    for (i, cell) in plan.cells.iter().enumerate() {
        let of_cell = plan.jobs.iter().zip(states).filter(|(job, _)| job.cell == i);
        let words = of_cell.map(|(_, state)| word(state).to_string());
        builder.push_record(std::iter::once(cell.label.clone()).chain(words));
    }
    layout::style(builder, usize::MAX)
}
