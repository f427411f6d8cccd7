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
mod suite;
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
    // Inside the pool: work that is handed out starts at once, without waking a worker and waiting for it.
    rayon::scope(|_| command(cli, g))
}

fn command(cli: &Cli, g: &Global) -> Result<Done> {
    match &cli.command {
        Command::Run(a) => run::run(a, g),
        Command::Resume(a) => run::resume(a, g),
        Command::Check(a) => check::check(a, g),
        Command::Pin(a) => check::pin(a, g),
        Command::Eval(a) => evaluate::eval(a, g),
        Command::Generate(a) => generate::generate(a, g),
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

/// `--threads`, else RAYON_NUM_THREADS, else all; the numbers do not depend on it.
fn set_threads(g: &Global) -> Result<()> {
    let Some(threads) = g.threads else { return Ok(()) };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build_global()
        .map_err(|e| Fault::failed(format!("cannot start {threads} threads: {e}")))
}
