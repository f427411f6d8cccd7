//! Raw arguments of `ablate`.

use crate::ablation::slurm::Profile;
use crate::cli::arguments::{duration, workers};
use clap::ValueEnum;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// ablations/NAME.ron, or a path
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Show the cells, what is cached, and a forecast of time, disk and detectable effect; run nothing
    #[arg(long)]
    pub plan: bool,
    /// Runs at the same time, each a process with its share of the threads [default: one per thread, or per card]
    #[arg(short, long, value_name = "N", value_parser = workers)]
    pub jobs: Option<NonZeroUsize>,
    /// Stop everything after the first failure
    #[arg(long)]
    pub fail_fast: bool,
    /// Run although the pins do not match; marks the records and every table made from them
    #[arg(long)]
    pub allow_drift: bool,
    /// Folder of the tables [default: reports inside the folder of runs]
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// Stop after this time, e.g. 20m (exit 4; the same command continues)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub max_time: Option<Duration>,
    /// Run nothing: record and compare what is complete
    #[arg(long, conflicts_with_all = ["jobs", "fail_fast", "max_time", "print", "status", "cancel"])]
    pub collect: bool,
    #[command(flatten)]
    pub slurm: Slurm,
}

/// Where the runs are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Processes on this machine
    #[default]
    Local,
    /// Tasks of one Slurm array job; the command returns when they are submitted
    Slurm,
}

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Slurm")]
pub struct Slurm {
    /// Where the runs are made
    #[arg(long, value_enum, default_value = "local", conflicts_with_all = ["jobs", "fail_fast", "max_time"])]
    pub engine: Engine,
    /// Print what would be submitted, and submit nothing
    #[arg(long, conflicts_with_all = ["status", "cancel"])]
    pub print: bool,
    /// Where the submitted tasks stand: exit 0 all finished, 4 some still to come, 1 some ended unfinished
    #[arg(long, conflicts_with = "cancel")]
    pub status: bool,
    /// Cancel what is submitted; running tasks write a checkpoint first
    #[arg(long)]
    pub cancel: bool,
    /// Options from a file, e.g. Slurm(partition: "gpu", cpus: 8, setup: ["module load cuda"]); flags go before it
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    #[command(flatten)]
    pub options: Profile,
}
