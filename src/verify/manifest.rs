//! What a record says against the manifest the run was started with.

use super::findings::{Difference, Findings};
use crate::architecture::Config;
use crate::fault::{Fault, Result};
use crate::manifest;
use crate::manifest::schema::Experiment;
use crate::record::{ModalityInfo, Record};
use crate::store::{regular, RunDir};

const RESOLVED: &str = "resolved.ron";
const RECORD: &str = "record.json";

/// Holds identity, name, seeds, steps, size and modalities of the record against `resolved.ron`; the experiment, if the
/// manifest can be read.
pub fn check(run: &RunDir, record: &Record, findings: &mut Findings) -> Option<Experiment> {
    let experiment = findings.hold(RESOLVED, "a manifest", resolved(run))?;
    let before = findings.differences.len();
    if !record.drift.iter().any(|drift| drift.starts_with("identity")) {
        let identity = manifest::identity(&experiment, &record.data_hash, &record.code_hash);
        findings.equal(
            RECORD,
            "identity, made again from resolved.ron, data and code,",
            &record.identity,
            &identity,
        );
    }
    if !record.identity.starts_with(&run.id.id) {
        let directory = run.id.directory();
        findings.differences.push(Difference::of(RECORD, &record.identity, directory).column("identity"));
    }
    // A manifest may have been renamed while the run was stopped, and a folder since.
    if record.name != run.id.name {
        findings.equal(RECORD, "name", &record.name, &experiment.name);
    }
    let seeds = |seeds| format!("{seeds:?}");
    findings.equal(RECORD, "seeds", seeds(record.seeds), seeds(experiment.seeds));
    findings.equal(RECORD, "steps", record.steps, experiment.train.steps());
    let parameters = Config::new(&experiment.modalities, &experiment.model).parameters();
    findings.equal(RECORD, "parameters", record.parameters, parameters);
    let said: Vec<String> = record.modalities.iter().map(|m| format!("{m:?}")).collect();
    let made = experiment.modalities.iter().map(|m| ModalityInfo {
        name: m.name.clone(),
        short: m.short().into(),
        length: m.length,
        vocab: m.vocab,
    });
    let made: Vec<String> = made.map(|m| format!("{m:?}")).collect();
    findings.equal(RECORD, "modalities", said.join(", "), made.join(", "));
    if findings.differences.len() == before {
        let what = "identity, seeds, steps, parameters and modalities of record.json against resolved.ron";
        findings.checked.push(what.into());
    }
    Some(experiment)
}

/// The resolved manifest, checked: one that was changed asks for anything.
///
/// # Errors
/// If it cannot be read, with its first mistake.
pub fn resolved(run: &RunDir) -> Result<Experiment> {
    let path = run.file(RESOLVED);
    let text = regular::read_text("read the manifest", &path, regular::WRITTEN_BY_HAND)?;
    let first = |all: manifest::Diagnostics| {
        let said = all.to_string();
        Fault::failed(said.lines().next().unwrap_or_default().replace(&path.display().to_string(), RESOLVED))
    };
    manifest::parse(&text, &path, &[]).map(|loaded| loaded.experiment).map_err(first)
}
