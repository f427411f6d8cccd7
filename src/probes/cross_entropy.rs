//! Cross-entropy per modality under fixed masks, and its baselines on the very same targets.
//!
//! Mask k of test clip i is [`Masks::of_clip`] with (seeds.probes, k, i); it is applied to row k mod K
//! of the clip. The masking is the training's unless the probe fixes one (see [`masked`]). A direction gives
//! whole modalities instead (rows 0..min(masks, K)); its scores stand under `inputs->target` in the place of
//! the modality's name.
//!
//! ```text
//! model            the network on the clip's own input
//! untrained        the initial weights
//! shuffled_input   another clip's input under the same mask, this clip's targets
//! unconditional    each modality by itself: its own input, its own targets, nothing of the others
//! ```
//! An encoder needs an input: where `unconditional` leaves none, one token of another clip (the first
//! of the first other modality) stands in, which tells nothing about this one.

use super::baselines::{Baseline, Fitted};
use super::evaluation::Evaluation;
use super::packing::{self, Sample};
use super::scores::Scores;
use super::shuffled::derangement;
use super::workload::Workload;
use crate::batch::SampleMask;
use crate::data::{Part, Split};
use crate::fault::Result;
use crate::manifest::schema::{Direction, Experiment, Masking};
use crate::masking::{self, Masks};
use crate::metrics;
use crate::metrics::cross_entropy::CrossEntropyRow;
use crate::metrics::source;
use crate::modality::{Modality, Strategy};
use crate::model::network::Inference;
use crate::observer::ProbeObserver;
use std::borrow::Cow;

/// What is scored: clips of a split under fixed masks.
pub struct Task<'a> {
    modalities: Cow<'a, [Modality]>,
    masks: Masks,
    split: &'a Split,
    /// `seeds.probes`.
    seed: u64,
    /// Fixed masks per clip.
    per_clip: usize,
    directions: Vec<WholeModalities>,
}

/// A direction: its mask, and what each modality's scores are called.
struct WholeModalities {
    mask: SampleMask,
    names: Vec<String>,
}

/// One mask of one clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item {
    clip: usize,
    mask: usize,
    /// Number of the direction; `None` under the training masking.
    direction: Option<usize>,
}

