//! Directions: whole modalities from other whole modalities in one forward pass.
//!
//! Row 0 of every test clip; logits restricted to the target's own vocabulary; accuracy is that of the
//! argmax (the lowest id wins ties), the published "token accuracy". Beside the model: another clip's
//! input, the untrained network, and the fitted marginals on the same targets (their best id).

use super::baselines::{Baseline, Fitted};
use super::evaluation::Evaluation;
use super::packing::{self, Sample, Sums};
use super::scores::Scores;
use super::shuffled::derangement;
use super::workload::Workload;
use crate::batch::SampleMask;
use crate::batch::{Batch, Packed};
use crate::data::{Part, Split};
use crate::fault::Result;
use crate::manifest::schema;
use crate::masking;
use crate::metrics;
use crate::metrics::directions::DirectionRow;
use crate::metrics::source;
use crate::model::network::{Inference, Softmax};
use crate::observer::ProbeObserver;

/// Scores of every clip, direction and source.
pub fn measure(
    evaluation: &Evaluation,
    untrained: &dyn Inference,
    directions: &[schema::Direction],
    observer: &mut dyn ProbeObserver,
) -> Result<Vec<DirectionRow>> {
    let mut rows = Vec::new();
    let fitted = Fitted::all(evaluation.data);
    for d in directions {
        let (inputs, targets) = (evaluation.indices(&d.inputs)?, evaluation.indices(&d.targets)?);
        let task = Task {
            split: evaluation.data.split(Part::Test),
            names: evaluation.experiment.modalities.iter().map(|m| m.name.as_str()).collect(),
            name: evaluation.direction(&inputs, &targets),
            mask: masking::direction(&evaluation.experiment.modalities, &inputs, &targets),
            targets,
        };
        match derangement(task.split.len(), evaluation.experiment.seeds.probes, 0) {
            Some(other) => rows.extend(task.own_and_shuffled(evaluation.net, &other, observer)?),
            None => {
                observer.note("one clip has no other whose input could be given");
                rows.extend(task.network(evaluation.net, source::MODEL, observer)?);
            }
        }
        rows.extend(task.network(untrained, source::UNTRAINED, observer)?);
        rows.extend(task.fitted(&fitted, &evaluation.experiment.modalities));
    }
    Ok(rows)
}

/// One direction on one split.
struct Task<'a> {
    split: &'a Split,
    names: Vec<&'a str>,
    name: String,
    mask: SampleMask,
    targets: Vec<usize>,
}

impl Task<'_> {
    fn row(&self, clip: usize, modality: usize, source: &str, sums: &Sums) -> DirectionRow {
        DirectionRow {
            clip: self.split.stem(clip).into(),
            direction: self.name.clone(),
            modality: self.names[modality].into(),
            source: source.into(),
            tokens: sums.tokens,
            correct: sums.correct,
            ce_nats: sums.ce_nats,
        }
    }

    fn samples(&self) -> impl Iterator<Item = Sample<'_, usize>> {
        (0..self.split.len()).map(|clip| Sample::new(clip, self.split.sample(clip, 0), self.mask.clone()))
    }

    fn network(
        &self,
        net: &dyn Inference,
        source: &str,
        observer: &mut dyn ProbeObserver,
    ) -> Result<Vec<DirectionRow>> {
        let mut rows = Vec::new();
        let samples = self.samples();
        packing::score(net, Softmax::Restricted, samples, self.split.len(), observer, |clip, sums| {
            rows.extend(self.rows(clip, source, &sums));
        })?;
        Ok(rows)
    }

    /// The model's rows, then those with the input of clip `other[i]` in the place of clip i's: a
    /// network's output does not depend on the truth, so one pass is scored against both.
    fn own_and_shuffled(
        &self,
        net: &dyn Inference,
        other: &[usize],
        observer: &mut dyn ProbeObserver,
    ) -> Result<Vec<DirectionRow>> {
        let mut scored_on = vec![0; other.len()];
        other.iter().enumerate().for_each(|(clip, &input)| scored_on[input] = clip);
        let (modalities, n) = (self.names.len(), self.split.len());
        let (mut own, mut shuffled) = (Vec::new(), vec![Vec::new(); n]);
        let measure = |net: &dyn Inference, batch: &Batch, inputs: &[usize]| {
            let truth = self.truth(&batch.dec, inputs.iter().map(|&input| scored_on[input]));
            let scores = net.score_against(batch, Softmax::Restricted, &[&batch.dec.ids, &truth])?;
            let own = packing::sums(batch, &batch.dec.ids, &scores[0], modalities)?;
            let shuffled = packing::sums(batch, &truth, &scores[1], modalities)?;
            Ok(own.into_iter().zip(shuffled).collect())
        };
        packing::batches(net, self.samples(), (0, n), observer, measure, |clip, (sums, of_other)| {
            own.extend(self.rows(clip, source::MODEL, &sums));
            shuffled[scored_on[clip]] = self.rows(scored_on[clip], source::SHUFFLED, &of_other);
        })?;
        own.extend(shuffled.into_iter().flatten());
        Ok(own)
    }

    /// The ids that `clips` have at the targets of the samples of `dec`.
    fn truth(&self, dec: &Packed, clips: impl Iterator<Item = usize>) -> Vec<u32> {
        let mut ids = Vec::with_capacity(dec.len());
        for (clip, span) in clips.zip(dec.offsets.windows(2)) {
            let tokens = self.split.sample(clip, 0);
            let id = |t: usize| tokens[dec.modalities[t] as usize][dec.positions[t] as usize];
            ids.extend((span[0]..span[1]).map(id));
        }
        ids
    }

    fn rows(&self, clip: usize, source: &str, sums: &[Sums]) -> Vec<DirectionRow> {
        self.targets.iter().map(|&m| self.row(clip, m, source, &sums[m])).collect()
    }

    fn fitted(&self, fitted: &[Fitted], modalities: &[crate::modality::Modality]) -> Vec<DirectionRow> {
        let mut rows = Vec::new();
        for &m in &self.targets {
            for baseline in Baseline::ALL.into_iter().filter(|b| b.applies(&modalities[m])) {
                if baseline == Baseline::Uniform {
                    continue; // it has no best id; tables compute its expectation
                }
                let best: Vec<u32> =
                    (0..modalities[m].length as u32).map(|p| fitted[m].best(baseline, p)).collect();
                for clip in 0..self.split.len() {
                    let ids = self.split.tokens(clip, m, 0);
                    let each = ids.iter().zip(0u32..);
                    let sums = Sums {
                        tokens: ids.len() as u64,
                        correct: ids.iter().zip(&best).filter(|(a, b)| a == b).count() as u64,
                        ce_nats: each.map(|(&id, p)| fitted[m].ce(baseline, p, id)).sum(),
                    };
                    rows.push(self.row(clip, m, baseline.source(), &sums));
                }
            }
        }
        rows
    }
}

