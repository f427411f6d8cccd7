//! Cross-entropy per modality under fixed masks, and its baselines on the very same targets.
//!
//! Mask k of test clip i is `masking::for_clip` with (seeds.probes, k, i); it is applied to row k mod K
//! of the clip. The masking is the training's unless the probe fixes one (see [`masked`]).

use super::baselines::{Baseline, Fitted};
use super::packing::{self, Sample};
use super::Watch;
use crate::data::Split;
use crate::fault::Result;
use crate::manifest::schema::{Experiment, Masking};
use crate::masking::{self, SampleMask};
use crate::modality::{Modality, Strategy};
use crate::model::network::{Network, Scope};
use crate::record::examples::{source, CrossEntropy};
use std::borrow::Cow;

/// What is scored: clips of a split under fixed masks.
pub struct Task<'a> {
    pub modalities: &'a [Modality],
    pub masking: &'a Masking,
    pub split: &'a Split,
    /// `seeds.probes`.
    pub seed: u64,
    /// Fixed masks per clip.
    pub masks: usize,
}

impl Task<'_> {
    /// Number of (clip, mask) pairs.
    pub fn len(&self) -> usize {
        self.split.len() * self.masks
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn mask(&self, clip: usize, mask: usize) -> SampleMask {
        masking::for_clip(self.modalities, self.masking, self.seed, mask as u64, clip as u64)
    }

    /// Tokens of the row that `mask` is applied to.
    fn sample(&self, clip: usize, mask: usize) -> Vec<&[u32]> {
        self.split.sample(clip, mask % self.split.rows(clip))
    }

    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.split.len()).flat_map(|clip| (0..self.masks).map(move |mask| (clip, mask)))
    }

    fn score(&self, pair: (usize, usize), modality: usize, source: &str) -> CrossEntropy {
        CrossEntropy {
            clip: self.split.stem(pair.0).into(),
            mask: pair.1 as u32,
            modality: self.modalities[modality].name.clone(),
            source: source.into(),
            tokens: 0,
            ce_nats: 0.0,
        }
    }
}

/// What masks are drawn from: the training's strategies and budgets, or the budgets `fixed` by the
/// probe at random positions of every modality.
pub fn masked<'a>(e: &'a Experiment, fixed: Option<&'a Masking>) -> (Cow<'a, [Modality]>, &'a Masking) {
    match fixed {
        None => (Cow::Borrowed(&e.modalities), &e.masking),
        Some(masking) => {
            let random = |m: &Modality| Modality { masking: Strategy::Random, ..m.clone() };
            (e.modalities.iter().map(random).collect(), masking)
        }
    }
}

/// Scores of `net`, named `source` (`model`, `untrained`).
pub fn network(
    net: &dyn Network,
    task: &Task,
    source: &str,
    watch: &mut dyn Watch,
) -> Result<Vec<CrossEntropy>> {
    let samples = task.pairs().map(|pair| Sample {
        key: pair,
        tokens: task.sample(pair.0, pair.1),
        mask: task.mask(pair.0, pair.1),
    });
    let mut scores = Vec::new();
    let scope = Scope::from(net.config().softmax);
    packing::score(net, scope, samples, (0, task.len()), watch, |&pair, sums| {
        for (m, s) in sums.iter().enumerate().filter(|(_, s)| s.tokens > 0) {
            let blank = task.score(pair, m, source);
            scores.push(CrossEntropy { tokens: s.tokens, ce_nats: s.ce_nats, ..blank });
        }
    })?;
    Ok(scores)
}

/// Scores of the trained network.
pub fn model(net: &dyn Network, task: &Task, watch: &mut dyn Watch) -> Result<Vec<CrossEntropy>> {
    network(net, task, source::MODEL, watch)
}