impl<'a> Task<'a> {
    /// The test split under `masks` masks per clip, and under `directions`. The masks are the
    /// training's unless `fixed` (see [`masked`]).
    ///
    /// # Errors
    /// If a direction names a modality that is not there.
    pub fn new(
        evaluation: &Evaluation<'a>,
        masks: usize,
        fixed: Option<&'a Masking>,
        directions: &[Direction],
    ) -> Result<Task<'a>> {
        let e = evaluation.experiment;
        let (modalities, masking) = masked(e, fixed);
        let drawn = Masks::new(&modalities, masking)?;
        let whole = |d: &Direction| -> Result<WholeModalities> {
            let (inputs, targets) = (evaluation.indices(&d.inputs)?, evaluation.indices(&d.targets)?);
            let names = (0..e.modalities.len()).map(|m| evaluation.direction(&inputs, &[m])).collect();
            Ok(WholeModalities { mask: masking::direction(&e.modalities, &inputs, &targets), names })
        };
        Ok(Task {
            modalities,
            masks: drawn,
            split: evaluation.data.split(Part::Test),
            seed: e.seeds.probes,
            per_clip: masks,
            directions: directions.iter().map(whole).collect::<Result<_>>()?,
        })
    }

    /// Names of everything scored: modalities, then directions.
    pub fn names(&self) -> Vec<&str> {
        let modalities = self.modalities.iter().map(|m| m.name.as_str());
        let directed = self.directions.iter().flat_map(|d| {
            let targets = d.names.iter().zip(&d.mask.target).filter(|(_, t)| !t.is_empty());
            targets.map(|(name, _)| name.as_str())
        });
        modalities.chain(directed).collect()
    }

    fn mask(&self, item: Item) -> SampleMask {
        match item.direction {
            Some(d) => self.directions[d].mask.clone(),
            None => self.masks.of_clip(self.seed, item.mask as u64, item.clip as u64),
        }
    }

    /// Tokens of `clip` in the row that the item's mask is applied to.
    fn sample(&self, clip: usize, item: Item) -> Vec<&'a [u32]> {
        self.split.sample(clip, item.mask % self.split.rows(clip))
    }

    fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for direction in std::iter::once(None).chain((0..self.directions.len()).map(Some)) {
            for clip in 0..self.split.len() {
                let rows = if direction.is_some() { self.split.rows(clip) } else { usize::MAX };
                items.extend((0..self.per_clip.min(rows)).map(|mask| Item { clip, mask, direction }));
            }
        }
        items
    }

    fn score(&self, item: Item, modality: usize, source: &str) -> CrossEntropyRow {
        CrossEntropyRow {
            clip: self.split.stem(item.clip).into(),
            mask: item.mask as u32,
            modality: match item.direction {
                Some(d) => self.directions[d].names[modality].clone(),
                None => self.modalities[modality].name.clone(),
            },
            source: source.into(),
            tokens: 0,
            ce_nats: 0.0,
        }
    }

    /// Scores of samples made by `make`, in the order of the items.
    fn run(
        &self,
        net: &dyn Inference,
        source: &str,
        observer: &mut dyn ProbeObserver,
        make: impl Fn(Item) -> Vec<Sample<'a, Item>>,
    ) -> Result<Vec<CrossEntropyRow>> {
        let items = self.items();
        let total = items.iter().map(|&item| make(item).len()).sum();
        let all = items.iter().flat_map(|&item| make(item));
        let mut scores = Vec::new();
        let scope = net.config().softmax;
        packing::score(net, scope, all, total, observer, |item, sums| {
            for (m, s) in sums.iter().enumerate().filter(|(_, s)| s.tokens > 0) {
                let blank = self.score(item, m, source);
                scores.push(CrossEntropyRow { tokens: s.tokens, ce_nats: s.ce_nats, ..blank });
            }
        })?;
        Ok(scores)
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

/// Scores of `net` on each clip's own input, named `source` (`model`, `untrained`).
pub fn network(
    net: &dyn Inference,
    task: &Task,
    source: &str,
    observer: &mut dyn ProbeObserver,
) -> Result<Vec<CrossEntropyRow>> {
    task.run(net, source, observer, |item| {
        vec![Sample::new(item, task.sample(item.clip, item), task.mask(item))]
    })
}

/// Scores of `net` given another clip's input under the same mask; none for a single clip.
pub fn shuffled(
    net: &dyn Inference,
    task: &Task,
    observer: &mut dyn ProbeObserver,
) -> Result<Vec<CrossEntropyRow>> {
    let Some(others) = task.others() else { return Ok(vec![]) };
    task.run(net, source::SHUFFLED, observer, |item| {
        let inputs = task.sample(others[item.mask][item.clip], item);
        vec![Sample { key: item, inputs, targets: task.sample(item.clip, item), mask: task.mask(item) }]
    })
}

/// Scores of `net` without the other modalities, each modality with targets in a pass of its own;
/// none for a single clip.
pub fn unconditional(
    net: &dyn Inference,
    task: &Task,
    observer: &mut dyn ProbeObserver,
) -> Result<Vec<CrossEntropyRow>> {
    let Some(others) = task.others() else { return Ok(vec![]) };
    task.run(net, source::UNCONDITIONAL, observer, |item| {
        let (whole, own) = (task.mask(item), task.sample(item.clip, item));
        let alone = |side: &[Vec<u32>], m: usize| -> Vec<Vec<u32>> {
            side.iter().enumerate().map(|(i, p)| if i == m { p.clone() } else { vec![] }).collect()
        };
        let with_targets = (0..whole.target.len()).filter(|&m| !whole.target[m].is_empty());
        let sample = |m: usize| {
            let mut mask = SampleMask { input: alone(&whole.input, m), target: alone(&whole.target, m) };
            let mut inputs = own.clone();
            if mask.input[m].is_empty() {
                // The first other modality; of a single one, itself.
                let stand_in = usize::from(m == 0).min(mask.input.len() - 1);
                mask.input[stand_in] = vec![0];
                inputs = task.sample(others[item.mask][item.clip], item);
            }
            Sample { key: item, inputs, targets: own.clone(), mask }
        };
        with_targets.map(sample).collect()
    })
}

impl Task<'_> {
    /// For every mask another clip of every clip.
    fn others(&self) -> Option<Vec<Vec<usize>>> {
        (0..self.per_clip).map(|mask| derangement(self.split.len(), self.seed, mask as u64)).collect()
    }
}

