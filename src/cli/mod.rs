//! The command line: the only place that prints, reads argv and the environment, or exits.
//!
//! Parse, do, report, exit: a command returns its exit code or a [`Fault`], which is printed once.

mod ablate;
mod ablate_args;
mod ablate_plan;
mod ablate_progress;
mod ablate_slurm;
mod allocator;
mod args;
mod check;
mod compare;
mod data;
mod doctor;
mod evaluate;
mod execute;
mod gc;
mod generate;
mod generate_args;
mod import;
mod list;
mod output;
mod progress;
mod report;
mod run;
mod session;
mod show;
mod signals;
mod summary;
mod tables;
mod verify;
mod why;

use crate::fault::{Exit, Fault, Result};
use args::{Cli, Command, Global};
use clap::Parser;
use std::process::ExitCode;

/// How a command that did not fail ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Fine,
    /// Stopped early or a difference found: not a fault, but not 0 either.
    With(Exit),
}

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    allocator::keep_pages();
    let cli = Cli::parse();
    match dispatch(&cli) {
        Ok(Done::Fine) => ExitCode::SUCCESS,
        Ok(Done::With(exit)) => ExitCode::from(exit as u8),
        Err(fault) => {
            output::fault(&fault);
            ExitCode::from(fault.exit as u8)
        }
    }
}

fn dispatch(cli: &Cli) -> Result<Done> {
    let g = &cli.global;
    set_threads(g)?;
    match &cli.command {
        Command::Run(a) => in_pool(|| run::run(a, g)),
        Command::Resume(a) => in_pool(|| run::resume(a, g)),
        Command::Check(a) => check::check(a, g),
        Command::Pin(a) => check::pin(a, g),
        Command::Eval(a) => in_pool(|| evaluate::eval(a, g)),
        Command::Generate(a) => in_pool(|| generate::generate(a, g)),
        Command::Ablate(a) => ablate::ablate(a, g),
        Command::Ls(a) => list::ls(a, g),
        Command::Import(a) => import::import(a),
        Command::Gc(a) => gc::gc(a, g),
        Command::Show(a) => show::show(a, g),
        Command::Why(a) => why::why(a, g),
        Command::Verify(a) => verify::verify(a, g),
        Command::Report(a) => report::report(a, g),
        Command::Compare(a) => compare::compare(a, g),
        Command::Data(a) => data::data(a, g),
        Command::Doctor => doctor::doctor(g),
    }
}

/// Does what computes on a thread of the pool: a part handed out from there starts at once, where the
/// main thread would have to wake a worker and wait for it, some hundred times a step.
fn in_pool(command: impl FnOnce() -> Result<Done> + Send) -> Result<Done> {
    rayon::scope(|_| command())
}

/// `--threads`, else RAYON_NUM_THREADS, else all; the numbers do not depend on it.
fn set_threads(g: &Global) -> Result<()> {
    let Some(threads) = g.threads else { return Ok(()) };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build_global()
        .map_err(|e| Fault::failed(format!("cannot start {threads} threads: {e}")))
}
