//! What every way of `ablate` begins with: the ablation read, its plan, how its jobs are started.

use super::args::Args;
use crate::ablation::{self, Invocation, Loaded, Plan};
use crate::cli::arguments::Global;
use crate::cli::environment::own_reports;
use crate::cli::manifest;
use crate::fault::{Fault, Result};
use crate::place::{Device, Devices};
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

/// How a job is started on one of the devices: this program, as it was called.
pub fn invocation(args: &Args, global: &Global, settings: &Settings, devices: Devices) -> Result<Invocation> {
    let directory = std::env::current_dir()
        .map_err(|e| Fault::failed(format!("cannot tell the working directory: {e}")))?;
    let program = std::env::current_exe()
        .map_err(|e| Fault::failed(format!("cannot tell where this program lies: {e}")))?;
    let runs = directory.join(&settings.runs).display().to_string();
    let kernels = global.kernels.name().to_owned();
    Ok(Invocation {
        program,
        options: vec!["--runs".into(), runs, "--kernels".into(), kernels],
        devices,
        flags: if args.allow_drift { vec!["--allow-drift".into()] } else { Vec::new() },
        cache: directory.join(&settings.cache),
        reports: args.reports.clone().unwrap_or_else(|| own_reports(global)),
        directory,
    })
}

/// Jobs at the same time, and threads of each: together about as many as there are. A card has one job at a time
/// where nothing else is asked for, as a second one would take its time from the first.
pub fn shares(args: &Args, devices: &Devices, jobs: usize) -> (usize, usize) {
    let threads = rayon::current_num_threads();
    let each = match devices.first() {
        Device::Cpu => threads,
        Device::Cuda(_) => devices.all().len(),
    };
    let workers = args.jobs.map_or(each, |n| n.get()).min(jobs).max(1);
    (workers, (threads / workers).max(1))
}

/// Where the jobs run, if there is more to it than the CPU: `cuda:0 and cuda:1`, or how they share them.
pub fn sharing(devices: &Devices, workers: usize) -> Option<String> {
    let cards = devices.all().len();
    match (devices.first(), devices.sharing(workers)) {
        (Device::Cpu, _) => None,
        (_, 1) => Some(format!("one on each of {devices}")),
        (_, most) if cards == 1 => Some(format!("{most} share {devices}")),
        (_, most) => Some(format!("up to {most} share each of {devices} in turn")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_when_jobs_share_cards() {
        let said = |devices: &str, workers| sharing(&devices.parse().unwrap(), workers);
        assert_eq!(said("cpu", 8), None);
        assert_eq!(said("cuda:0,cuda:1", 2).unwrap(), "one on each of cuda:0,cuda:1");
        assert_eq!(said("cuda:0,cuda:1", 3).unwrap(), "up to 2 share each of cuda:0,cuda:1 in turn");
        assert_eq!(said("cuda:1", 2).unwrap(), "2 share cuda:1");
    }
}