/// Scores of the fitted baselines on the same targets, in the order of [`Baseline::ALL`].
pub fn baselines(fitted: &[Fitted], task: &Task) -> Vec<CrossEntropyRow> {
    let mut scores = Vec::new();
    for baseline in Baseline::ALL {
        for item in task.items() {
            let (mask, sample) = (task.mask(item), task.sample(item.clip, item));
            for (m, positions) in mask.target.iter().enumerate() {
                if positions.is_empty() || !baseline.applies(&task.modalities[m]) {
                    continue;
                }
                let ce = |&p: &u32| fitted[m].ce(baseline, p, sample[m][p as usize]);
                let mut score = task.score(item, m, baseline.source());
                score.tokens = positions.len() as u64;
                score.ce_nats = positions.iter().map(ce).sum();
                scores.push(score);
            }
        }
    }
    scores
}

/// Runs the probe: see [`Probe::CrossEntropy`](crate::manifest::schema::Probe::CrossEntropy).
pub(super) fn run(
    scores: &mut Scores,
    masks: usize,
    masking: Option<&Masking>,
    directions: &[Direction],
) -> Result<()> {
    let evaluation = scores.evaluation;
    let task = Task::new(&evaluation, masks, masking, directions)?;
    let mut rows = network(evaluation.net, &task, source::MODEL, &mut scores.observe("cross-entropy"))?;
    rows.extend(shuffled(evaluation.net, &task, &mut scores.observe("cross-entropy, shuffled input"))?);
    let observer = &mut scores.observe("cross-entropy, unconditional");
    rows.extend(unconditional(evaluation.net, &task, observer)?);
    let untrained = (scores.untrained)()?;
    let observer = &mut scores.observe("cross-entropy, untrained");
    rows.extend(network(untrained.as_ref(), &task, source::UNTRAINED, observer)?);
    rows.extend(baselines(&Fitted::all(evaluation.data), &task));
    let metrics = metrics::cross_entropy::metrics(&rows, &task.names(), scores.seed());
    scores.keep(&rows, metrics)
}

