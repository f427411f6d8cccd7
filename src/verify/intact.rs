//! A finished run against what it says of itself.

use super::findings::{Difference, Findings};
use super::{description, manifest, metrics, sealed, state, tables};
use crate::fault::{Fault, Result};
use crate::record::{changed, Record};
use crate::store::last_line::LastLine;
use crate::store::RunDir;

/// Holds every file of a run against its digest, and what its record says against what can be made again:
/// from the manifest, the scores, the tables and the checkpoints.
///
/// # Errors
/// If the run is not finished, is of another version, or its folder cannot be listed.
pub fn intact(run: &RunDir) -> Result<Findings> {
    let path = run.file("record.json");
    if !run.finished() {
        return Err(Fault::failed("the run is not finished: there is no record to hold it against")
            .at(run.path.display().to_string())
            .help("`nano4m resume` finishes it"));
    }
    if Record::of_another_version(run) {
        Record::read(&path)?;
    }
    let mut findings = Findings::default();
    let read = findings.hold("record.json", "a record", Record::as_it_stands(&path));
    let last_line = read.as_ref().map(|(_, last_line)| last_line.clone());
    if let Some(LastLine::Holds) = last_line {
        findings.checked.push("record.json against its last line".into());
    }
    if let Some(Fault { found, expected, .. }) = last_line.clone().and_then(|line| changed(&path, line)) {
        let (a, b) = (expected.unwrap_or_default(), found.unwrap_or_default());
        findings.differences.push(Difference::of("record.json", a, b).column("digest"));
    }
    let status = run.status().and_then(|status| status.ok_or_else(|| Fault::failed("missing")));
    let status = findings.hold("status.json", "a status", status);
    sealed::check(run, last_line != Some(LastLine::Absent), &mut findings)?;
    let Some((record, _)) = read else { return Ok(findings) };
    metrics::check_files(run, &record, &mut findings);
    description::check(run, &record, status.as_ref(), &mut findings);
    let experiment = manifest::check(run, &record, &mut findings);
    if let Some(experiment) = &experiment {
        metrics::check(run, &record, experiment, &mut findings);
        tables::check(run, &record, experiment, &mut findings);
        state::check(run, &record, experiment, &mut findings);
    }
    Ok(findings)
}
