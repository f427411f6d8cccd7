//! `nano4m ablate`: plan, execute, record, compare.

use super::ablate_args::Ablate;
use super::ablate_progress::Board;
use super::arguments::Global;
use super::done::Done;
use super::environment::{cache_folder, runs_folder};
use super::signals::Signals;
use super::{ablate_slurm, layout, output};
use crate::ablation::{self, Local, Plan, State, Where};
use crate::fault::{Exit, Fault, Result};
use crate::observer::Stop;
use crate::report::{self, table, ComparisonTables, Summary};
use crate::store;
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use tabled::builder::Builder;

/// `nano4m ablate NAME`.
pub fn ablate(args: &Ablate, g: &Global) -> Result<Done> {
    if let Some(done) = ablate_slurm::asked(args, g)? {
        return Ok(done);
    }
    let plan = plan(args, g)?;
    if args.collect {
        return collect(&plan, args, g);
    }
    if args.plan {
        return super::ablate_plan::show(&plan, args, g);
    }
    let mut board = Board::new(&plan, Signals::listen()?, args.max_time);
    let engine = engine(&plan, args, g)?;
    let states = engine.execute(&plan, &mut board)?;
    board.rest();
    let stop = board.stopped();
    finish(&plan, &states, stop, args, g)
}

/// Records and compares what is complete, without running anything.
pub fn collect(plan: &Plan, args: &Ablate, g: &Global) -> Result<Done> {
    let state = |job: &ablation::Job| {
        Ok(match job.found()? {
            ablation::Found::Complete(_) => State::Cached,
            ablation::Found::Nothing => State::Waiting,
            ablation::Found::Partial { run, .. } => match run.status()? {
                Some(s) if s.state == store::State::Failed => State::Failed(s.reason.unwrap_or_default()),
                _ => State::Stopped,
            },
        })
    };
    let states = plan.jobs.iter().map(state).collect::<Result<Vec<State>>>()?;
    finish(plan, &states, None, args, g)
}

/// Reads the ablation and finds out what of it exists.
fn plan(args: &Ablate, g: &Global) -> Result<Plan> {
    let loaded = load(args)?;
    let (runs, cache) = (runs_folder(g), cache_folder());
    Plan::new(&loaded, &Where { runs: &runs, cache: &cache, allow_drift: args.allow_drift })
}

/// Reads and checks the ablation; warnings go to stderr.
pub fn load(args: &Ablate) -> Result<ablation::Loaded> {
    let loaded = ablation::read(&ablation::locate(&args.name)?)?;
    loaded.warnings.iter().for_each(|w| output::note(&w.to_string()));
    Ok(loaded)
}

fn engine(plan: &Plan, args: &Ablate, g: &Global) -> Result<Local> {
    let program = std::env::current_exe()
        .map_err(|e| Fault::failed(format!("cannot tell where this program lies: {e}")))?;
    let (workers, threads) = shares(args, plan.jobs.len());
    let mut options = vec!["--runs".into(), runs_folder(g).display().to_string()];
    options.extend(["--device".into(), g.device.to_string()]);
    options.extend(["--kernels".into(), g.kernels.name().into()]);
    let flags = if args.allow_drift { vec!["--allow-drift".into()] } else { Vec::new() };
    Ok(Local { program, options, flags, workers, threads, fail_fast: args.fail_fast })
}

/// Jobs at the same time, and threads of each: together about as many as there are.
pub fn shares(args: &Ablate, jobs: usize) -> (usize, usize) {
    let threads = rayon::current_num_threads();
    let workers = args.jobs.map_or(threads, |n| n.get()).min(jobs).max(1);
    (workers, (threads / workers).max(1))
}

