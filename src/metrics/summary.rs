//! What a terminal shows of a record: the model's headlines, each with how it stands to the strongest of its baselines.

use super::catalogue::{parse, CHANCE};
use super::cross_entropy::CROSS_ENTROPY;
use super::key::Key;
use super::metric::Metric;
use super::quantity::Better;
use super::rows::ScoreRow;
use super::source;
use super::standing::Standing;
use crate::metrics::cross_entropy::CrossEntropyRow;
use crate::stats::multiple;

/// Quantities by probe and name, how a line calls them, digits.
const SHOWN: [(&str, &str, &str, usize); 9] = [
    ("classification", "top1", "class, top-1", 1),
    ("retrieval", "r1", "retrieval, R@1", 1),
    ("retrieval", "r10", "retrieval, R@10", 1),
    ("directions", "accuracy", "token accuracy", 1),
    ("memorization", "auc", "memorization, train against held-out AUC", 1),
    ("forward_vs_autoregressive", "gain", "one pass − autoregressive", 4),
    ("linear_probe", "top1", "linear probe, top-1", 1),
    ("generation", "distinct", "generation, distinct ids", 1),
    ("generation", "agreement", "generation, agreement between conditions", 1),
];

/// One line: a quantity of the model about something.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<'a> {
    pub label: &'static str,
    /// The middle of its key; the variant as people read it.
    pub about: String,
    pub metric: &'a Metric,
    /// Digits after the point.
    pub digits: usize,
    /// Absent where there is nothing to hold it against.
    pub against: Option<Against>,
}

/// The strongest of the baselines, and how the model stands to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Against {
    /// A source, or `chance`.
    pub name: String,
    /// In the metric's unit.
    pub value: f64,
    /// By its test against the model, corrected with all others of the summary.
    pub standing: Standing,
}

/// The summary of a record.
pub struct Summary<'a> {
    /// Cross-entropies in the order of the record, which have a table of their own.
    pub cross_entropies: Vec<Line<'a>>,
    pub others: Vec<Line<'a>>,
    /// Tests that were corrected together: every line against each of its baselines.
    pub tests: usize,
}

/// What a number of the model may be held against.
struct Candidate {
    /// Index of the line.
    line: usize,
    name: String,
    value: f64,
    p: Option<f64>,
}

/// The model's headlines, held against the strongest of their baselines.
pub fn summary(metrics: &[Metric]) -> Summary<'_> {
    let keys: Vec<(Key, &Metric)> = metrics.iter().filter_map(|m| Some((parse(&m.key)?, m))).collect();
    let spec = CROSS_ENTROPY.spec;
    let mut lines = shown(&keys, (CrossEntropyRow::PROBE, spec.name, "cross-entropy", spec.digits));
    let cross_entropies = lines.len();
    lines.extend(SHOWN.iter().flat_map(|shape| shown(&keys, *shape)));
    let candidates: Vec<Candidate> = lines
        .iter()
        .enumerate()
        .flat_map(|(i, (key, line))| candidates(i, key, line.metric, &keys))
        .collect();
    let raw: Vec<Option<f64>> = candidates.iter().map(|c| c.p).collect();
    let corrected = multiple::benjamini_hochberg(&raw);
    let adjusted: Vec<(&Candidate, Option<f64>)> = candidates.iter().zip(corrected.adjusted).collect();
    let mut lines: Vec<Line> = lines
        .into_iter()
        .enumerate()
        .map(|(i, (key, line))| {
            let own = adjusted.iter().filter(|(c, _)| c.line == i);
            Line { against: strongest(key.spec.better, line.metric.value, own), ..line }
        })
        .collect();
    let others = lines.split_off(cross_entropies);
    Summary { cross_entropies: lines, others, tests: corrected.m }
}