/// Scores of the fitted baselines on the same targets, in the order of [`Baseline::ALL`].
pub fn baselines(fitted: &[Fitted], task: &Task) -> Vec<CrossEntropy> {
    let mut scores = Vec::new();
    for baseline in Baseline::ALL {
        for pair in task.pairs() {
            let (mask, sample) = (task.mask(pair.0, pair.1), task.sample(pair.0, pair.1));
            for (m, positions) in mask.target.iter().enumerate() {
                if positions.is_empty() || !baseline.applies(&task.modalities[m]) {
                    continue;
                }
                let ce = |&p: &u32| fitted[m].ce(baseline, p, sample[m][p as usize]);
                let mut score = task.score(pair, m, baseline.source());
                score.tokens = positions.len() as u64;
                score.ce_nats = positions.iter().map(ce).sum();
                scores.push(score);
            }
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ClipData, Dataset, Part};
    use crate::device::Place;
    use crate::model::network::{Config, Kernels};
    use crate::probes::Silent;

    struct Ticks(Vec<(usize, usize)>);

    impl Watch for Ticks {
        fn progress(&mut self, done: usize, total: usize) -> Result<()> {
            self.0.push((done, total));
            Ok(())
        }

        fn note(&mut self, message: &str) {
            panic!("{message}");
        }
    }

    fn modalities() -> Vec<Modality> {
        ron::from_str(r#"[(name: "a@8", length: 8, vocab: 7), (name: "b@6", length: 6, vocab: 5)]"#).unwrap()
    }

    fn data(clips: usize) -> Dataset {
        let clip = |i: usize| ClipData {
            stem: format!("clip_{i:03}"),
            tokens: vec![
                (0..16).map(|p| ((i * 3 + p) % 7) as u32).collect(),
                (0..12).map(|p| (p % 5) as u32).collect(),
            ],
            ..ClipData::default()
        };
        Dataset::from_parts(
            &modalities(),
            [vec![clip(1000)], vec![clip(1001)], (0..clips).map(clip).collect()],
        )
        .unwrap()
    }

    fn masking() -> Masking {
        Masking { input_tokens: (2, 6), target_tokens: (2, 8), ..Masking::default() }
    }

    /// `to_logits` starts at zero, so an untrained network is uniform over the unified vocabulary.
    #[test]
    fn an_untrained_network_is_uniform_and_scores_the_baselines_targets() {
        let (modalities, data, masking) = (modalities(), data(500), masking());
        let task = Task {
            modalities: &modalities,
            masking: &masking,
            split: data.split(Part::Test),
            seed: 1,
            masks: 2,
        };
        let model: crate::manifest::schema::Model =
            ron::from_str("(dim: 16, head_dim: 8, enc_depth: 1, dec_depth: 1)").unwrap();
        let net =
            crate::model::open(Place::Cpu, Kernels::Fused, Config::new(&modalities, &model), 1).unwrap();
        let mut ticks = Ticks(Vec::new());
        let scores = super::model(net.as_ref(), &task, &mut ticks).unwrap();
        assert!(ticks.0.len() > 1, "all in one batch");
        assert_eq!(ticks.0.last(), Some(&(1000, 1000)));
        for s in &scores {
            assert!((s.ce_nats / s.tokens as f64 - 7f64.ln()).abs() < 1e-5, "{s:?}");
        }
        let key = |s: &CrossEntropy| (s.clip.clone(), s.mask, s.modality.clone(), s.tokens);
        let all = baselines(&Fitted::all(&data), &task);
        for baseline in [Baseline::Uniform, Baseline::Unigram, Baseline::Position] {
            let own = all.iter().filter(|s| s.source == baseline.source()).map(key);
            assert!(own.eq(scores.iter().map(key)), "{baseline:?}");
        }
        assert!(all.iter().all(|s| s.source != source::CODEBOOK));
    }

    /// Two trainings that mask differently are scored on the same tokens.
    #[test]
    fn a_fixed_masking_gives_the_same_targets_whatever_the_training() {
        let experiment = |masking: &str, budgets: &str| -> Experiment {
            ron::from_str(&format!(
                "(schema: 1, name: \"x\", data: (), modalities: [(name: \"a@8\", length: 8, vocab: 7, masking: {masking}), \
                 (name: \"b@6\", length: 6, vocab: 5)], masking: {budgets})"
            ))
            .unwrap()
        };
        let random = experiment("Random", "(input_tokens: (2, 3))");
        let span = experiment("Span(stride: 2)", "(input_tokens: (4, 8))");
        let fixed = masking();
        let masks = |e: &Experiment, fixed: Option<&Masking>| -> Vec<SampleMask> {
            let (modalities, masking) = masked(e, fixed);
            (0..20).map(|clip| masking::for_clip(&modalities, masking, 1, 0, clip)).collect()
        };
        assert_eq!(masks(&random, Some(&fixed)), masks(&span, Some(&fixed)));
        assert_ne!(masks(&random, None), masks(&span, None));
        let own: Vec<SampleMask> =
            (0..20).map(|c| masking::for_clip(&span.modalities, &span.masking, 1, 0, c)).collect();
        assert_eq!(masks(&span, None), own);
    }

    #[test]
    fn a_score_does_not_depend_on_its_neighbours_in_the_batch() {
        let (modalities, masking) = (modalities(), masking());
        let model: crate::manifest::schema::Model =
            ron::from_str("(dim: 16, head_dim: 8, enc_depth: 1, dec_depth: 1)").unwrap();
        let mut net =
            crate::model::open(Place::Cpu, Kernels::Fused, Config::new(&modalities, &model), 1).unwrap();
        let mut weights = net.parameters();
        for (i, w) in weights.iter_mut().enumerate() {
            w.values.iter_mut().enumerate().for_each(|(j, x)| *x += ((i * 31 + j * 7) % 13) as f32 * 0.01);
        }
        net.load_parameters(weights).unwrap();
        let of = |clips: usize| {
            let data = data(clips);
            let task = Task {
                modalities: &modalities,
                masking: &masking,
                split: data.split(Part::Test),
                seed: 1,
                masks: 1,
            };
            super::model(net.as_ref(), &task, &mut Silent).unwrap()
        };
        let (few, many) = (of(3), of(40));
        for (a, b) in few.iter().zip(&many) {
            assert_eq!((&a.clip, a.tokens), (&b.clip, b.tokens));
            assert!((a.ce_nats - b.ce_nats).abs() < 1e-4, "{a:?} {b:?}");
        }
    }
}
