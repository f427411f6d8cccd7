//! Raw arguments of `ablate`.

use super::args::duration;
use clap::Args;
use std::num::NonZeroUsize;
use std::time::Duration;

#[derive(Args, Debug)]
pub struct Ablate {
    /// ablations/NAME.ron, or a path
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Runs at the same time, each a process with its share of the threads [default: one per thread]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Stop everything after the first failure
    #[arg(long)]
    pub fail_fast: bool,
    /// Run although the pins do not match; marks the records and every table made from them
    #[arg(long)]
    pub allow_drift: bool,
    /// Stop after this time, e.g. 20m (exit 4; the same command continues)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub max_time: Option<Duration>,
}
