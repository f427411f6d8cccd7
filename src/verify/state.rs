//! The checkpoints of a run against its record, its tables and what they say of themselves.

use super::findings::{Difference, Findings};
use super::table::held_by;
use super::tensors::{self, halves, Checkpoint};
use crate::architecture::{specs, Config};
use crate::digest;
use crate::manifest::schema::Experiment;
use crate::record::Record;
use crate::store::RunDir;

/// Holds every checkpoint against `digests.csv` and against its own digest, and the last against the record and the
/// tables. That a file is listed as changed is enough to be said of it.
pub fn check(run: &RunDir, record: &Record, experiment: &Experiment, findings: &mut Findings) {
    let rows = tensors::rows(run).ok().flatten().unwrap_or_default();
    let config = Config::new(&experiment.modalities, &experiment.model);
    let parameters: Vec<String> = specs(&config).into_iter().map(|spec| spec.name).collect();
    let moments: Vec<String> =
        parameters.iter().flat_map(|name| ["m", "v"].map(|moment| format!("{moment}.{name}"))).collect();
    let steps = run.checkpoints();
    for &step in &steps {
        let [file, _] = halves(run, step);
        let checkpoint = match Checkpoint::read(run, step) {
            Ok(checkpoint) => checkpoint,
            Err((half, _)) if findings.differs(&half) => continue,
            Err((half, fault)) => {
                findings
                    .differences
                    .push(Difference::of(half, "half of a checkpoint", fault.what).step(step));
                continue;
            }
        };
        of_itself(run, step, &checkpoint, (&parameters, &moments), findings);
        match rows.get(&step) {
            Some(rows) => against_rows(&file, step, &checkpoint, rows, findings),
            None if experiment.train.is_due(experiment.train.digest_every, step) => {
                let difference = Difference::of("digests.csv", "missing", "a checkpoint of this step");
                findings.differences.push(difference.step(step));
            }
            None => {}
        }
        if step == record.steps {
            against_record(run, record, &checkpoint, &parameters, findings);
        }
    }
    let [last, _] = halves(run, record.steps);
    if steps.last() != Some(&record.steps) && !findings.differs(&last) {
        findings.differences.push(Difference::of(last, "the last checkpoint", "missing").step(record.steps));
    }
    if !steps.is_empty() {
        let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
        let steps = steps.join(", ");
        findings.checked.push(format!("every tensor of the checkpoints of step {steps} against digests.csv"));
    }
}

/// The digest that the optimizer's half carries, over all tensors that the model has.
fn of_itself(
    run: &RunDir,
    step: u64,
    checkpoint: &Checkpoint,
    (parameters, moments): (&[String], &[String]),
    findings: &mut Findings,
) {
    let [file, half] = halves(run, step);
    let missing = |name: &&String| checkpoint.digest(name).is_none();
    if let Some(name) = parameters.iter().chain(moments).find(missing) {
        findings.differences.push(Difference::of(file, "there", "missing").step(step).tensor(name));
        return;
    }
    let all = parameters.iter().chain(moments).filter_map(|name| checkpoint.digest(name));
    let found = digest::of_state(all.map(|digest| digest.as_str()));
    let position = &checkpoint.position;
    if position.step != step {
        findings.differences.push(Difference::of(&half, step, position.step).step(step).column("step"));
    }
    if position.digest != found {
        findings.differences.push(Difference::of(&half, &position.digest, found).step(step).column("digest"));
    }
}

/// The rows of its step.
fn against_rows(
    file: &str,
    step: u64,
    checkpoint: &Checkpoint,
    rows: &[(String, String)],
    findings: &mut Findings,
) {
    let differ = rows.iter().filter_map(|(name, digest)| {
        if name == "*" {
            let whole = &checkpoint.position.digest;
            return (whole != digest)
                .then(|| Difference::of("digests.csv", digest, whole).step(step).tensor(name));
        }
        match checkpoint.digest(name) {
            Some(found) if found.starts_with(digest.as_str()) && !digest.is_empty() => None,
            Some(found) => {
                let found = found.get(..digest.len()).unwrap_or(found);
                Some(Difference::of(file, digest, found).step(step).tensor(name))
            }
            None => Some(Difference::of(file, digest, "missing").step(step).tensor(name)),
        }
    });
    findings.first_of(differ.collect::<Vec<_>>());
}

/// What the record says of the end of the training.
fn against_record(
    run: &RunDir,
    record: &Record,
    checkpoint: &Checkpoint,
    parameters: &[String],
    findings: &mut Findings,
) {
    let all: Option<Vec<&str>> =
        parameters.iter().map(|name| checkpoint.parameters.get(name).map(|digest| digest.as_str())).collect();
    if let Some(all) = all {
        findings.equal("record.json", "final_digest", record.final_digest.clone(), digest::of_state(all));
    }
    findings.equal("record.json", "train_tokens", record.train_tokens, checkpoint.position.tokens);
    findings.checked.push("final_digest and train_tokens of record.json against the last checkpoint".into());
    for (file, expected) in &checkpoint.position.tables {
        let found = held_by(run, file);
        if found.as_ref() != Some(expected) && !findings.differs(file) {
            let found =
                found.map_or("no table".into(), |rows| format!("{} rows, {}", rows.rows, rows.digest));
            let expected = format!("{} rows, {}", expected.rows, expected.digest);
            findings.differences.push(Difference::of(file, expected, found));
        }
    }
    if !checkpoint.position.tables.is_empty() {
        findings.checked.push("every row of the tables, without times, against the last checkpoint".into());
    }
}
