//! The metrics of a record, made again from the scores they are made of.

use super::findings::{Difference, Findings};
use crate::fault::Result;
use crate::manifest::schema::{Experiment, Probe};
use crate::metrics::{
    classification, cross_entropy, directions, forward_vs_autoregressive, generation, linear_probe,
    memorization, retrieval, rows, Metric, ScoreRow,
};
use crate::modality;
use crate::provenance::CODE_HASH;
use crate::record::{digest, parts, Record};
use crate::store::RunDir;
use std::collections::{BTreeMap, BTreeSet};

const RECORD: &str = "record.json";
const VALUE: &str = "value";
/// Relative difference of the same sum on two machines.
const ROUNDING: f64 = 1e-9;

/// Holds the files of scores against the digests in the record.
pub fn check_files(run: &RunDir, record: &Record, findings: &mut Findings) {
    for file in &record.files {
        findings.checked.push(format!("{} against record.json", file.path));
        if findings.differs(&file.path) {
            continue;
        }
        let found = match digest(run, &file.path) {
            Ok(found) => found.unwrap_or_else(|| "missing".into()),
            Err(fault) => fault.what,
        };
        if found != file.sha256 {
            findings.differences.push(Difference::of(&file.path, &file.sha256, found));
        }
    }
    // A file of scores that no record speaks of is listed with its digest, and nobody knows what it says.
    for path in parts(run).map(|parts| parts.own).unwrap_or_default() {
        if path.starts_with("probes/") && record.files.iter().all(|file| file.path != path) {
            findings.not_covered.push(format!("{path}: no scores of {RECORD}"));
        }
    }
    let listed = |path: &str| record.files.iter().any(|file| file.path == path);
    let unlisted = record.metrics.iter().filter_map(|m| m.file.as_deref()).find(|file| !listed(file));
    if let Some(file) = unlisted {
        findings
            .differences
            .push(Difference::of(RECORD, format!("metrics of {file}"), "no digest of it").column("files"));
    }
}

/// Makes every metric of the manifest's probes again and compares it with the record's.
pub fn check(run: &RunDir, record: &Record, experiment: &Experiment, findings: &mut Findings) {
    let mut made: BTreeMap<String, Metric> = BTreeMap::new();
    for probe in &experiment.probes {
        let (file, metrics) = again(probe, run, record, experiment);
        // What is wrong with the scores is said of them.
        if !findings.differs(file) {
            let metrics = findings.hold(file, "scores", metrics).unwrap_or_default();
            made.extend(metrics.into_iter().map(|metric| (metric.key.clone(), metric)));
        }
    }
    let damaged = |m: &Metric| m.file.as_deref().is_some_and(|file| findings.differs(file));
    let said: BTreeMap<&String, &Metric> =
        record.metrics.iter().filter(|m| !damaged(m)).map(|m| (&m.key, m)).collect();
    let mut seen = BTreeSet::new();
    if let Some(twice) = record.metrics.iter().find(|m| !seen.insert(&m.key)) {
        findings
            .differences
            .push(Difference::of(RECORD, "there twice", "made once").column(twice.key.as_str()));
    }
    // Another version of the program may make more metrics, or other intervals, of the same scores.
    let same_code = record.code_hash.ends_with(CODE_HASH);
    let (mut differences, mut other) = (Vec::new(), 0);
    for (key, metric) in &said {
        match made.get(*key) {
            Some(again) => match difference(metric, again) {
                Some((field, what)) if same_code || field == VALUE => differences.push(what),
                Some(_) => other += 1,
                None => {}
            },
            None if same_code => {
                differences.push(Difference::of(RECORD, "there", "not made").column(key.as_str()))
            }
            None => other += 1,
        }
    }
    let missing = made.keys().filter(|key| same_code && !said.contains_key(key));
    differences.extend(missing.map(|key| Difference::of(RECORD, "missing", "made").column(key)));
    let compared = said.len() - other;
    findings.checked.push(format!("{compared} metrics of record.json made again from their scores"));
    if other > 0 {
        findings.not_covered.push(format!(
            "{other} metrics of record.json: this version of the program makes other ones, or other intervals; the \
             version the run was made with checks them"
        ));
    }
    findings.first_of(differences);
}

