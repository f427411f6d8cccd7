//! Values a run takes from outside. Only three can change a digit of a result: `overrides` are part of the
//! manifest, and so of the identity; `device` and `kernels` add in other orders, which moves last bits. The
//! rest say where, when and whether.

use crate::place::{Device, Kernels};
use crate::store::CellOf;
use std::path::PathBuf;
use std::time::Duration;

/// Where and how runs are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder of the run directories.
    pub runs: PathBuf,
    /// Folder of the token stores that datasets are packed into.
    pub cache: PathBuf,
    /// `path=value`, applied in this order to a manifest that is opened.
    pub overrides: Vec<String>,
    /// Where tensors live; the record says it.
    pub device: Device,
    /// Which implementation of the operations runs.
    pub kernels: Kernels,
    /// When to stop before the end.
    pub limits: Limits,
    /// Go on although pins, code or data do not match; marks the record and every table made from it.
    pub allow_drift: bool,
    /// Repeat a finished run as a new attempt.
    pub repeat: bool,
    /// Wait while another process works on the run, where it would else be refused.
    pub wait: bool,
    /// The cell of an ablation a new run is begun for.
    pub made_for: Option<CellOf>,
    /// The time, RFC 3339 UTC: for `status.json`, `provenance.json` and `log.txt`, never for a result.
    pub now: fn() -> String,
}

/// When to stop before the end; `None`: at the end. Looked at before each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Steps of this start.
    pub stop_after: Option<u64>,
    /// Time of this start, by the observer's clock.
    pub max_time: Option<Duration>,
}

impl Settings {
    /// On the CPU with fused kernels, to the end, refusing what does not match its pins.
    pub fn new(runs: impl Into<PathBuf>, cache: impl Into<PathBuf>, now: fn() -> String) -> Settings {
        Settings {
            runs: runs.into(),
            cache: cache.into(),
            overrides: Vec::new(),
            device: Device::Cpu,
            kernels: Kernels::Fused,
            limits: Limits::default(),
            allow_drift: false,
            repeat: false,
            wait: false,
            made_for: None,
            now,
        }
    }
}