/// Tokens of the passes it makes: the model, shuffled input, without the others, the untrained network.
pub(super) fn tokens(
    load: &Workload,
    masks: usize,
    _masking: Option<&Masking>,
    directions: &[Direction],
) -> Result<f64> {
    Ok(4.0 * load.split(Part::Test) * masks as f64 * (load.masked + load.directions(directions)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Silent;
    use crate::probes::testing::{self, Ticks};

    const DIRECTION: &str = r#"[(inputs: ["a@8"], targets: ["b@6", "scene_desc"])]"#;

    fn directions() -> Vec<Direction> {
        ron::from_str(DIRECTION).unwrap()
    }

    /// `to_logits` starts at zero, so an untrained network is uniform over the unified vocabulary.
    #[test]
    fn an_untrained_network_is_uniform_and_scores_the_baselines_targets() {
        let bench = testing::bench(150, false);
        let task = Task::new(&bench.evaluation(), 2, None, &directions()).unwrap();
        let mut ticks = Ticks::default();
        let scores = network(bench.net.as_ref(), &task, source::MODEL, &mut ticks).unwrap();
        assert!(ticks.0.len() > 1, "all in one batch");
        assert_eq!(ticks.0.last(), Some(&(600, 600)));
        let vocab = bench.net.config().vocab() as f64;
        for s in &scores {
            assert!((s.ce_nats / s.tokens as f64 - vocab.ln()).abs() < 1e-5, "{s:?}");
        }
        let key = |s: &CrossEntropyRow| (s.clip.clone(), s.mask, s.modality.clone(), s.tokens);
        let all = baselines(&Fitted::all(&bench.data), &task);
        for baseline in [Baseline::Uniform, Baseline::Unigram, Baseline::Position] {
            let own = all.iter().filter(|s| s.source == baseline.source()).map(key);
            assert!(own.eq(scores.iter().map(key)), "{baseline:?}");
        }
        assert!(all.iter().all(|s| s.source != source::CODEBOOK));
        assert_eq!(task.names(), ["a@8", "b@6", "scene_desc", "a@8->b@6", "a@8->scene_desc"]);
    }

    #[test]
    fn controls_score_the_same_targets_with_other_inputs() {
        let bench = testing::bench(12, true);
        let task = Task::new(&bench.evaluation(), 2, None, &directions()).unwrap();
        let net = bench.net.as_ref();
        let key = |s: &CrossEntropyRow| (s.clip.clone(), s.mask, s.modality.clone(), s.tokens);
        let own = network(net, &task, source::MODEL, &mut Silent).unwrap();
        for other in
            [shuffled(net, &task, &mut Silent).unwrap(), unconditional(net, &task, &mut Silent).unwrap()]
        {
            assert!(other.iter().map(key).eq(own.iter().map(key)), "{}", other[0].source);
            assert!(other.iter().zip(&own).any(|(a, b)| a.ce_nats != b.ce_nats));
        }
    }

    /// What the others show changes nothing: the score of a modality by itself is the same in a
    /// dataset where all other modalities are different.
    #[test]
    fn unconditional_sees_nothing_of_the_other_modalities() {
        let (one, other) = (testing::bench_with(12, true, 0), testing::bench_with(12, true, 1));
        let of = |bench: &testing::Bench| {
            let task = Task::new(&bench.evaluation(), 2, None, &[]).unwrap();
            let mut rows = unconditional(bench.net.as_ref(), &task, &mut Silent).unwrap();
            // Without an own input a token of another clip's other modality stands in.
            rows.retain(|r| {
                let clip = r.clip[5..].parse::<usize>().unwrap();
                let item = Item { clip, mask: r.mask as usize, direction: None };
                r.modality == "b@6" && !task.mask(item).input[1].is_empty()
            });
            rows
        };
        let (a, b) = (of(&one), of(&other));
        assert!(a.len() > 5);
        for (a, b) in a.iter().zip(&b) {
            assert!((a.ce_nats - b.ce_nats).abs() < 1e-5, "{a:?} {b:?}");
        }
    }

    #[test]
    fn one_clip_has_no_partner() {
        let bench = testing::bench(1, true);
        let task = Task::new(&bench.evaluation(), 2, None, &[]).unwrap();
        assert_eq!(shuffled(bench.net.as_ref(), &task, &mut Silent).unwrap(), []);
        assert_eq!(unconditional(bench.net.as_ref(), &task, &mut Silent).unwrap(), []);
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
        let fixed: Masking = ron::from_str("(input_tokens: (2, 6), target_tokens: (2, 8))").unwrap();
        let masks = |e: &Experiment, fixed: Option<&Masking>| -> Vec<SampleMask> {
            let (modalities, masking) = masked(e, fixed);
            let masks = Masks::new(&modalities, masking).unwrap();
            (0..20).map(|clip| masks.of_clip(1, 0, clip)).collect()
        };
        assert_eq!(masks(&random, Some(&fixed)), masks(&span, Some(&fixed)));
        assert_ne!(masks(&random, None), masks(&span, None));
        let trained = Masks::new(&span.modalities, &span.masking).unwrap();
        let own: Vec<SampleMask> = (0..20).map(|clip| trained.of_clip(1, 0, clip)).collect();
        assert_eq!(masks(&span, None), own);
    }

    #[test]
    fn a_score_does_not_depend_on_its_neighbours_in_the_batch() {
        let of = |clips: usize| {
            let bench = testing::bench(clips, true);
            let task = Task::new(&bench.evaluation(), 1, None, &[]).unwrap();
            network(bench.net.as_ref(), &task, source::MODEL, &mut Silent).unwrap()
        };
        let (few, many) = (of(3), of(40));
        for (a, b) in few.iter().zip(&many) {
            assert_eq!((&a.clip, a.tokens), (&b.clip, b.tokens));
            assert!((a.ce_nats - b.ce_nats).abs() < 1e-4, "{a:?} {b:?}");
        }
    }
}