/// File of a probe's scores, and the metrics that it makes of them.
fn again(
    probe: &Probe,
    run: &RunDir,
    record: &Record,
    experiment: &Experiment,
) -> (&'static str, Result<Vec<Metric>>) {
    fn of<R: ScoreRow>(
        run: &RunDir,
        metrics: impl FnOnce(Vec<R>) -> Result<Vec<Metric>>,
    ) -> (&'static str, Result<Vec<Metric>>) {
        (R::FILE, rows::read::<R>(&run.path).and_then(|rows| metrics(rows.unwrap_or_default())))
    }
    let seed = experiment.seeds.probes;
    let joined = |names: &[String]| {
        let found = modality::indices(&experiment.modalities, names)?;
        Ok(found.iter().map(|&m| experiment.modalities[m].name.as_str()).collect::<Vec<_>>().join("+"))
    };
    match probe {
        Probe::CrossEntropy { directions, .. } => of(run, |rows| {
            let mut names: Vec<String> = experiment.modalities.iter().map(|m| m.name.clone()).collect();
            for direction in directions {
                let inputs = joined(&direction.inputs)?;
                let targets = modality::indices(&experiment.modalities, &direction.targets)?;
                names.extend(targets.iter().map(|&m| format!("{inputs}->{}", experiment.modalities[m].name)));
            }
            let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            Ok(cross_entropy::metrics(&rows, &names, seed))
        }),
        Probe::Classify { inputs, .. } => of(run, |rows| {
            let sets: Vec<String> = inputs.iter().map(|set| joined(set)).collect::<Result<_>>()?;
            Ok(classification::metrics(&rows, &sets, seed))
        }),
        Probe::Retrieval { pairs, gallery } => of(run, |mut rows: Vec<retrieval::RetrievalRow>| {
            let test_clips = record.clips.test;
            let size = if *gallery == 0 { test_clips } else { (*gallery).min(test_clips) };
            rows.retain(|row| row.gallery_size as usize == size);
            Ok(retrieval::metrics(&rows, pairs, (*gallery, test_clips), seed))
        }),
        Probe::Memorization { .. } => of(run, |rows| Ok(memorization::metrics(&rows, seed))),
        Probe::Directions(_) => of(run, |rows| Ok(directions::metrics(&rows, seed))),
        Probe::ForwardVsAutoregressive { target, .. } => {
            of(run, |rows| Ok(forward_vs_autoregressive::metrics(&rows, target, seed)))
        }
        Probe::Generation { inputs, target, .. } => of(run, |mut rows: Vec<generation::GenerationRow>| {
            let inputs = joined(inputs)?;
            rows.retain(|row| row.inputs == inputs && row.target == *target);
            Ok(generation::metrics(&rows, seed))
        }),
        Probe::LinearProbe { .. } => of(run, |rows| Ok(linear_probe::metrics(&rows, seed))),
    }
}

/// The first field of a metric that differs, and how.
fn difference(said: &Metric, again: &Metric) -> Option<(&'static str, Difference)> {
    let at = |field: &'static str, a: String, b: String| {
        Some((field, Difference::of(RECORD, a, b).column(format!("{} {field}", said.key))))
    };
    let numbers =
        |m: &Metric| [(VALUE, m.value), ("low", m.low), ("high", m.high), ("chance", m.chance), ("p", m.p)];
    let pairs = numbers(said).into_iter().zip(numbers(again));
    let number = |x: Option<f64>| x.map_or("none".into(), |x| x.to_string());
    if let Some(((field, a), (_, b))) = pairs.into_iter().find(|((_, a), (_, b))| !close(*a, *b)) {
        return at(field, number(a), number(b));
    }
    let rest = |m: &Metric| {
        let Metric { about, interval, n, unit, better, file, .. } = m;
        format!("{about:?}, {interval:?}, n {n}, {unit}, {better:?}, {file:?}")
    };
    let (a, b) = (rest(said), rest(again));
    if a == b {
        None
    } else {
        at("beside its value", a, b)
    }
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= ROUNDING * a.abs().max(b.abs()),
        (a, b) => a.is_none() && b.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue::parse;

    #[test]
    fn rounding_is_none_and_a_digit_is_one() {
        let metric = |value| Metric::new(&parse("cross_entropy/rgb").unwrap(), Some(value), 3);
        assert_eq!(difference(&metric(1.5), &metric(1.5 + 1e-12)), None);
        let (_, found) = difference(&metric(1.5), &metric(1.500_01)).unwrap();
        assert_eq!(found.to_string(), "record.json, column cross_entropy/rgb value: 1.5 ≠ 1.50001");
        let fewer = Metric { n: 2, ..metric(1.5) };
        let (field, found) = difference(&metric(1.5), &fewer).unwrap();
        assert!(field != VALUE && found.a.contains("n 3"), "{field}: {found}");
        assert!(difference(&metric(1.5), &Metric { value: None, ..metric(1.5) }).is_some());
    }
}
