//! Raw arguments of `ablate` and `why`.

use super::arguments::duration;
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args, Debug)]
pub struct Ablate {
    /// ablations/NAME.ron, or a path
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Show the cells, what is cached, and a forecast of time, disk and detectable effect; run nothing
    #[arg(long)]
    pub plan: bool,
    /// Runs at the same time, each a process with its share of the threads [default: one per thread]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Stop everything after the first failure
    #[arg(long)]
    pub fail_fast: bool,
    /// Run although the pins do not match; marks the records and every table made from them
    #[arg(long)]
    pub allow_drift: bool,
    /// Folder of the tables
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
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

#[derive(Args, Debug)]
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
    #[arg(long, value_name = "NAME")]
    pub partition: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub qos: Option<String>,
    /// Time limit of a task as sbatch takes it, e.g. 4:00:00; it may be shorter than a run
    #[arg(long, value_name = "LIMIT")]
    pub time: Option<String>,
    /// e.g. gpu:1 (with --device cuda:0)
    #[arg(long, value_name = "LIST")]
    pub gres: Option<String>,
    /// CPUs, and so threads, of a task
    #[arg(long, value_name = "N")]
    pub cpus: Option<u32>,
    /// Memory of a task, e.g. 16G
    #[arg(long, value_name = "SIZE")]
    pub mem: Option<String>,
    /// Tasks at the same time
    #[arg(long, value_name = "N")]
    pub throttle: Option<u32>,
    /// Seconds before the time limit at which a task writes its checkpoint and requeues itself [default: 60]
    #[arg(long, value_name = "SECONDS")]
    pub grace: Option<u32>,
    /// A further option of sbatch, e.g. --sbatch=--constraint=a100 (repeatable)
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub sbatch: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Why {
    /// A run, a manifest's file, or an ablation (name or file)
    #[arg(value_name = "RUN|MANIFEST|ABLATION")]
    pub what: String,
    /// Change a value of the manifest (repeatable)
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}
