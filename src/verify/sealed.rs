//! The files of a run against its `SHA256SUMS`.

use super::findings::{Difference, Findings};
use crate::fault::{Fault, Result};
use crate::record::{digest, parts, Parts, Seal, SEAL};
use crate::store::RunDir;

/// Files that nothing here makes again, of a run that has all.
const BY_DIGEST_ALONE: &str = "manifest.ron, log.txt, the cells of metrics.csv and eval.csv, the times, rates and \
                               places in status.json and provenance.json; of the record: program, drift, pins and clips";

/// Holds every file against the digest it is listed with. `expected`: the run is not of before there was such a list.
pub fn check(run: &RunDir, expected: bool, findings: &mut Findings) -> Result<()> {
    let Parts { own, others } = parts(run)?;
    findings.not_covered.extend(others.into_iter().map(|path| format!("{path}: no file of a run")));
    let seal = match Seal::read(run) {
        Ok(Some(seal)) => seal,
        Ok(None) if expected => {
            findings.differences.push(Difference::of(SEAL, "a list of digests", "missing"));
            return Ok(());
        }
        Ok(None) => {
            let what = format!("the run is of before there was a {SEAL}; of no digest: {BY_DIGEST_ALONE}");
            findings.not_covered.push(what);
            return Ok(());
        }
        Err(Fault { what, .. }) => {
            findings.differences.push(Difference::of(SEAL, "a list of digests", what));
            return Ok(());
        }
    };
    for (path, entry) in &seal.files {
        match digest(run, path) {
            Ok(Some(found)) if found == *entry => {}
            Ok(Some(found)) => findings.differences.push(Difference::of(path, entry, found)),
            Ok(None) => findings.differences.push(Difference::of(path, entry, "missing")),
            Err(fault) => findings.differences.push(Difference::of(path, entry, fault.what)),
        }
    }
    let files = seal.files.len();
    findings.checked.push(format!("{files} files, every byte, against {SEAL}"));
    findings.by_digest_alone.push(BY_DIGEST_ALONE.into());
    for (path, entry) in &seal.removed {
        match digest(run, path).ok().flatten() {
            None => findings.checked.push(format!("{path}: removed by gc")),
            Some(found) if found == *entry => {}
            Some(found) => findings.differences.push(Difference::of(path, entry, found)),
        }
    }
    if seal.open {
        let open = "a process works on the run, or was killed while it did: `nano4m resume` ends that";
        findings.differences.push(Difference::of(SEAL, "every file of the run", open));
        return Ok(());
    }
    let unlisted =
        own.iter().filter(|path| !seal.files.contains_key(*path) && !seal.removed.contains_key(*path));
    let unlisted = unlisted.map(|path| Difference::of(path, format!("not in {SEAL}"), "there"));
    findings.differences.extend(unlisted);
    Ok(())
}
