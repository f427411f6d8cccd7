//! What every way of `ablate` begins with: the ablation read, its plan, how its jobs are started.

use super::args::Args;
use crate::ablation::{self, Invocation, Loaded, Plan};
use crate::cli::arguments::Global;
use crate::cli::environment::own_reports;
use crate::cli::manifest;
use crate::fault::{Fault, Result};
use crate::runner::Settings;

/// Reads and checks the ablation; warnings go to stderr.
pub fn load(args: &Args) -> Result<Loaded> {
    let loaded = ablation::read(&ablation::locate(&args.name)?)?;
    manifest::warnings(&loaded.warnings);
    Ok(loaded)
}

/// Reads the ablation and finds out what of it exists.
pub fn plan(args: &Args, settings: &Settings) -> Result<Plan> {
    Plan::new(&load(args)?, settings)
}

/// How a job is started: this program, as it was called.
pub fn invocation(args: &Args, global: &Global, settings: &Settings) -> Result<Invocation> {
    let directory = std::env::current_dir()
        .map_err(|e| Fault::failed(format!("cannot tell the working directory: {e}")))?;
    let program = std::env::current_exe()
        .map_err(|e| Fault::failed(format!("cannot tell where this program lies: {e}")))?;
    let runs = directory.join(&settings.runs).display().to_string();
    let (device, kernels) = (global.device.to_string(), global.kernels.name().to_owned());
    Ok(Invocation {
        program,
        options: vec!["--runs".into(), runs, "--device".into(), device, "--kernels".into(), kernels],
        flags: if args.allow_drift { vec!["--allow-drift".into()] } else { Vec::new() },
        cache: directory.join(&settings.cache),
        reports: args.reports.clone().unwrap_or_else(|| own_reports(global)),
        directory,
    })
}

/// Jobs at the same time, and threads of each: together about as many as there are.
pub fn shares(args: &Args, jobs: usize) -> (usize, usize) {
    let threads = rayon::current_num_threads();
    let workers = args.jobs.map_or(threads, |n| n.get()).min(jobs).max(1);
    (workers, (threads / workers).max(1))
}
