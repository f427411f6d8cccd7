//! What says who made a run and where it stands: `status.json` and `provenance.json` against the record, the folder and
//! the files that they speak of.

use super::findings::{Difference, Findings};
use crate::manifest::identity::bare;
use crate::provenance::Provenance;
use crate::record::Record;
use crate::store::{CellOf, Follower, RunDir, State, Status};

const RECORD: &str = "record.json";
const STATUS: &str = "status.json";
const PROVENANCE: &str = "provenance.json";

/// Holds both against the record; what of them is a time or a place, a digest alone holds.
pub fn check(run: &RunDir, record: &Record, status: Option<&Status>, findings: &mut Findings) {
    findings.equal(RECORD, "id", record.id.clone(), run.id.short());
    if let Some(status) = status {
        let before = findings.differences.len();
        against_record(run, record, status, findings);
        against_files(run, record, status, findings);
        if findings.differences.len() == before {
            findings.checked.push("status.json, but for its times, against record.json and the files".into());
        }
    }
    let path = run.file(PROVENANCE);
    if let Some(provenance) = findings.hold(PROVENANCE, "where the run was made", Provenance::read(&path)) {
        if !Provenance::as_written(&path) && !findings.differs(PROVENANCE) {
            findings.differences.push(Difference::of(PROVENANCE, "its last line", "other lines before it"));
        }
        place(record, &provenance, findings);
    }
}

fn against_record(run: &RunDir, record: &Record, status: &Status, findings: &mut Findings) {
    findings.equal(RECORD, "identity", &record.identity, &status.identity);
    let cell = |cell: &Option<CellOf>| cell.as_ref().map_or("none".into(), CellOf::to_string);
    findings.equal(RECORD, "made_for", cell(&record.made_for), cell(&status.made_for));
    findings.equal(STATUS, "attempt", status.attempt, run.id.attempt);
    findings.equal(STATUS, "state", status.state.name(), State::Finished.name());
    findings.equal(STATUS, "step", status.step, record.steps);
    findings.equal(STATUS, "total", status.total, record.steps);
}

/// The manifests, and the tables at the last checkpoint, times included: what differs and is no change of the file
/// itself is a change of the status.
fn against_files(run: &RunDir, record: &Record, status: &Status, findings: &mut Findings) {
    for (name, expected) in &status.files {
        if run.as_written(status, name) == Some(false) && !findings.differs(name) {
            let a = format!("sha256 {expected}");
            findings.differences.push(Difference::of(STATUS, a, "another file").column(name.as_str()));
        }
    }
    for at in status.tables.iter().filter(|at| at.step == record.steps && !findings.differs(&at.file)) {
        let found = Follower::new(run.file(&at.file)).now().ok();
        if found.as_ref() != Some(&at.rows) {
            findings
                .differences
                .push(Difference::of(STATUS, "another table", "there").column(at.file.as_str()));
            return;
        }
    }
}

fn place(record: &Record, provenance: &Provenance, findings: &mut Findings) {
    // With such a drift the record's is what it was finished with.
    let drifted = |drift: &String| drift.starts_with("identity") || drift.starts_with("pins");
    if !record.drift.iter().any(drifted) {
        findings.equal(RECORD, "data_hash", bare(&record.data_hash), bare(&provenance.data.sha256));
        findings.equal(RECORD, "code_hash", bare(&record.code_hash), bare(&provenance.last().code.hash));
    }
    findings.equal(PROVENANCE, "seeds", format!("{:?}", provenance.seeds), format!("{:?}", record.seeds));
    let late = provenance.segments.iter().map(|segment| segment.from_step).find(|step| *step > record.steps);
    if let Some(step) = late {
        let difference = Difference::of(PROVENANCE, step, format!("{} steps", record.steps));
        findings.differences.push(difference.column("from_step"));
    }
    let devices: Vec<&str> = provenance.segments.iter().map(|segment| segment.device.as_str()).collect();
    if !devices.contains(&record.device.as_str()) {
        findings
            .differences
            .push(Difference::of(RECORD, &record.device, devices.join(", ")).column("device"));
    }
}
