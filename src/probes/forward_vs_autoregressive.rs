//! Caption cross-entropy in one forward pass against position by position.
//!
//! ```text
//! one pass         input -> all positions of the target at once
//! autoregressive   input + the argmax at positions 0..t -> position t, for every t
//! ```
//! The argmax is fed back, the true id is scored (teacher forcing would show the answer). Logits are
//! restricted to the target's vocabulary. Row 0 of the first clips of the test split by stem.

use super::evaluation::Evaluation;
use super::packing::{self, finite, Sample};
use super::scores::Scores;
use super::workload::{limited, Workload};
use crate::batch::Batch;
use crate::batch::SampleMask;
use crate::data::{Part, Split};
use crate::fault::Result;
use crate::masking;
use crate::metrics;
use crate::metrics::forward_vs_autoregressive::ForwardVsAutoregressiveRow;
use crate::model::network::{Inference, Softmax};
use crate::observer::{ProbeObserver, Silent};

/// Scores of the first `clips` (0: all) test clips.
pub fn measure(
    evaluation: &Evaluation,
    input: &str,
    target: &str,
    clips: usize,
    observer: &mut dyn ProbeObserver,
) -> Result<Vec<ForwardVsAutoregressiveRow>> {
    let (input, target) = (evaluation.index(input)?, evaluation.index(target)?);
    let split = evaluation.data.split(Part::Test);
    let n = if clips == 0 { split.len() } else { clips.min(split.len()) };
    let whole = masking::direction(&evaluation.experiment.modalities, &[input], &[target]);
    let length = evaluation.experiment.modalities[target].length;
    let mut rows: Vec<ForwardVsAutoregressiveRow> = Vec::with_capacity(n);
    let samples = (0..n).map(|clip| Sample::new(clip, split.sample(clip, 0), whole.clone()));
    packing::score(evaluation.net, Softmax::Restricted, samples, n, observer, |clip, sums| {
        rows.push(ForwardVsAutoregressiveRow {
            clip: split.stem(clip).into(),
            tokens: length as u64,
            single_ce_nats: sums[target].ce_nats,
            autoregressive_ce_nats: 0.0,
        });
    })?;
    let mut walk = Walk { split, target, whole, predicted: vec![vec![0; length]; n] };
    for t in 0..length {
        let scores = walk.step(evaluation, t)?;
        rows.iter_mut().zip(scores).for_each(|(row, ce)| row.autoregressive_ce_nats += ce);
        observer.progress((t + 1) * n, length * n)?;
    }
    Ok(rows)
}

/// Position after position, each given what was predicted before it.
struct Walk<'a> {
    split: &'a Split,
    target: usize,
    whole: SampleMask,
    /// The argmax at the positions so far, `[clip][length]`; 0 beyond them.
    predicted: Vec<Vec<u32>>,
}

impl Walk<'_> {
    /// Predicts position `t` of every clip; cross-entropy of its true id, nats.
    fn step(&mut self, evaluation: &Evaluation, t: usize) -> Result<Vec<f64>> {
        let mut mask = self.whole.clone();
        mask.input[self.target] = (0..t as u32).collect();
        mask.target[self.target] = vec![t as u32];
        let samples = self.predicted.iter().enumerate().map(|(clip, predicted)| {
            let targets = self.split.sample(clip, 0);
            let mut inputs = targets.clone();
            inputs[self.target] = predicted;
            Sample { key: clip, inputs, targets, mask: mask.clone() }
        });
        let mut scores = Vec::with_capacity(self.predicted.len());
        // One target per sample: one score per sample.
        let measure = |net: &dyn Inference, batch: &Batch, _: &[usize]| net.score(batch, Softmax::Restricted);
        let keep = |_, score| scores.push(score);
        // A position is one step of many: the walk itself tells how far it is.
        packing::batches(evaluation.net, samples, (0, self.predicted.len()), &mut Silent, measure, keep)?;
        for (predicted, score) in self.predicted.iter_mut().zip(&scores) {
            predicted[t] = score.argmax;
        }
        scores.iter().map(|score| finite(score.ce).map(f64::from)).collect()
    }
}

/// Runs the probe.
pub(super) fn run(scores: &mut Scores, input: &str, target: &str, clips: usize) -> Result<()> {
    let evaluation = scores.evaluation;
    let observer = &mut scores.observe("forward against autoregressive");
    let rows = measure(&evaluation, input, target, clips, observer)?;
    scores.keep(&rows, metrics::forward_vs_autoregressive::metrics(&rows, target, scores.seed()))
}

/// Tokens of the passes it makes: one pass, and one per position with half of the target known on average.
pub(super) fn tokens(load: &Workload, input: &str, target: &str, clips: usize) -> Result<f64> {
    let (input, target) = (load.length(input)?, load.length(target)?);
    Ok(limited(clips, load.split(Part::Test)) * (input + target + target * (input + target / 2.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::testing;

    /// Clip by clip, position by position, without packing.
    #[test]
    fn as_by_hand() {
        let bench = testing::bench(4, true);
        let rows = measure(&bench.evaluation(), "a@8", "scene_desc", 3, &mut Silent).unwrap();
        assert_eq!(rows.len(), 3);
        let split = bench.data.split(Part::Test);
        for (clip, row) in rows.iter().enumerate() {
            let truth = split.sample(clip, 0);
            let (mut predicted, mut sum) = (vec![0u32; 5], 0.0);
            for t in 0..5 {
                let mut inputs = truth.clone();
                inputs[2] = &predicted;
                let mask = SampleMask {
                    input: vec![(0..8).collect(), vec![], (0..t).collect()],
                    target: vec![vec![], vec![], vec![t]],
                };
                let mut batch = Batch::default();
                batch.push_sides(&inputs, &truth, &mask);
                let score = bench.net.score(&batch, Softmax::Restricted).unwrap()[0];
                sum += f64::from(score.ce);
                predicted[t as usize] = score.argmax;
            }
            assert!((row.autoregressive_ce_nats - sum).abs() < 1e-4, "{row:?} {sum}");
            assert_eq!(row.tokens, 5);
        }
        assert!(rows.iter().any(|r| (r.single_ce_nats - r.autoregressive_ce_nats).abs() > 1e-3));
    }
}
