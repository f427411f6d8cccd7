//! How a command ends.

use crate::fault::{Exit, Result};
use crate::observer::Stop;
use std::process::ExitCode;

/// How a command that did not fail ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Fine,
    /// Stopped early or a difference found: not a fault, but not 0 either.
    With(Exit),
}

impl From<Stop> for Done {
    fn from(why: Stop) -> Done {
        Done::With(why.exit())
    }
}

/// The process's exit code.
pub fn code(result: &Result<Done>) -> ExitCode {
    match result {
        Ok(Done::Fine) => ExitCode::SUCCESS,
        Ok(Done::With(exit)) => ExitCode::from(*exit as u8),
        Err(fault) => ExitCode::from(fault.exit as u8),
    }
}