/// Runs the probe.
pub(super) fn run(scores: &mut Scores, directions: &[schema::Direction]) -> Result<()> {
    let (evaluation, untrained) = (scores.evaluation, (scores.untrained)()?);
    let rows = measure(&evaluation, untrained.as_ref(), directions, &mut scores.observe("directions"))?;
    scores.keep(&rows, metrics::directions::metrics(&rows, scores.seed()))
}

/// Tokens of the passes it makes: the model and the untrained network.
pub(super) fn tokens(load: &Workload, directions: &[schema::Direction]) -> Result<f64> {
    Ok(2.0 * load.split(Part::Test) * load.directions(directions)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Silent;
    use crate::probes::testing;
    use std::collections::BTreeMap;

    fn directions() -> Vec<schema::Direction> {
        ron::from_str(r#"[(inputs: ["scene_desc", "a@8"], targets: ["b@6"])]"#).unwrap()
    }

    #[test]
    fn every_source_scores_every_clip() {
        let (bench, plain) = (testing::bench(9, true), testing::bench(9, false));
        let rows = measure(&bench.evaluation(), plain.net.as_ref(), &directions(), &mut Silent).unwrap();
        let mut tokens: BTreeMap<&str, u64> = BTreeMap::new();
        for r in &rows {
            assert_eq!((r.direction.as_str(), r.modality.as_str()), ("a@8+scene_desc->b@6", "b@6"));
            *tokens.entry(&r.source).or_default() += r.tokens;
        }
        let sources = ["model", "position_marginal", "shuffled_input", "unigram_marginal", "untrained"];
        assert!(tokens.keys().copied().eq(sources), "{tokens:?}");
        assert!(tokens.values().all(|&t| t == 9 * 6));
        // All ids of the untrained network are equal: the lowest wins, at ln 5 among its own five.
        let untrained = rows.iter().find(|r| r.source == "untrained").unwrap();
        assert!((untrained.ce_nats - 6.0 * 5f64.ln()).abs() < 1e-4);
        // Tokens of b are (clip + position) mod 5.
        assert_eq!(untrained.correct, 2);
    }

    /// The pass that is scored twice gives what a pass with the partner's input gives.
    #[test]
    fn a_shuffled_row_is_the_partners_input_against_the_clips_own_truth() {
        let bench = testing::bench(9, true);
        let rows = measure(&bench.evaluation(), bench.net.as_ref(), &directions(), &mut Silent).unwrap();
        let split = bench.data.split(Part::Test);
        let other = derangement(9, bench.experiment.seeds.probes, 0).unwrap();
        assert_ne!((0..9).map(|i| other[other[i]]).collect::<Vec<_>>(), (0..9).collect::<Vec<_>>());
        let mask = masking::direction(&bench.experiment.modalities, &[0, 2], &[1]);
        let shuffled: Vec<&DirectionRow> = rows.iter().filter(|r| r.source == source::SHUFFLED).collect();
        assert_eq!(shuffled.len(), 9);
        for (clip, row) in shuffled.into_iter().enumerate() {
            let mut batch = Batch::default();
            batch.push_sides(&split.sample(other[clip], 0), &split.sample(clip, 0), &mask);
            let scores = bench.net.score(&batch, Softmax::Restricted).unwrap();
            let ce: f64 = scores.iter().map(|s| f64::from(s.ce)).sum();
            let right = scores.iter().zip(&batch.dec.ids).filter(|(s, id)| s.argmax == **id).count();
            assert_eq!((row.clip.as_str(), row.correct), (split.stem(clip), right as u64));
            assert!((row.ce_nats - ce).abs() < 1e-4, "{row:?} {ce}");
        }
    }

    #[test]
    fn a_network_of_nan_is_a_fault() {
        let bench = testing::broken();
        let fault = measure(&bench.evaluation(), bench.net.as_ref(), &directions(), &mut Silent).unwrap_err();
        assert_eq!(fault.what, "the network's output is not a number");
    }
}
