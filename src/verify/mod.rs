//! Proving that a run is intact, or that two runs have the same bits; naming the first step and tensor
//! that differ.
//!
//! Works on files alone: tables, per-example scores, and the digests of parameters and optimizer state.

mod digests;
mod tensors;

use crate::digest::sha256_hex;
use crate::fault::{Fault, Result};
use crate::record::Record;
use crate::store::RunDir;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// What was looked at and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Findings {
    /// What was compared, one line each.
    pub checked: Vec<String>,
    /// Empty when everything is equal.
    pub differences: Vec<Difference>,
}

/// One place where bits differ: the first of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// File of the run.
    pub file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tensor: Option<String>,
    /// Column of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What the first run (or the record) says.
    pub a: String,
    /// What the second run (or the file) says.
    pub b: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        let step = self.step.map(|s| s.to_string());
        for (name, value) in [("step", &step), ("tensor", &self.tensor), ("column", &self.column)] {
            if let Some(value) = value {
                write!(f, ", {name} {value}")?;
            }
        }
        write!(f, ": {} ≠ {}", self.a, self.b)
    }
}

/// Holds the files of a run against what its record and its tables say.
///
/// # Errors
/// If the run is not finished or a file cannot be read.
pub fn intact(run: &RunDir) -> Result<Findings> {
    let path = run.file("record.json");
    if !run.finished() {
        return Err(Fault::failed("the run is not finished: there is no record to hold it against")
            .at(run.path.display().to_string())
            .help("`nano4m resume` finishes it"));
    }
    let record = Record::read(&path)?;
    let mut findings = Findings::default();
    for file in &record.files {
        let found = match std::fs::read(run.file(&file.path)) {
            Ok(bytes) => sha256_hex(&bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => "missing".into(),
            Err(e) => return Err(Fault::io("read", &run.file(&file.path), &e)),
        };
        findings.checked.push(format!("{} against record.json", file.path));
        if found != file.sha256 {
            let (file, a) = (file.path.clone(), file.sha256.clone());
            findings.differences.push(Difference { file, a, b: found, ..Difference::default() });
        }
    }
    tensors::against_digests(run, record.steps, &mut findings)?;
    Ok(findings)
}

/// Compares two runs: the digests of every common step, metrics, evaluations, per-example scores and the
/// newest common checkpoint. Times (`tokens_per_s`) do not count.
///
/// # Errors
/// If the runs have no step in common or a file cannot be read.
pub fn compare(a: &RunDir, b: &RunDir) -> Result<Findings> {
    let mut findings = Findings::default();
    digests::compare(a, b, &mut findings)?;
    for file in ["metrics.csv", "eval.csv"] {
        digests::compare_tables(a, b, file, &mut findings)?;
    }
    tensors::compare(a, b, &mut findings)?;
    for file in probe_files(a)? {
        compare_bytes(a, b, &file, &mut findings)?;
    }
    Ok(findings)
}

fn probe_files(run: &RunDir) -> Result<Vec<String>> {
    let folder = run.file("probes");
    let entries = std::fs::read_dir(&folder).map_err(|e| Fault::io("list", &folder, &e))?;
    let mut files: Vec<String> =
        entries.flatten().filter_map(|e| Some(format!("probes/{}", e.file_name().to_str()?))).collect();
    files.retain(|f| f.ends_with(".csv"));
    files.sort();
    Ok(files)
}

fn compare_bytes(a: &RunDir, b: &RunDir, file: &str, findings: &mut Findings) -> Result<()> {
    let read = |path: &Path| std::fs::read(path).map_err(|e| Fault::io("read", path, &e));
    if !b.file(file).exists() {
        return Ok(());
    }
    let (x, y) = (read(&a.file(file))?, read(&b.file(file))?);
    findings.checked.push(format!("{file}, every byte"));
    if x != y {
        let line = |bytes: &[u8], n: usize| {
            String::from_utf8_lossy(bytes).lines().nth(n).unwrap_or("(end of file)").to_string()
        };
        let n = x.split(|&c| c == b'\n').zip(y.split(|&c| c == b'\n')).take_while(|(p, q)| p == q).count();
        let (a, b) = (line(&x, n), line(&y, n));
        findings.differences.push(Difference {
            file: format!("{file}:{}", n + 1),
            a,
            b,
            ..Difference::default()
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
