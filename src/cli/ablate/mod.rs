//! `nano4m ablate`: plan, execute, record, compare; here or on Slurm.

mod args;
mod command;
mod outcome;
mod plan;
mod progress;
mod setup;
mod slurm;
mod states;

pub use args::Args;
pub use command::ablate;
