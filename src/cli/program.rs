//! The program's words: its commands, and which function does each.

use super::arguments::Global;
use super::done::Done;
use super::{
    ablate, check, compare, data, doctor, environment, eval, gc, generate, import, ls, pin, report, resume,
    run, show, verify, why,
};
use crate::fault::{Fault, Result};
use crate::ops::device;
use clap::{Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes: 0 fine · 1 a run failed or a difference was found · 2 bad usage or invalid manifest or data · \
3 provenance refused (pins, missing data) · 4 stopped early, resumable · 130/143 by signal after a checkpoint

A run is named by a unique prefix of its id, its name, its path, or `latest`.

Environment: NANO4M_RUNS folder of the runs · NANO4M_CACHE folder of packed datasets [default: \
$XDG_CACHE_HOME/nano4m or ~/.cache/nano4m] · RAYON_NUM_THREADS threads · NO_COLOR plain messages · \
SOURCE_DATE_EPOCH the time that is written down";

/// Reproducible experiments for masked multimodal training: one manifest, the same bits.
#[derive(Debug, Parser)]
#[command(name = "nano4m", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check pins, train (or resume), evaluate, record
    Run(run::Args),
    /// Continue a run that stopped, was killed or failed
    Resume(resume::Args),
    /// Validate a manifest: every problem at once
    Check(check::Args),
    /// Write or refresh a manifest's pins and show what changed
    Pin(pin::Args),
    /// Measure a run, or any checkpoint in the reference layout
    Eval(eval::Args),
    /// Generate tokens of one modality from others, as a dataset
    Generate(generate::Args),
    /// Run an ablation: every cell that is missing, then the comparison
    Ablate(ablate::Args),
    /// List the runs: filtered, sorted, with any field as a column
    Ls(ls::Args),
    /// List what nobody needs any more, and why; remove it with --yes
    Gc(gc::Args),
    /// Show one run: state, metrics, files
    Show(show::Args),
    /// Why a run, a manifest or an ablation's cells exist already, or not: field by field
    Why(why::Args),
    /// Prove that a run is intact, or that two runs have the same bits
    Verify(verify::Args),
    /// Regenerate every table and plot from the records
    Report(report::Args),
    /// What two experiments, or the cells of an ablation, differ in for sure
    Compare(compare::Args),
    /// The reference's YAML configuration → a manifest
    #[command(after_help = import::known())]
    Import(import::Args),
    /// Inspect, hash, make and split datasets
    Data(data::Args),
    /// What this machine can promise, and what a manifest would need here
    Doctor(doctor::Args),
}

/// Does what was asked.
pub fn dispatch(cli: &Cli) -> Result<Done> {
    let global = &cli.global;
    if !matches!(cli.command, Command::Ablate(_)) {
        global.devices().only()?;
    }
    device::keep_kernels_in(&environment::cache_folder());
    // What only looks needs none.
    if !matches!(cli.command, Command::Ls(_) | Command::Show(_)) {
        start_threads(global)?;
    }
    match &cli.command {
        Command::Run(args) => in_pool(|| run::run(args, global)),
        Command::Resume(args) => in_pool(|| resume::resume(args, global)),
        Command::Check(args) => check::check(args, global),
        Command::Pin(args) => pin::pin(args, global),
        Command::Eval(args) => in_pool(|| eval::eval(args, global)),
        Command::Generate(args) => in_pool(|| generate::generate(args, global)),
        Command::Ablate(args) => ablate::ablate(args, global),
        Command::Ls(args) => ls::ls(args, global),
        Command::Import(args) => import::import(args),
        Command::Gc(args) => gc::gc(args, global),
        Command::Show(args) => show::show(args, global),
        Command::Why(args) => why::why(args, global),
        Command::Verify(args) => verify::verify(args, global),
        Command::Report(args) => report::report(args, global),
        Command::Compare(args) => compare::compare(args, global),
        Command::Data(args) => data::data(args, global),
        Command::Doctor(args) => doctor::doctor(args, global),
    }
}

/// Does what computes on a thread of the pool: a part handed out from there starts at once, where the
/// main thread would have to wake a worker and wait for it, some hundred times a step.
fn in_pool(command: impl FnOnce() -> Result<Done> + Send) -> Result<Done> {
    rayon::scope(|_| command())
}

/// `--threads`, else RAYON_NUM_THREADS, else all; the numbers do not depend on it.
fn start_threads(global: &Global) -> Result<()> {
    let threads = global.threads.map_or(0, std::num::NonZeroUsize::get);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|e| {
        Fault::failed(format!("cannot start the worker threads: {e}")).help(
            "raise the limit of processes (`ulimit -u`) or of memory (`ulimit -v`), or start fewer: `--threads 1`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
