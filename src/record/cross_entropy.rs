//! From the scores of `probes/cross_entropy.csv` to the metrics of a record.
//!
//! The unit is the clip: its masks are summed, clips are resampled (BCa bootstrap, 95 %), and the gain
//! over the unigram marginal is paired on the same clips.

use super::examples::{source, CrossEntropy, Example};
use super::{Direction, Metric};
use crate::stats::bootstrap::{difference_interval, mean_interval, Bootstrap};
use crate::stats::{Estimable, Estimate};
use std::collections::BTreeMap;

/// How the intervals are made, as records and tables say it.
pub const INTERVAL: &str = "BCa bootstrap over clips, 95 %";

/// Sums of one modality and source: clip → (nats, tokens).
type Clips<'a> = BTreeMap<&'a str, (f64, f64)>;

/// For each modality (in the given order): `cross_entropy` of the model, `cross_entropy.<source>` of
/// every other source in order of appearance, and `cross_entropy.gain` = unigram marginal − model.
pub fn metrics(scores: &[CrossEntropy], modalities: &[&str], seed: u64) -> Vec<Metric> {
    let plan = Bootstrap { seed, ..Bootstrap::default() };
    let mut metrics = Vec::new();
    for &modality in modalities {
        let sources = by_source(scores, modality);
        for (name, clips) in &sources {
            let full =
                if *name == source::MODEL { "cross_entropy".into() } else { format!("cross_entropy.{name}") };
            let values: Vec<(f64, f64)> = clips.values().copied().collect();
            metrics.push(metric(&full, modality, mean_interval(&values, &plan), Direction::Lower));
        }
        let of = |name: &str| sources.iter().find(|(n, _)| *n == name).map(|(_, clips)| clips);
        if let (Some(marginal), Some(model)) = (of(source::UNIGRAM), of(source::MODEL)) {
            let (a, b) = paired(marginal, model);
            metrics.push(metric(
                "cross_entropy.gain",
                modality,
                difference_interval(&a, &b, &plan),
                Direction::Higher,
            ));
        }
    }
    metrics
}

fn metric(name: &str, modality: &str, estimate: Estimable<Estimate>, direction: Direction) -> Metric {
    let (value, n, interval) = match &estimate {
        Ok(e) => (Some(e.value), e.n, e.interval.ok().map(|i| (i.low, i.high))),
        Err(_) => (None, 0, None),
    };
    Metric::new(name, Some(modality), value, n, "nats/token", direction)
        .with_interval(interval, INTERVAL)
        .with_file(CrossEntropy::FILE)
}

/// The model first, then the others in order of appearance.
fn by_source<'a>(scores: &'a [CrossEntropy], modality: &str) -> Vec<(&'a str, Clips<'a>)> {
    let mut sources: Vec<(&str, Clips)> = Vec::new();
    for s in scores.iter().filter(|s| s.modality == modality) {
        let at = sources.iter().position(|(name, _)| *name == s.source).unwrap_or_else(|| {
            sources.push((&s.source, Clips::new()));
            sources.len() - 1
        });
        let sum = sources[at].1.entry(&s.clip).or_default();
        *sum = (sum.0 + s.ce_nats, sum.1 + s.tokens as f64);
    }
    sources.sort_by_key(|(name, _)| *name != source::MODEL);
    sources
}

/// (sum, weight) of each clip.
type Weighted = Vec<(f64, f64)>;

fn paired(a: &Clips, b: &Clips) -> (Weighted, Weighted) {
    a.iter().filter_map(|(clip, &x)| b.get(clip).map(|&y| (x, y))).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(clip: usize, mask: u32, source: &str, tokens: u64, ce_nats: f64) -> CrossEntropy {
        let (clip, source) = (format!("c{clip}"), source.into());
        CrossEntropy { clip, mask, modality: "rgb".into(), source, tokens, ce_nats }
    }

    #[test]
    fn token_weighted_means_over_clips() {
        let mut scores = Vec::new();
        for clip in 0..10 {
            let x = clip as f64;
            scores.push(score(clip, 0, "unigram_marginal", 1, 3.0 + 0.1 * x));
            scores.push(score(clip, 0, "model", 1, 2.0 + 0.1 * x));
            scores.push(score(clip, 1, "model", 3, 3.0 + 0.5 * x));
            scores.push(score(clip, 1, "unigram_marginal", 3, 9.0 + 0.2 * x));
        }
        let metrics = metrics(&scores, &["rgb", "audio"], 1);
        let names: Vec<&str> = metrics.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["cross_entropy", "cross_entropy.unigram_marginal", "cross_entropy.gain"]);
        let close = |m: &Metric, value: f64| {
            assert!((m.value.unwrap() - value).abs() < 1e-12, "{m:?}");
            assert!(m.low.unwrap() < value && value < m.high.unwrap(), "{m:?}");
            assert_eq!(m.n, 10);
        };
        close(&metrics[0], (5.0 + 0.6 * 4.5) / 4.0);
        close(&metrics[1], (12.0 + 0.3 * 4.5) / 4.0);
        close(&metrics[2], (7.0 - 0.3 * 4.5) / 4.0);
    }

    #[test]
    fn what_cannot_be_estimated_is_absent() {
        let one = metrics(&[score(0, 0, "model", 2, 1.0)], &["rgb"], 1);
        assert_eq!((one[0].value, one[0].low), (Some(0.5), None));
        let bad = metrics(&[score(0, 0, "model", 2, f64::NAN), score(1, 0, "model", 2, 1.0)], &["rgb"], 1);
        assert_eq!((bad[0].value, bad[0].n), (None, 0));
    }
}
