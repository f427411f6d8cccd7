//! Memorization: does the network continue a clip of the training split better than one it never saw?
//!
//! Input: the first 80 % of `modality` (the cut rounded down to whole frames of its codebooks) and the
//! whole of `given`; target: the last 20 %. Logits are restricted to the modality's vocabulary. Row 0 of
//! the first `clips` clips of both splits in the order of their stems (REFERENCE §5).

use super::evaluation::Evaluation;
use super::packing::{self, Sample};
use super::scores::Scores;
use super::workload::{limited, Workload};
use crate::batch::SampleMask;
use crate::data::Part;
use crate::fault::Result;
use crate::metrics;
use crate::metrics::memorization::MemorizationRow;
use crate::modality::Modality;
use crate::model::network::Softmax;
use crate::observer::ProbeObserver;

/// Scores of the first `clips` (0: all) training and test clips.
pub fn measure(
    evaluation: &Evaluation,
    modality: &str,
    given: &[String],
    clips: usize,
    observer: &mut dyn ProbeObserver,
) -> Result<Vec<MemorizationRow>> {
    let (target, given) = (evaluation.index(modality)?, evaluation.indices(given)?);
    let mask = mask(&evaluation.experiment.modalities, target, &given);
    let mut rows = Vec::new();
    for (part, name) in [(Part::Train, "train"), (Part::Test, "test")] {
        let split = evaluation.data.split(part);
        let n = if clips == 0 { split.len() } else { clips.min(split.len()) };
        let samples = (0..n).map(|clip| Sample::new(clip, split.sample(clip, 0), mask.clone()));
        packing::score(evaluation.net, Softmax::Restricted, samples, n, observer, |clip, sums| {
            rows.push(MemorizationRow {
                clip: split.stem(clip).into(),
                part: name.into(),
                tokens: sums[target].tokens,
                correct: sums[target].correct,
                ce_nats: sums[target].ce_nats,
            });
        })?;
    }
    Ok(rows)
}

fn mask(modalities: &[Modality], target: usize, given: &[usize]) -> SampleMask {
    let m = &modalities[target];
    let frame = m.codebooks.max(1);
    let cut = (m.length * 4 / 5) / frame * frame;
    let whole = |i: usize| (0..modalities[i].length as u32).collect::<Vec<_>>();
    let input = |i: usize| match i {
        i if i == target => (0..cut as u32).collect(),
        i if given.contains(&i) => whole(i),
        _ => vec![],
    };
    let last = |i: usize| if i == target { (cut as u32..m.length as u32).collect() } else { vec![] };
    let all = 0..modalities.len();
    SampleMask { input: all.clone().map(input).collect(), target: all.map(last).collect() }
}

/// Runs the probe.
pub(super) fn run(scores: &mut Scores, modality: &str, given: &[String], clips: usize) -> Result<()> {
    let evaluation = scores.evaluation;
    let rows = measure(&evaluation, modality, given, clips, &mut scores.observe("memorization"))?;
    scores.keep(&rows, metrics::memorization::metrics(&rows, scores.seed()))
}

/// Tokens of the pass it makes over clips of both parts.
pub(super) fn tokens(load: &Workload, modality: &str, given: &[String], clips: usize) -> Result<f64> {
    let both = limited(clips, load.split(Part::Train)) + limited(clips, load.split(Part::Test));
    Ok(both * (load.length(modality)? + load.lengths(given)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Silent;
    use crate::probes::testing;

    #[test]
    fn the_last_fifth_in_whole_frames() {
        let modalities: Vec<Modality> = ron::from_str(
            r#"[(name: "a@512", length: 512, vocab: 8, codebooks: 2), (name: "b", length: 3, vocab: 8), (name: "c", length: 4, vocab: 8)]"#,
        )
        .unwrap();
        let mask = mask(&modalities, 0, &[2]);
        assert_eq!(mask.input.iter().map(Vec::len).collect::<Vec<_>>(), [408, 0, 4]);
        assert_eq!(mask.target[0], (408..512).collect::<Vec<_>>());
        assert!(mask.target[1].is_empty() && mask.target[2].is_empty());
    }

    #[test]
    fn the_first_clips_of_both_splits() {
        let bench = testing::bench(5, true);
        let of = |clips| measure(&bench.evaluation(), "a@8", &["b@6".into()], clips, &mut Silent).unwrap();
        let names = |rows: &[MemorizationRow]| {
            rows.iter().map(|r| format!("{} {}", r.part, r.clip)).collect::<Vec<_>>()
        };
        assert_eq!(names(&of(2)), ["train clip_1000", "train clip_1001", "test clip_000", "test clip_001"]);
        assert_eq!(of(0).len(), 6 + 5);
        assert!(of(0).iter().all(|r| r.tokens == 2 && r.ce_nats > 0.0));
    }
}
