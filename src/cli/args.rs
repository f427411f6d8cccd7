//! Raw arguments. What they mean is decided by the commands.

use crate::device::Device;
use crate::model::network::Kernels;
use crate::store::CellOf;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

const EXIT_CODES: &str = "\
Exit codes: 0 fine · 1 a run failed or a difference was found · 2 bad usage or invalid manifest or data · \
3 provenance refused (pins, missing data) · 4 stopped early, resumable · 130/143 by signal after a checkpoint

A run is named by a unique prefix of its id, its name, its path, or `latest`.";

/// Reproducible experiments for masked multimodal training: one manifest, the same bits.
#[derive(Debug, Parser)]
#[command(name = "nano4m", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Folder of the run directories [default: $NANO4M_RUNS or runs]
    #[arg(long, global = true, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    /// Print JSON for machines
    #[arg(long, global = true)]
    pub json: bool,
    /// Where tensors live: cpu or cuda:N
    #[arg(long, global = true, value_name = "DEVICE", default_value = "cpu")]
    pub device: Device,
    /// Threads [default: $RAYON_NUM_THREADS or all]; results do not depend on it
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Implementation of the operations
    #[arg(long, global = true, value_enum, default_value = "fused", hide = true)]
    pub kernels: KernelsArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KernelsArg {
    /// Ours (CPU only)
    Fused,
    /// Composed of dfdx primitives
    Composed,
}

impl KernelsArg {
    /// As given on the command line.
    pub fn name(self) -> &'static str {
        match self {
            KernelsArg::Fused => "fused",
            KernelsArg::Composed => "composed",
        }
    }
}

