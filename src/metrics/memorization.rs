//! `probes/memorization.csv`: continuations of clips that were, or were not, in training.
//!
//! `memorization/train/accuracy`, `memorization/train/cross_entropy`, the same of `test`, and `memorization/auc`: how
//! often a training clip has a lower loss than a held-out one.

use super::clips::Clips;
use super::estimate::PERMUTATIONS;
use super::key::Key;
use super::measured::{self, Rows};
use super::metric::Metric;
use super::quantity::{Better, Unit};
use super::rows::{Quantity, ScoreRow};
use super::source;
use crate::stats::{auc, Estimable, Estimate};
use serde::{Deserialize, Serialize};

/// Continuation of a clip that was, or was not, in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemorizationRow {
    pub clip: String,
    /// One of [`PARTS`].
    pub part: String,
    pub tokens: u64,
    pub correct: u64,
    pub ce_nats: f64,
}

/// In training, and held out.
pub const PARTS: [&str; 2] = ["train", "test"];

/// Tokens whose argmax is right.
pub const ACCURACY: Quantity<MemorizationRow> =
    Quantity::mean("accuracy", Unit::Percent, Better::Neither, |r: &MemorizationRow| {
        Some((r.correct as f64, r.tokens as f64))
    });
/// Nats per token.
pub const CROSS_ENTROPY: Quantity<MemorizationRow> =
    Quantity::mean("cross_entropy", Unit::NatsPerToken, Better::Neither, |r: &MemorizationRow| {
        Some((r.ce_nats, r.tokens as f64))
    });
/// Of both parts: no trace of memorization is 50 %.
pub const AUC: Quantity<MemorizationRow> =
    Quantity::whole("auc", Unit::Percent, Better::Neither).alone().digits(1);

impl ScoreRow for MemorizationRow {
    const PROBE: &'static str = "memorization";
    const FILE: &'static str = "probes/memorization.csv";
    const DECLARED: &'static str = "Memorization";
    const QUANTITIES: &'static [Quantity<Self>] = &[ACCURACY, CROSS_ENTROPY, AUC];

    fn clip(&self) -> &str {
        &self.clip
    }

    fn abouts(&self) -> Vec<String> {
        vec![self.part.clone()]
    }
}

/// Percent; what luck reaches of [`AUC`].
pub const NO_TRACE: f64 = 50.0;

/// P(a training clip has a lower loss than a held-out one), as a fraction, from the cross-entropies of both.
pub fn separation(train: &Clips, test: &Clips, level: f64) -> Estimable<Estimate> {
    auc::auc(&gain(train), &gain(test), level)
}

/// Two-sided p-value that training clips have the losses of held-out ones.
pub fn separation_p(train: &Clips, test: &Clips, seed: u64) -> Estimable<f64> {
    auc::test(&gain(train), &gain(test), seed, PERMUTATIONS)
}

fn gain(clips: &Clips) -> Vec<f64> {
    clips.values().map(|c| -c.0 / c.1).collect()
}

/// Both parts, then their separation.
pub fn metrics(rows: &[MemorizationRow], seed: u64) -> Vec<Metric> {
    let of = |part: &str| rows.iter().filter(|r| r.part == part).collect::<Vec<_>>();
    let mut all: Vec<Metric> = PARTS
        .iter()
        .flat_map(|part| measured::metrics(Rows::of_model(&of(part)), part, source::MODEL, seed))
        .collect();
    let [train, test] = PARTS.map(|part| CROSS_ENTROPY.clips(of(part)));
    let (separation, p) = (separation(&train, &test, 0.95), separation_p(&train, &test, seed));
    let auc = Metric::estimated(&Key::new(&AUC, ""), separation, "DeLong over clips, 95 %");
    all.push(auc.with_chance(separation.map(|_| NO_TRACE), p).with_file(MemorizationRow::FILE));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_and_their_separation() {
        let row = |part: &str, clip: usize, ce: f64| MemorizationRow {
            clip: format!("c{clip}"),
            part: part.into(),
            tokens: 10,
            correct: 1,
            ce_nats: ce,
        };
        let rows = [row("train", 0, 10.0), row("train", 1, 20.0), row("test", 2, 15.0), row("test", 3, 30.0)];
        let all = metrics(&rows, 1);
        let of = |key: &str| all.iter().find(|m| m.key == key).unwrap().value;
        assert_eq!(of("memorization/train/cross_entropy"), Some(1.5));
        assert_eq!(of("memorization/test/accuracy"), Some(10.0));
        assert_eq!(of("memorization/auc"), Some(75.0));
        assert_eq!(all.len(), 5);
        assert!(metrics(&rows[..2], 1).last().unwrap().value.is_none());
    }
}
