//! Every quantity of a run that two runs can be compared on: per clip, under the key a claim uses.
//!
//! ```text
//! cross_entropy/<modality>                      nats per token, less is better
//! directions/<inputs->targets>[/<modality>]     % of tokens (the modality where there are several)
//! classification/<inputs>/<method>/top<k>       % of clips, k = 1, 3, 5
//! retrieval/<query->gallery>/r<k>               % of clips, k = 1, 5, 10
//! linear_probe/<inputs>                         % of clips
//! ```

use super::runs::Run;
use super::tables::{add, hit, Clips};
use crate::fault::Result;
use crate::record::examples::{
    source, Classification, CrossEntropy, Direction, Example, LinearProbe, Retrieval,
};
use std::collections::{BTreeMap, BTreeSet};

/// Metric → clips, in the metric's unit.
pub type Scores = BTreeMap<String, Clips>;

/// What a key says about its metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// As [`canonical`] writes it.
    pub key: String,
    /// Whether less is better.
    pub lower: bool,
    pub unit: &'static str,
    /// Digits after the point.
    pub digits: usize,
}

impl Metric {
    /// From a key, canonical or not. A key of a probe that is not compared is a metric without scores.
    pub fn new(key: &str) -> Metric {
        let lower = key.starts_with("cross_entropy/");
        let (unit, digits) = if lower { ("nats/token", 4) } else { ("%", 2) };
        Metric { key: canonical(key), lower, unit, digits }
    }

    /// Whether a difference `a − b` of this size says that `a` is better.
    pub fn better(&self, difference: f64) -> bool {
        if self.lower {
            difference < 0.0
        } else {
            difference > 0.0
        }
    }
}

/// The full key: top-1 and R@1 are what is meant where nothing is said.
pub fn canonical(key: &str) -> String {
    let parts = key.split('/').count();
    match key.split('/').next() {
        Some("classification") if parts == 3 => format!("{key}/top1"),
        Some("retrieval") if parts == 2 => format!("{key}/r1"),
        _ => key.into(),
    }
}

/// Scores of one run; only those in `wanted` (canonical keys), if given.
pub fn read(run: &Run, wanted: Option<&BTreeSet<String>>) -> Result<Scores> {
    let mut all = Collector { wanted, scores: Scores::new() };
    let share = |right: bool| (if right { 100.0 } else { 0.0 }, 1.0);
    for r in rows::<CrossEntropy>(run)?.iter().filter(|r| r.source == source::MODEL) {
        all.add(format!("cross_entropy/{}", r.modality), &r.clip, (r.ce_nats, r.tokens as f64));
    }
    for r in rows::<Classification>(run)?.iter().filter(|r| r.source == source::MODEL) {
        for k in [1, 3, 5] {
            let key = format!("classification/{}/{}/top{k}", r.inputs, r.method);
            if let (Some(right), true) = (hit(r, k), k < r.classes || k == 1) {
                all.add(key, &r.clip, share(right));
            }
        }
    }
    for r in rows::<Retrieval>(run)?.iter().filter(|r| r.source == source::MODEL) {
        for k in [1, 5, 10] {
            let key = format!("retrieval/{}->{}/r{k}", r.query_modality, r.gallery_modality);
            all.add(key, &r.clip, share(r.rank < k));
        }
    }
    for r in rows::<Direction>(run)?.iter().filter(|r| r.source == source::MODEL) {
        let score = (100.0 * r.correct as f64, r.tokens as f64);
        all.add(format!("directions/{}", r.direction), &r.clip, score);
        let targets = r.direction.split("->").nth(1).unwrap_or_default();
        if targets.contains('+') {
            all.add(format!("directions/{}/{}", r.direction, r.modality), &r.clip, score);
        }
    }
    for r in rows::<LinearProbe>(run)?.iter().filter(|r| r.control == "none") {
        all.add(format!("linear_probe/{}", r.inputs), &r.clip, share(r.true_class == r.predicted_class));
    }
    Ok(all.scores)
}

struct Collector<'a> {
    wanted: Option<&'a BTreeSet<String>>,
    scores: Scores,
}

impl Collector<'_> {
    fn add(&mut self, key: String, clip: &str, (sum, weight): (f64, f64)) {
        if self.wanted.is_none_or(|w| w.contains(&key)) {
            add(self.scores.entry(key).or_default(), clip, sum, weight);
        }
    }
}

fn rows<E: Example>(run: &Run) -> Result<Vec<E>> {
    Ok(run.examples::<E>()?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        assert_eq!(
            canonical("classification/a+b/sequence_decode"),
            "classification/a+b/sequence_decode/top1"
        );
        assert_eq!(canonical("classification/a/m/top3"), "classification/a/m/top3");
        assert_eq!(canonical("retrieval/a->b"), "retrieval/a->b/r1");
        assert_eq!(canonical("cross_entropy/tok_rgb@196"), "cross_entropy/tok_rgb@196");
        let (ce, top) = (Metric::new("cross_entropy/x"), Metric::new("classification/a/m"));
        assert!(ce.better(-0.1) && !ce.better(0.1) && top.better(0.1) && !top.better(0.0));
        assert_eq!((ce.unit, top.unit, top.digits), ("nats/token", "%", 2));
    }
}
