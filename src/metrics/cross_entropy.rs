//! `probes/cross_entropy.csv`: summed token cross-entropy per clip, mask, modality and source.
//!
//! The unit is the clip: its masks are summed, and the gain over the unigram marginal is paired on the same
//! clips. A whole modality given whole others stands as `inputs->target` in the place of a modality.

use super::clips::Clips;
use super::key::Key;
use super::measured::{in_order, metric, values, Rows, BOOTSTRAP};
use super::metric::Metric;
use super::quantity::{Better, Unit};
use super::rows::{Quantity, ScoreRow};
use super::source;
use crate::stats::bootstrap::difference_interval;
use crate::stats::Bootstrap;
use serde::{Deserialize, Serialize};

/// One modality of one clip under one mask, by one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossEntropyRow {
    /// Stem of the clip.
    pub clip: String,
    /// Number of the fixed mask, from 0.
    pub mask: u32,
    /// Name of the modality.
    pub modality: String,
    /// `model` or the name of a baseline (`uniform`, `unigram_marginal`, …).
    pub source: String,
    /// Target tokens.
    pub tokens: u64,
    /// Sum of their cross-entropies, nats.
    pub ce_nats: f64,
}

/// Nats per target token.
pub const CROSS_ENTROPY: Quantity<CrossEntropyRow> =
    Quantity::mean("cross_entropy", Unit::NatsPerToken, Better::Lower, |r: &CrossEntropyRow| {
        Some((r.ce_nats, r.tokens as f64))
    })
    .implied()
    .compared();

/// Unigram marginal − model.
pub const GAIN: Quantity<CrossEntropyRow> =
    Quantity::excess("gain", Unit::NatsPerToken, source::UNIGRAM, |r| (r.ce_nats, r.tokens as f64));

impl ScoreRow for CrossEntropyRow {
    const PROBE: &'static str = "cross_entropy";
    const FILE: &'static str = "probes/cross_entropy.csv";
    const DECLARED: &'static str = "CrossEntropy";
    const QUANTITIES: &'static [Quantity<Self>] = &[CROSS_ENTROPY, GAIN];
    const SOURCES: &'static [&'static str] = &[
        source::SHUFFLED,
        source::UNCONDITIONAL,
        source::POSITION,
        source::UNIGRAM,
        source::CODEBOOK,
        source::UNTRAINED,
        source::UNIFORM,
    ];

    fn clip(&self) -> &str {
        &self.clip
    }

    fn source(&self) -> &str {
        &self.source
    }

    fn abouts(&self) -> Vec<String> {
        vec![self.modality.clone()]
    }

    fn is_about(&self, about: &str) -> bool {
        self.modality == about
    }
}

/// For each modality, in the given order: the model, every other source in order of appearance, the gain.
pub fn metrics(rows: &[CrossEntropyRow], modalities: &[&str], seed: u64) -> Vec<Metric> {
    modalities.iter().flat_map(|modality| of_modality(rows, modality, seed)).collect()
}

fn of_modality(rows: &[CrossEntropyRow], modality: &str, seed: u64) -> Vec<Metric> {
    let rows: Vec<&CrossEntropyRow> = rows.iter().filter(|r| r.modality == modality).collect();
    let by = |source: &str| rows.iter().copied().filter(|r| r.source == source).collect::<Vec<_>>();
    let mut sources = in_order(rows.iter().map(|r| r.source.as_str()));
    sources.sort_by_key(|name| *name != source::MODEL);
    let key = |source: &str| Key::new(&CROSS_ENTROPY, modality).by(source);
    let model = by(source::MODEL);
    let of = |s: &&str| metric(&CROSS_ENTROPY, &key(s), Rows { own: &by(s), model: &model }, seed);
    let mut all: Vec<Metric> = sources.iter().filter_map(of).collect();
    if sources.contains(&source::UNIGRAM) && sources.contains(&source::MODEL) {
        let clips = |source: &str| CROSS_ENTROPY.clips(by(source));
        let (a, b) = common(&clips(source::UNIGRAM), &clips(source::MODEL));
        let plan = Bootstrap { seed, ..Bootstrap::default() };
        let gain = difference_interval(&values(&a), &values(&b), &plan);
        let key = Key::new(&GAIN, modality);
        all.push(Metric::estimated(&key, gain, BOOTSTRAP).with_file(CrossEntropyRow::FILE));
    }
    all
}

/// Both on the clips they share.
fn common(a: &Clips, b: &Clips) -> (Clips, Clips) {
    let only = |own: &Clips, other: &Clips| {
        own.iter().filter(|(clip, _)| other.contains_key(*clip)).map(|(c, v)| (c.clone(), *v)).collect()
    };
    (only(a, b), only(b, a))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(clip: usize, mask: u32, source: &str, tokens: u64, ce_nats: f64) -> CrossEntropyRow {
        let (clip, source) = (format!("c{clip}"), source.into());
        CrossEntropyRow { clip, mask, modality: "rgb".into(), source, tokens, ce_nats }
    }

    #[test]
    fn token_weighted_means_over_clips() {
        let mut scores = Vec::new();
        for clip in 0..30 {
            let x = clip as f64 / 3.0;
            scores.push(score(clip, 0, "unigram_marginal", 1, 3.0 + 0.1 * x));
            scores.push(score(clip, 0, "model", 1, 2.0 + 0.1 * x));
            scores.push(score(clip, 1, "model", 3, 3.0 + 0.5 * x));
            scores.push(score(clip, 1, "unigram_marginal", 3, 9.0 + 0.2 * x));
        }
        let metrics = metrics(&scores, &["rgb", "audio"], 1);
        let keys: Vec<&str> = metrics.iter().map(|m| m.key.as_str()).collect();
        assert_eq!(
            keys,
            ["cross_entropy/rgb", "cross_entropy/rgb/unigram_marginal", "cross_entropy/rgb/gain"]
        );
        let close = |m: &Metric, value: f64| {
            assert!((m.value.unwrap() - value).abs() < 1e-12, "{m:?}");
            assert!(m.low.unwrap() < value && value < m.high.unwrap(), "{m:?}");
            assert_eq!(m.n, 30);
        };
        close(&metrics[0], (5.0 + 0.6 * 14.5 / 3.0) / 4.0);
        close(&metrics[1], (12.0 + 0.3 * 14.5 / 3.0) / 4.0);
        close(&metrics[2], (7.0 - 0.3 * 14.5 / 3.0) / 4.0);
    }

    #[test]
    fn what_cannot_be_estimated_is_absent() {
        let one = metrics(&[score(0, 0, "model", 2, 1.0)], &["rgb"], 1);
        assert_eq!((one[0].value, one[0].low), (Some(0.5), None));
        let bad = metrics(&[score(0, 0, "model", 2, f64::NAN), score(1, 0, "model", 2, 1.0)], &["rgb"], 1);
        assert_eq!((bad[0].value, bad[0].n), (None, 0));
    }
}
