//! `nano4m doctor`: what this machine can promise, and what a manifest would need here.

use super::arguments::Global;
use super::done::Done;
use super::environment::{cache_folder, runs_folder};
use super::{layout, output};
use crate::fault::Result;
use crate::manifest;
use crate::ops::device::{self, CardMemory};
use crate::place::{Card, Device};
use crate::provenance::{self, machine::Machine, Code};
use crate::runner::needs::{self, Needed};
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Show what its training needs of memory, on the CPU and on each card
    #[arg(value_name = "MANIFEST")]
    pub manifest: Option<PathBuf>,
    /// Change a value of it, e.g. --set train.batch=128 (repeatable)
    #[arg(long, value_name = "PATH=VALUE", requires = "manifest")]
    pub set: Vec<String>,
}

#[derive(Serialize)]
struct Report {
    code: Code,
    machine: Machine,
    threads: usize,
    /// Every GPU this build can use.
    gpus: Vec<Gpu>,
    runs: Folder,
    cache: Folder,
    /// What the manifest needs in every place, if one was named.
    needs: Option<Vec<Needed>>,
}

#[derive(Serialize)]
struct Gpu {
    /// As `--device` names it.
    device: String,
    card: Option<Card>,
    /// Bytes.
    memory: Option<CardMemory>,
    /// Why it cannot be used.
    fault: Option<String>,
}

#[derive(Serialize)]
struct Folder {
    path: String,
    /// Free space in bytes for this user; absent when it cannot be asked.
    free_bytes: Option<u64>,
}

/// `nano4m doctor`.
pub fn doctor(args: &Args, global: &Global) -> Result<Done> {
    let loaded = args.manifest.as_ref().map(|path| manifest::read(path, &args.set)).transpose()?;
    let gpus: Vec<(Device, Gpu)> = device::cards().into_iter().map(|(d, said)| (d, gpu(d, said))).collect();
    let memory: Vec<(Device, CardMemory)> =
        gpus.iter().filter_map(|(device, gpu)| Some((*device, gpu.memory?))).collect();
    let report = Report {
        code: provenance::built(),
        machine: provenance::machine::machine(),
        threads: rayon::current_num_threads(),
        gpus: gpus.into_iter().map(|(_, gpu)| gpu).collect(),
        runs: folder(&runs_folder(global)),
        cache: folder(&cache_folder()),
        needs: loaded.map(|loaded| needs::everywhere(&loaded.experiment, &memory)),
    };
    if global.json {
        output::json(&report)?;
    } else {
        output::data(&text(&report))?;
    }
    Ok(Done::Fine)
}

fn gpu(device: Device, said: Result<(Card, CardMemory)>) -> Gpu {
    let (known, fault) = match said {
        Ok(known) => (Some(known), None),
        Err(fault) => {
            (None, Some([Some(fault.what), fault.help].into_iter().flatten().collect::<Vec<_>>().join("; ")))
        }
    };
    let (card, memory) = known.unzip();
    Gpu { device: device.to_string(), card, memory, fault }
}

fn text(report: &Report) -> String {
    let commit = match (&report.code.commit, report.code.committed) {
        (Some(c), true) => c.clone(),
        (Some(c), false) => format!("{c}, changed since"),
        (None, _) => "unknown (built outside the repository)".into(),
    };
    let mut lines = vec![
        (
            "program",
            format!("nano4m {} ({}, {})", report.code.version, report.code.profile, report.code.rustc),
        ),
        ("code", format!("sha256:{}", report.code.hash)),
        ("commit", commit),
        ("processor", format!("{} ({} logical)", report.machine.cpu, report.machine.processors)),
        ("threads", report.threads.to_string()),
    ];
    if report.gpus.is_empty() {
        let none = if device::cuda_built() { "none found" } else { "none (this build has no CUDA)" };
        lines.push(("gpus", none.into()));
    }
    lines.extend(report.gpus.iter().map(|gpu| (gpu.device.as_str(), gpu.sentence())));
    lines.extend([
        ("runs", described(&report.runs)),
        ("cache", described(&report.cache)),
        (
            "promise",
            format!(
                "same bits on every machine of CPU class {}, for any number of threads",
                report.machine.class
            ),
        ),
        (
            "",
            "on CUDA the same bits on the same card, driver and libraries; close to a CPU's, not equal"
                .into(),
        ),
    ]);
    let places: Vec<(String, String)> =
        report.needs.iter().flatten().map(|need| (format!("on {}", need.place), need.sentence())).collect();
    lines.extend(places.iter().map(|(place, need)| (place.as_str(), need.clone())));
    layout::facts(&lines)
}

impl Gpu {
    fn sentence(&self) -> String {
        match (&self.card, &self.memory, &self.fault) {
            (Some(card), Some(memory), _) => format!("{card}; {memory}"),
            (_, _, Some(fault)) => format!("cannot be used: {fault}"),
            _ => "does not say what it is".into(),
        }
    }
}

fn described(p: &Folder) -> String {
    match p.free_bytes {
        Some(free) => format!("{} ({} free)", p.path, size(free)),
        None => p.path.clone(),
    }
}

fn size(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64)
}

fn folder(path: &Path) -> Folder {
    Folder { path: path.display().to_string(), free_bytes: free(path) }
}

/// Free space where `path` is or would be made.
fn free(path: &Path) -> Option<u64> {
    let absolute = std::path::absolute(path).ok()?;
    let existing = absolute.ancestors().find(|p| p.exists())?;
    let name = std::ffi::CString::new(existing.as_os_str().as_encoded_bytes()).ok()?;
    // SAFETY: `name` is a C string and `stats` is written before it is read.
    unsafe {
        let mut stats: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(name.as_ptr(), &mut stats) == 0).then(|| stats.f_bavail as u64 * stats.f_frsize as u64)
    }
}
