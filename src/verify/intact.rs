//! A finished run against what it says of itself.

use super::findings::{Difference, Findings};
use super::tensors;
use crate::digest::sha256_hex;
use crate::fault::{Fault, Result};
use crate::record::Record;
use crate::store::RunDir;

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
