//! Two runs against each other.

use super::findings::{Difference, Findings};
use super::{digests, tensors};
use crate::fault::{Fault, Result};
use crate::store::RunDir;
use std::path::Path;

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