/// The model's lines of a quantity.
fn shown<'a>(
    keys: &[(Key, &'a Metric)],
    (probe, quantity, label, digits): (&str, &str, &'static str, usize),
) -> Vec<(Key, Line<'a>)> {
    let own = keys.iter().filter(|(k, _)| k.probe == probe && k.spec.name == quantity && k.of_model());
    let line = |(key, metric): &(Key, &'a Metric)| {
        (key.clone(), Line { label, about: about(key), metric, digits, against: None })
    };
    own.map(line).collect()
}

/// Chance, and what the baselines among the sources of the same key have.
fn candidates(line: usize, key: &Key, own: &Metric, keys: &[(Key, &Metric)]) -> Vec<Candidate> {
    let chance = own.chance.map(|value| Candidate { line, name: CHANCE.into(), value, p: own.p });
    let by = |name: &&'static str| {
        let wanted = key.clone().by(name);
        let (_, metric) = keys.iter().find(|(k, _)| *k == wanted)?;
        Some(Candidate { line, name: name.to_string(), value: metric.value?, p: metric.p })
    };
    chance.into_iter().chain(source::BASELINES.iter().filter_map(by)).collect()
}

fn strongest<'c>(
    better: Better,
    value: Option<f64>,
    candidates: impl Iterator<Item = &'c (&'c Candidate, Option<f64>)>,
) -> Option<Against> {
    let (best, adjusted) =
        candidates
            .copied()
            .reduce(|best, c| if better.stronger(c.0.value, best.0.value) { c } else { best })?;
    let standing = Standing::new(better, value.map(|own| own - best.value), adjusted);
    Some(Against { name: best.name.clone(), value: best.value, standing })
}

fn about(key: &Key) -> String {
    match key.variant {
        Some((word, n)) => format!("{}/{word} {n}", key.about),
        None => key.about.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue::probe;

    #[test]
    fn what_is_shown_is_measured() {
        for (name, quantity, ..) in SHOWN {
            let quantities = (probe(name).unwrap().quantities)();
            assert!(quantities.iter().any(|q| q.name == quantity), "{name}/{quantity}");
        }
    }

    fn metric(key: &str, value: f64, p: Option<f64>) -> Metric {
        Metric { p, ..Metric::new(&parse(key).unwrap(), Some(value), 30) }
    }

    #[test]
    fn of_the_model_alone() {
        let all = ["retrieval/a->b/r1/gallery8", "retrieval/a->b/r1/untrained", "classification/a/m"]
            .map(|key| metric(key, 1.0, None));
        let summary = summary(&all);
        let shown: Vec<&str> = summary.others.iter().map(|l| l.metric.key.as_str()).collect();
        assert_eq!(shown, ["classification/a/m/top1", "retrieval/a->b/r1/gallery8"]);
    }

    /// The unigram is beaten and the position marginal is not: the model is not called better.
    #[test]
    fn the_strongest_baseline_decides() {
        let all = [
            metric("cross_entropy/a", 3.0, None),
            metric("cross_entropy/a/shuffled_input", 2.0, Some(0.001)),
            metric("cross_entropy/a/position_marginal", 2.5, Some(0.001)),
            metric("cross_entropy/a/unigram_marginal", 4.0, Some(0.001)),
            metric("cross_entropy/b", 3.0, None),
            metric("cross_entropy/b/unigram_marginal", 4.0, Some(0.04)),
            metric("cross_entropy/b/uniform", 5.0, Some(0.9)),
            metric("cross_entropy/c", 3.0, None),
        ];
        let summary = summary(&all);
        let said = |i: usize| {
            let against = summary.cross_entropies[i].against.as_ref()?;
            Some((against.name.as_str(), against.value, against.standing.word()))
        };
        assert_eq!(said(0), Some(("position_marginal", 2.5, "worse")));
        // 0.04 alone would do; it is one of four tests, of which two found something.
        assert_eq!(said(1), Some(("unigram_marginal", 4.0, "not distinguishable")));
        assert_eq!((said(2), summary.tests), (None, 4));
    }

    /// A test split of which a fifth is one class: 15 % are above chance and below a constant answer.
    #[test]
    fn the_largest_class_is_stronger_than_chance() {
        let own = Metric { chance: Some(10.0), ..metric("classification/a/m/top1", 15.0, Some(0.001)) };
        let all = [own, metric("classification/a/m/top1/majority_class", 20.0, Some(0.002))];
        let against = summary(&all).others[0].against.clone().unwrap();
        assert_eq!((against.name.as_str(), against.standing), ("majority_class", Standing::Worse));
        let chance = summary(&all[..1]).others[0].against.clone().unwrap();
        assert_eq!((chance.name.as_str(), chance.standing), ("chance", Standing::Better));
    }
}
