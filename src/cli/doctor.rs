//! `nano4m doctor`: what this machine can promise.

use super::arguments::Global;
use super::done::Done;
use super::environment::{cache_folder, runs_folder};
use super::{layout, output};
use crate::fault::Result;
use crate::provenance::{self, machine::Machine, Code};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Report {
    code: Code,
    machine: Machine,
    threads: usize,
    /// Name and memory in bytes of every GPU this build can use.
    gpus: Vec<(String, usize)>,
    runs: Folder,
    cache: Folder,
}

#[derive(Serialize)]
struct Folder {
    path: String,
    /// Free space in bytes for this user; absent when it cannot be asked.
    free_bytes: Option<u64>,
}

/// `nano4m doctor`.
pub fn doctor(global: &Global) -> Result<Done> {
    let report = Report {
        code: provenance::built(),
        machine: provenance::machine::machine(),
        threads: rayon::current_num_threads(),
        gpus: crate::ops::device::gpus(),
        runs: folder(&runs_folder(global)),
        cache: folder(&cache_folder()),
    };
    if global.json {
        output::json(&report)?;
    } else {
        output::data(&text(&report))?;
    }
    Ok(Done::Fine)
}

fn text(report: &Report) -> String {
    let commit = match (&report.code.commit, report.code.committed) {
        (Some(c), true) => c.clone(),
        (Some(c), false) => format!("{c}, changed since"),
        (None, _) => "unknown (built outside the repository)".into(),
    };
    let gpus = match report.gpus.as_slice() {
        [] if crate::ops::device::cuda_built() => "none found".to_string(),
        [] => "none (this build has no CUDA)".to_string(),
        all => all.iter().map(|(n, b)| format!("{n}, {}", size(*b as u64))).collect::<Vec<_>>().join("; "),
    };
    let lines = [
        (
            "program",
            format!("nano4m {} ({}, {})", report.code.version, report.code.profile, report.code.rustc),
        ),
        ("code", format!("sha256:{}", report.code.hash)),
        ("commit", commit),
        ("processor", format!("{} ({} logical)", report.machine.cpu, report.machine.processors)),
        ("threads", report.threads.to_string()),
        ("gpus", gpus),
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
    ];
    layout::facts(&lines)
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