impl From<KernelsArg> for Kernels {
    fn from(k: KernelsArg) -> Kernels {
        match k {
            KernelsArg::Fused => Kernels::Fused,
            KernelsArg::Composed => Kernels::Composed,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check pins, train (or resume), evaluate, record
    Run(Run),
    /// Continue a run that stopped, was killed or failed
    Resume(Resume),
    /// Validate a manifest: every problem at once
    Check(Check),
    /// Write or refresh a manifest's pins and show what changed
    Pin(Pin),
    /// Measure a run, or any checkpoint in the reference layout
    Eval(Eval),
    /// Generate tokens of one modality from others, as a dataset
    Generate(super::generate_args::Generate),
    /// Run an ablation: every cell that is missing, then the comparison
    Ablate(super::ablate_args::Ablate),
    /// List the runs: filtered, sorted, with any field as a column
    Ls(Ls),
    /// List what nobody needs any more, and why; remove it with --yes
    Gc(Gc),
    /// Show one run: state, metrics, files
    Show(Named),
    /// Why a run, a manifest or an ablation's cells exist already, or not: field by field
    Why(super::ablate_args::Why),
    /// Prove that a run is intact, or that two runs have the same bits
    Verify(Verify),
    /// Regenerate every table and plot from the records
    Report(Report),
    /// What two experiments, or the cells of an ablation, differ in for sure
    Compare(Compare),
    /// The reference's YAML configuration → a manifest
    #[command(after_help = super::import::known())]
    Import(Import),
    /// Inspect, hash, make and split datasets
    Data(Data),
    /// What this machine can promise
    Doctor,
}

/// A manifest and what is changed in it.
#[derive(Args, Debug, Clone)]
pub struct ManifestArgs {
    /// The manifest
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,
    /// Change a value, e.g. --set train.lr=1e-3 (repeatable)
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// When to stop before the end.
#[derive(Args, Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Stop after N more steps (exit 4; `resume` continues)
    #[arg(long, value_name = "N")]
    pub stop_after: Option<u64>,
    /// Stop after this time, e.g. 90s, 10m, 2h (exit 4; `resume` continues)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub max_time: Option<Duration>,
}

#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// Run although the pins do not match; marks the record and every table made from it
    #[arg(long)]
    pub allow_drift: bool,
    /// Repeat a finished run as a new attempt
    #[arg(long)]
    pub force: bool,
    /// Wait while another process works on the run; a holder that crashed on another host is given up after 15 minutes
    #[arg(long)]
    pub wait: bool,
    /// Refuse to run (exit 3) unless the run's identity is this one
    #[arg(long, value_name = "HEX")]
    pub identity: Option<String>,
    /// Begin the run as this cell of an ablation, as `ablate` does: reports then show it only there
    #[arg(long = "for", value_name = "ABLATION/CELL")]
    pub made_for: Option<CellOf>,
    #[command(flatten)]
    pub limits: Limits,
}

#[derive(Args, Debug)]
pub struct Resume {
    /// Which run
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Continue although code or data have changed since it started; marks the record
    #[arg(long)]
    pub allow_drift: bool,
    #[command(flatten)]
    pub limits: Limits,
}

#[derive(Args, Debug)]
pub struct Check {
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// Print the complete manifest with every default
    #[arg(long)]
    pub resolved: bool,
}

#[derive(Args, Debug)]
pub struct Pin {
    /// The manifest
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,
    /// Show what would change, write nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Debug)]
pub struct Eval {
    /// Which run
    #[arg(value_name = "RUN", required_unless_present = "checkpoint", conflicts_with_all = ["manifest", "checkpoint"])]
    pub run: Option<String>,
    /// Manifest of the model and the data
    #[arg(long, value_name = "MANIFEST", requires = "checkpoint")]
    pub manifest: Option<PathBuf>,
    /// Checkpoint in the reference layout
    #[arg(long, value_name = "FILE", requires = "manifest")]
    pub checkpoint: Option<PathBuf>,
    /// Change a value of the manifest (repeatable)
    #[arg(long, value_name = "PATH=VALUE", requires = "manifest")]
    pub set: Vec<String>,
    /// Folder for the per-example scores and metrics.json of a checkpoint
    #[arg(long, value_name = "DIR", requires = "checkpoint")]
    pub out: Option<PathBuf>,
    /// Measure although pins, code or data do not match
    #[arg(long)]
    pub allow_drift: bool,
}

const FIELDS: &str = "\
FIELD is a column (id, name, state, step, total, started, path), a path of the resolved manifest (train.lr, \
modalities.tok_rgb@196.masking), a metric of the record (cross_entropy/tok_rgb@196, also with .low, .high or .n), or a \
field of status.json or record.json (train_seconds, record.clips.test). A run that has no such field meets no filter \
and is sorted last.";

#[derive(Args, Debug)]
#[command(after_help = FIELDS)]
pub struct Ls {
    /// Only runs where this holds, e.g. --where 'train.lr<1e-3' (repeatable; =, !=, <, <=, >, >=)
    #[arg(long = "where", value_name = "FIELD<VALUE")]
    pub filters: Vec<String>,
    /// Sort by a field, descending with a `-` before it [default: started]
    #[arg(long, value_name = "[-]FIELD", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// Show these fields instead, e.g. --columns id,train.lr,cross_entropy/tok_rgb@196
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    pub columns: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Import {
    /// The configuration
    #[arg(value_name = "CONFIG.yaml")]
    pub config: PathBuf,
    /// Where the manifest goes [default: stdout]
    #[arg(short, long, value_name = "FILE.ron")]
    pub out: Option<PathBuf>,
    /// Leave a key out knowingly, by its name or its whole path (repeatable)
    #[arg(long, value_name = "KEY")]
    pub ignore: Vec<String>,
}

const SPARED: &str = "\
Goes: failed runs, attempts that a later finished one supersedes, all but the last checkpoint of finished runs, damaged \
checkpoints that were set aside, temporary files that a crash left, programs kept for Slurm tasks that are all finished, \
and cache entries of datasets that no run here uses \
(they are built again when needed).
Stays: runs that some process works on, runs that can be resumed, and every run that a table under reports/ or an \
ablation's record names.";

#[derive(Args, Debug)]
#[command(after_help = SPARED)]
pub struct Gc {
    /// Remove what is listed
    #[arg(long)]
    pub yes: bool,
    /// Folder of the tables, whose runs stay
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
    /// Leave temporary files and cache entries that are younger
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1d")]
    pub min_age: Duration,
}

#[derive(Args, Debug)]
pub struct Named {
    /// Which run
    #[arg(value_name = "RUN")]
    pub run: String,
}

#[derive(Args, Debug)]
pub struct Verify {
    /// Which run
    #[arg(value_name = "A")]
    pub a: String,
    /// The run it should equal bit for bit; without it the files of A are checked
    #[arg(value_name = "B")]
    pub b: Option<String>,
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Report {
    /// Folder of the tables
    #[arg(long, value_name = "DIR", default_value = "reports", global = true)]
    pub reports: PathBuf,
    /// Recompute every digit of the committed tables; exit 1 names the cells that differ
    #[arg(long)]
    pub check: bool,
    /// Use only these runs, named as elsewhere (repeatable)
    #[arg(long, value_name = "RUN", conflicts_with = "check")]
    pub only: Vec<String>,
    #[command(subcommand)]
    pub command: Option<ReportCommand>,
}

#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// Cells that changed between two versions, and why
    Diff {
        /// e.g. v0001
        #[arg(value_name = "FROM")]
        from: String,
        /// e.g. v0002
        #[arg(value_name = "TO")]
        to: String,
        /// One table; absent: every table that has both versions
        #[arg(long, value_name = "TABLE")]
        table: Option<String>,
    },
}

#[derive(Args, Debug)]
pub struct Compare {
    /// An experiment with all its seeds (its name), or one run
    #[arg(value_name = "A", required_unless_present = "ablation", requires = "b")]
    pub a: Option<String>,
    /// What it is held against
    #[arg(value_name = "B")]
    pub b: Option<String>,
    /// The cells of an ablation that was run, instead
    #[arg(long, value_name = "NAME", conflicts_with = "a")]
    pub ablation: Option<String>,
    /// Also the training speed as recorded; it is never the same twice
    #[arg(long)]
    pub speed: bool,
}

#[derive(Args, Debug)]
pub struct Data {
    #[command(subcommand)]
    pub command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Sizes, lengths, ids and classes of a manifest's dataset
    Inspect(ManifestArgs),
    /// The canonical content hash of a manifest's dataset
    Hash(ManifestArgs),
    /// Write a manifest's synthetic dataset in the published layout
    Synth {
        #[command(flatten)]
        manifest: ManifestArgs,
        /// Folder to make; must not exist
        #[arg(value_name = "DIR")]
        target: PathBuf,
    },
    /// Divide a dataset's clips 80/10/10 by class and source into a new folder
    Split {
        /// Directory or archive in the published layout
        #[arg(value_name = "SOURCE")]
        source: PathBuf,
        /// Folder to make; must not exist
        #[arg(value_name = "DIR")]
        target: PathBuf,
        /// Labels file inside the dataset and its column, e.g. labels.csv:animal; absent: the caption
        #[arg(long, value_name = "FILE:COLUMN")]
        labels: Option<String>,
        #[arg(long, default_value_t = 42)]
        seed: u64,
    },
}

/// `90`, `90s`, `10m`, `2h`, `1d`.
pub fn duration(text: &str) -> std::result::Result<Duration, String> {
    let at = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let scale = match unit {
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return Err(format!("unknown unit `{unit}`: use s, m, h or d")),
    };
    let number: f64 = number.parse().map_err(|_| "expected a number and a unit, e.g. 10m".to_string())?;
    Duration::try_from_secs_f64(number * scale).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn durations() {
        assert_eq!(duration("90").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("1.5m").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("2h").unwrap(), Duration::from_secs(7200));
        assert!(duration("5x").unwrap_err().contains("unknown unit"));
        assert!(duration("m").is_err());
    }
}
