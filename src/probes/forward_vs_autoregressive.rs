//! Caption cross-entropy in one forward pass against position by position.
//!
//! ```text
//! one pass         input -> all positions of the target at once
//! autoregressive   input + the argmax at positions 0..t -> position t, for every t
//! ```
//! The argmax is fed back, the true id is scored (teacher forcing would show the answer). Logits are
//! restricted to the target's vocabulary. Row 0 of the first clips of the test split by stem.

use super::packing::{self, finite, Sample};
use super::{index, Subject, Watch};
use crate::batch::Batch;
use crate::batch::SampleMask;
use crate::data::{Part, Split};
use crate::fault::Result;
use crate::masking;
use crate::model::network::{Network, Scope};
use crate::record::examples::ForwardVsAutoregressive;

/// Scores of the first `clips` (0: all) test clips.
pub fn measure(
    s: &Subject,
    input: &str,
    target: &str,
    clips: usize,
    watch: &mut dyn Watch,
) -> Result<Vec<ForwardVsAutoregressive>> {
    let (input, target) = (index(s.experiment, input)?, index(s.experiment, target)?);
    let split = s.data.split(Part::Test);
    let n = if clips == 0 { split.len() } else { clips.min(split.len()) };
    let whole = masking::direction(&s.experiment.modalities, &[input], &[target]);
    let length = s.experiment.modalities[target].length;
    let mut rows: Vec<ForwardVsAutoregressive> = Vec::with_capacity(n);
    let samples = (0..n).map(|clip| Sample::new(clip, split.sample(clip, 0), whole.clone()));
    packing::score(s.net, Scope::Restricted, samples, n, watch, |clip, sums| {
        rows.push(ForwardVsAutoregressive {
            clip: split.stem(clip).into(),
            tokens: length as u64,
            single_ce_nats: sums[target].ce_nats,
            autoregressive_ce_nats: 0.0,
        });
    })?;
    let mut walk = Walk { split, target, whole, said: vec![vec![0; length]; n] };
    for t in 0..length {
        let scores = walk.step(s, t)?;
        rows.iter_mut().zip(scores).for_each(|(row, ce)| row.autoregressive_ce_nats += ce);
        watch.progress((t + 1) * n, length * n)?;
    }
    Ok(rows)
}

/// What has been said so far for every clip.
struct Walk<'a> {
    split: &'a Split,
    target: usize,
    whole: SampleMask,
    said: Vec<Vec<u32>>,
}

impl Walk<'_> {
    /// Says position `t` of every clip; cross-entropy of its true id, nats.
    fn step(&mut self, s: &Subject, t: usize) -> Result<Vec<f64>> {
        let mut mask = self.whole.clone();
        mask.input[self.target] = (0..t as u32).collect();
        mask.target[self.target] = vec![t as u32];
        let samples = self.said.iter().enumerate().map(|(clip, said)| {
            let targets = self.split.sample(clip, 0);
            let mut inputs = targets.clone();
            inputs[self.target] = said;
            Sample { key: clip, inputs, targets, mask: mask.clone() }
        });
        let mut scores = Vec::with_capacity(self.said.len());
        // One target per sample: one score per sample.
        let measure = |net: &dyn Network, batch: &Batch, _: &[usize]| net.score(batch, Scope::Restricted);
        let keep = |_, score| scores.push(score);
        packing::batches(s.net, samples, (0, self.said.len()), &mut Quiet, measure, keep)?;
        for (said, score) in self.said.iter_mut().zip(&scores) {
            said[t] = score.argmax;
        }
        scores.iter().map(|score| finite(score.ce).map(f64::from)).collect()
    }
}

/// A position is one step of many: the walk itself tells how far it is.
struct Quiet;

impl Watch for Quiet {
    fn progress(&mut self, _done: usize, _total: usize) -> Result<()> {
        Ok(())
    }

    fn note(&mut self, _message: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::testing::{self, Silent};

    /// Clip by clip, position by position, without packing.
    #[test]
    fn as_by_hand() {
        let bench = testing::bench(4, true);
        let rows = measure(&bench.subject(), "a@8", "scene_desc", 3, &mut Silent).unwrap();
        assert_eq!(rows.len(), 3);
        let split = bench.data.split(Part::Test);
        for (clip, row) in rows.iter().enumerate() {
            let truth = split.sample(clip, 0);
            let (mut said, mut sum) = (vec![0u32; 5], 0.0);
            for t in 0..5 {
                let mut inputs = truth.clone();
                inputs[2] = &said;
                let mask = SampleMask {
                    input: vec![(0..8).collect(), vec![], (0..t).collect()],
                    target: vec![vec![], vec![], vec![t]],
                };
                let mut batch = Batch::default();
                batch.push_sides(&inputs, &truth, &mask);
                let score = bench.net.score(&batch, Scope::Restricted).unwrap()[0];
                sum += f64::from(score.ce);
                said[t as usize] = score.argmax;
            }
            assert!((row.autoregressive_ce_nats - sum).abs() < 1e-4, "{row:?} {sum}");
            assert_eq!(row.tokens, 5);
        }
        assert!(rows.iter().any(|r| (r.single_ce_nats - r.autoregressive_ce_nats).abs() > 1e-3));
    }
}
