//! Arguments that several commands share. What they mean is decided by the commands.

use crate::place::{Device, Devices, Kernels};
use crate::runner;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Folder of the run directories [default: $NANO4M_RUNS or runs]
    #[arg(long, global = true, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    /// Print JSON for machines
    #[arg(long, global = true)]
    pub json: bool,
    /// Where tensors live: cpu or cuda:N; for `ablate` also cards to run on at the same time, cuda:0,cuda:1 [default: cpu]
    #[arg(long, global = true, value_name = "DEVICE")]
    pub device: Option<Devices>,
    /// Threads [default: $RAYON_NUM_THREADS or all]; results do not depend on it
    #[arg(long, global = true, value_name = "N", value_parser = workers)]
    pub threads: Option<NonZeroUsize>,
    /// Implementation of the operations
    #[arg(long, global = true, value_enum, default_value = "fused", hide = true)]
    pub kernels: Kernels,
}

impl Global {
    /// Every device that was named, else the CPU.
    pub fn devices(&self) -> Devices {
        self.device.clone().unwrap_or(Device::Cpu.into())
    }
}

impl ValueEnum for Kernels {
    fn value_variants<'a>() -> &'a [Kernels] {
        &[Kernels::Fused, Kernels::Composed]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Kernels::Fused => "Ours (CPU only)",
            Kernels::Composed => "Composed of dfdx primitives",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
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

/// A checkpoint, and the manifest that says what it is of.
#[derive(Args, Debug, Clone)]
pub struct CheckpointArgs {
    /// Manifest of the model and the data
    #[arg(long, value_name = "MANIFEST", requires = "checkpoint")]
    pub manifest: Option<PathBuf>,
    /// Checkpoint in the reference layout
    #[arg(long, value_name = "FILE", requires = "manifest")]
    pub checkpoint: Option<PathBuf>,
    /// Change a value of the manifest (repeatable)
    #[arg(long, value_name = "PATH=VALUE", requires = "manifest")]
    pub set: Vec<String>,
}

impl CheckpointArgs {
    /// Both, where they were given.
    pub fn given(&self) -> Option<(ManifestArgs, &Path)> {
        let (manifest, checkpoint) = self.manifest.as_ref().zip(self.checkpoint.as_deref())?;
        Some((ManifestArgs { manifest: manifest.clone(), set: self.set.clone() }, checkpoint))
    }
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

impl From<Limits> for runner::Limits {
    fn from(limits: Limits) -> runner::Limits {
        runner::Limits { stop_after: limits.stop_after, max_time: limits.max_time }
    }
}

/// Threads or processes at the same time: 1 to 1024.
pub fn workers(text: &str) -> std::result::Result<NonZeroUsize, String> {
    const MOST: usize = 1024;
    let number = text.parse().ok().filter(|n: &NonZeroUsize| n.get() <= MOST);
    number.ok_or_else(|| format!("expected 1 to {MOST}"))
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
    fn durations() {
        assert_eq!(duration("90").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("1.5m").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("2h").unwrap(), Duration::from_secs(7200));
        assert!(duration("5x").unwrap_err().contains("unknown unit"));
        assert!(duration("m").is_err());
    }
}
