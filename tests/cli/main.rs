//! The program as its users meet it: every command, every fault, every stop, in folders of its own.

mod ablate;
mod checkpoints;
mod datasets;
mod faults;
mod gc;
mod generate;
mod goes_on;
mod import;
mod kills;
mod limits;
mod looks;
mod lost;
mod ls;
mod mistakes;
mod newcomer;
mod old;
mod reports;
mod resume;
mod slurm;
#[path = "../support/mod.rs"]
mod support;
mod tamper;
mod verdicts;
mod width;
