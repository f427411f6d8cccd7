//! The command line: the only place that prints, reads argv and the environment, or exits.
//!
//! Parse, do, report, exit: a command returns how it ended or a [`Fault`](crate::fault::Fault), which is
//! printed once.

mod ablate;
mod allocator;
mod arguments;
mod check;
mod compare;
mod data;
mod doctor;
mod done;
mod environment;
mod eval;
mod gc;
mod generate;
mod import;
mod layout;
mod limits;
mod ls;
mod manifest;
mod output;
mod pin;
#[cfg(test)]
mod printed;
mod program;
mod progress;
mod report;
mod resume;
mod run;
mod show;
mod signals;
mod tables;
mod usage;
mod verify;
mod why;

use clap::Parser;
use std::process::ExitCode;

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    limits::named();
    allocator::keep_pages();
    let arguments = match program::Cli::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::told(error),
    };
    let result = program::dispatch(&arguments);
    if let Err(fault) = &result {
        output::fault(fault);
    }
    done::code(&result)
}
