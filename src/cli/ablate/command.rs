//! `nano4m ablate NAME`: which of its ways is asked for.

use super::args::Args;
use super::progress::AblationProgress;
use super::{outcome, plan, setup, slurm};
use crate::ablation::{memory, Existing, Job, LocalEngine};
use crate::cli::arguments::Global;
use crate::cli::done::Done;
use crate::cli::environment;
use crate::cli::output;
use crate::cli::signals::Signals;
use crate::fault::Result;
use crate::runner::Settings;

/// `nano4m ablate NAME`.
pub fn ablate(args: &Args, global: &Global) -> Result<Done> {
    if let Some(done) = slurm::asked(args, global)? {
        return Ok(done);
    }
    let settings = Settings { allow_drift: args.allow_drift, ..environment::settings(global) };
    let plan = setup::plan(args, &settings)?;
    if args.collect {
        return outcome::collect(&plan, args, global);
    }
    if args.plan {
        return plan::show(&plan, args, global);
    }
    let devices = global.devices();
    let (workers, threads) = setup::shares(args, &devices, plan.jobs.len());
    let found: Vec<Existing> = plan.jobs.iter().map(Job::existing).collect::<Result<_>>()?;
    memory::hold(&plan, &found, workers, &devices)?;
    if let Some(sharing) = setup::sharing(&devices, workers) {
        output::note(&format!("{workers} run{} at a time, {sharing}", if workers == 1 { "" } else { "s" }));
    }
    let mut progress = AblationProgress::new(&plan, Signals::listen()?, args.max_time);
    let invocation = setup::invocation(args, global, &settings, devices)?;
    let engine = LocalEngine { invocation, workers, threads, fail_fast: args.fail_fast };
    let states = engine.execute(&plan, &mut progress)?;
    progress.end();
    outcome::finish(&plan, &states, progress.stopped(), args, global)
}