fn finish(plan: &Plan, states: &[State], stop: Option<Stop>, args: &Ablate, g: &Global) -> Result<Done> {
    let failed = states.iter().filter(|s| matches!(s, State::Failed(_))).count();
    let open = states.iter().filter(|s| !s.complete()).count() - failed;
    let finished = states.iter().any(State::complete);
    let compared = match open == 0 && finished {
        true => Some(compare(plan, args)?),
        false => None,
    };
    show(plan, states, compared.as_ref(), g)?;
    failures(plan, states);
    if let Some(exit) = stop.map(Stop::exit).filter(|_| open > 0) {
        output::note(&format!(
            "{open} of {} runs are not finished; the same command continues",
            states.len()
        ));
        return Ok(Done::With(if failed > 0 && exit == Exit::Stopped { Exit::Failed } else { exit }));
    }
    match failed > 0 || open > 0 {
        true => Ok(Done::With(Exit::Failed)),
        false => Ok(Done::Fine),
    }
}

/// Records what is complete and compares it.
fn compare(plan: &Plan, args: &Ablate) -> Result<(ComparisonTables, Summary)> {
    ablation::record(plan)?.write(&plan.root)?;
    report::generate_ablation(&plan.root, &args.reports, &plan.ablation.name, &Default::default())
}

/// The state of every run, and the tables; every pair stays in its file, of which there are many.
fn show(
    plan: &Plan,
    states: &[State],
    compared: Option<&(ComparisonTables, Summary)>,
    g: &Global,
) -> Result<()> {
    if g.json {
        let tables = compared.map(|(_, summary)| &summary.tables);
        return output::json(&json!({ "runs": lines(plan, states), "tables": tables }));
    }
    // Told even where there is nothing to compare yet, or something failed.
    if compared.is_none() || states.iter().any(|s| !s.complete()) {
        output::data(&table(plan, states))?;
    }
    let Some((comparison, summary)) = compared else { return Ok(()) };
    let pairs = format!("ablation_{}_pairs", plan.ablation.name);
    let shown = comparison.tables.iter().filter(|(t, _)| *t.name != *pairs);
    let texts: Vec<String> = shown.map(|(t, _)| table::terminal(t)).collect();
    output::data(&texts.join("\n"))?;
    let new = summary.tables.iter().filter(|t| t.new).count();
    let made = states.iter().filter(|s| **s == State::Finished).count();
    output::note(&format!(
        "{} runs: {made} made now, {} cached; {} tables, {new} of them new",
        states.len(),
        states.iter().filter(|s| **s == State::Cached).count(),
        summary.tables.len()
    ));
    Ok(())
}

/// Each failure with its reason and the file that says more.
fn failures(plan: &Plan, states: &[State]) {
    for (job, state) in plan.jobs.iter().zip(states) {
        if let State::Failed(reason) = state {
            output::note(&format!("failed: {}: {reason}\n    log: {}", job.title(), job.log().display()));
        }
    }
}

/// A job as `--json` shows it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    cell: &'a str,
    values: &'a std::collections::BTreeMap<String, String>,
    seed: u64,
    /// `cached`, `finished`, `stopped`, `failed`, `waiting`.
    state: &'static str,
    reason: Option<&'a str>,
    identity: &'a str,
    directory: Option<String>,
    manifest: &'a Path,
}

fn lines<'a>(plan: &'a Plan, states: &'a [State]) -> Vec<Line<'a>> {
    let line = |(job, state): (&'a ablation::Job, &'a State)| Line {
        cell: &job.label,
        values: &job.values,
        seed: job.seed,
        state: word(state),
        reason: match state {
            State::Failed(reason) | State::Held(reason) => Some(reason),
            _ => None,
        },
        identity: &job.identity,
        directory: directory(job),
        manifest: &job.manifest,
    };
    plan.jobs.iter().zip(states).map(line).collect()
}

/// Name of the run's directory, if there is one.
pub fn directory(job: &ablation::Job) -> Option<String> {
    match job.found().ok()? {
        ablation::Found::Complete(run) | ablation::Found::Partial { run, .. } => Some(run.id.directory()),
        ablation::Found::Nothing => None,
    }
}

/// One word for a state.
pub fn word(state: &State) -> &'static str {
    match state {
        State::Cached => "cached",
        State::Waiting => "waiting",
        State::Held(_) => "held",
        State::Running { .. } => "running",
        State::Finished => "finished",
        State::Stopped => "stopped",
        State::Failed(_) => "failed",
    }
}

/// Rows: cells; columns: the state of each seed.
fn table(plan: &Plan, states: &[State]) -> String {
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
