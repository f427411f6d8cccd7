//! How an ablation ends: recorded and compared where every run is there, else said what is missing.

use super::args::Args;
use super::states;
use crate::ablation::{self, Existing, Job, JobState, Plan};
use crate::cli::arguments::Global;
use crate::cli::done::Done;
use crate::cli::environment::own_reports;
use crate::cli::{layout, output};
use crate::fault::{Exit, Result};
use crate::observer::Stop;
use crate::report::{self, table, ComparisonTables, Summary};
use crate::store;
use serde_json::json;
use std::path::PathBuf;

/// Records and compares what is complete, without running anything.
pub fn collect(plan: &Plan, args: &Args, global: &Global) -> Result<Done> {
    let state = |job: &Job| {
        Ok(match job.existing()? {
            Existing::Complete(_) => JobState::Cached,
            Existing::Nothing => JobState::Waiting,
            Existing::Partial { run, .. } => match run.status().ok().flatten() {
                Some(s) if s.state == store::State::Failed => JobState::Failed(s.reason.unwrap_or_default()),
                _ => JobState::Stopped,
            },
        })
    };
    let states = plan.jobs.iter().map(state).collect::<Result<Vec<JobState>>>()?;
    let open = states.iter().filter(|state| !state.complete()).count();
    if open > 0 {
        output::note(&format!(
            "{open} of {} runs are not finished here, so nothing is compared; `nano4m ablate {}` runs them",
            states.len(),
            args.name
        ));
    }
    finish(plan, &states, None, args, global)
}

/// Shows where every job stands; `stop` is why the execution ended early, if it did.
pub fn finish(
    plan: &Plan,
    states: &[JobState],
    stop: Option<Stop>,
    args: &Args,
    global: &Global,
) -> Result<Done> {
    let failed = states.iter().filter(|s| matches!(s, JobState::Failed(_))).count();
    let open = states.iter().filter(|s| !s.complete()).count() - failed;
    let finished = states.iter().any(JobState::complete);
    let compared = if open == 0 && finished { Some(compare(plan, args, global)?) } else { None };
    show(plan, states, compared.as_ref(), global)?;
    if compared.is_some() && !global.json {
        output::note(&format!("tables and plots: {}", reports(args, global).join("index.html").display()));
    }
    failures(plan, states);
    if let Some(exit) = stop.map(Stop::exit).filter(|_| open > 0) {
        output::note(&format!(
            "{open} of {} runs are not finished; the same command continues",
            states.len()
        ));
        return Ok(Done::With(if failed > 0 && exit == Exit::Stopped { Exit::Failed } else { exit }));
    }
    Ok(if failed > 0 || open > 0 { Done::With(Exit::Failed) } else { Done::Fine })
}

/// Records what is complete and compares it.
fn compare(plan: &Plan, args: &Args, global: &Global) -> Result<(ComparisonTables, Summary)> {
    ablation::record(plan)?.write(&plan.root)?;
    report::generate_ablation(&plan.root, &reports(args, global), &plan.ablation.name, &Default::default())
}

fn reports(args: &Args, global: &Global) -> PathBuf {
    args.reports.clone().unwrap_or_else(|| own_reports(global))
}

/// The state of every run, and the tables; every pair stays in its file, of which there are many.
fn show(
    plan: &Plan,
    states: &[JobState],
    compared: Option<&(ComparisonTables, Summary)>,
    global: &Global,
) -> Result<()> {
    if global.json {
        let tables = compared.map(|(_, summary)| &summary.tables);
        return output::json(&json!({ "runs": states::lines(plan, states), "tables": tables }));
    }
    // Told even where there is nothing to compare yet, or something failed.
    if compared.is_none() || states.iter().any(|s| !s.complete()) {
        output::data(&states::table(plan, states))?;
    }
    let Some((comparison, summary)) = compared else { return Ok(()) };
    let pairs = format!("ablation_{}_pairs", plan.ablation.name);
    let shown = comparison.tables.iter().filter(|(t, _)| *t.name != *pairs);
    let texts: Vec<String> = shown.map(|(t, _)| table::terminal(t, layout::width())).collect();
    output::data(&texts.join("\n"))?;
    let new = summary.tables.iter().filter(|t| t.new).count();
    let made = states.iter().filter(|s| **s == JobState::Finished).count();
    output::note(&format!(
        "{} runs: {made} made now, {} cached; {} tables, {new} of them new",
        states.len(),
        states.iter().filter(|s| **s == JobState::Cached).count(),
        summary.tables.len()
    ));
    Ok(())
}

/// Each failure with its reason and the file that says more.
fn failures(plan: &Plan, states: &[JobState]) {
    for (job, state) in plan.jobs.iter().zip(states) {
        if let JobState::Failed(reason) = state {
            output::note(&format!("failed: {}: {reason}\n    log: {}", job.title(), job.log().display()));
        }
    }
}
