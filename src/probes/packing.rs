//! Samples packed into batches of bounded size: what the passes hold does not grow with the split.

use crate::batch::{Batch, SampleMask};
use crate::fault::{Fault, Result};
use crate::model::network::{Inference, Softmax, TokenScore};
use crate::observer::ProbeObserver;
use rayon::prelude::*;

/// Input and target tokens of a batch; a single larger sample is a batch of its own.
const BUDGET: usize = 4096;

/// Batches measured side by side, where the device allows it: what one does on a single thread the
/// other fills. A constant, so that memory and progress do not depend on the machine.
const AT_ONCE: usize = 2;

/// One sample and what it is called.
pub struct Sample<'a, K> {
    pub key: K,
    /// All ids of every modality of the clip that is input, and of the one that is target.
    pub inputs: Vec<&'a [u32]>,
    pub targets: Vec<&'a [u32]>,
    pub mask: SampleMask,
}

impl<'a, K> Sample<'a, K> {
    /// Input and targets of one clip.
    pub fn new(key: K, tokens: Vec<&'a [u32]>, mask: SampleMask) -> Self {
        Sample { key, inputs: tokens.clone(), targets: tokens, mask }
    }
}

/// Samples packed together and what they are called.
struct Pack<K> {
    batch: Batch,
    keys: Vec<K>,
}

/// Measures samples in batches of at most [`BUDGET`] tokens: `measure(net, batch, keys)` gives one result
/// per sample, `each(key, result)` is given them in order. `observer` is told of the samples done, counted
/// from `from` of `total`.
pub fn batches<'a, K: Send + Sync, R: Send>(
    net: &dyn Inference,
    mut samples: impl Iterator<Item = Sample<'a, K>>,
    (from, total): (usize, usize),
    observer: &mut dyn ProbeObserver,
    measure: impl Fn(&dyn Inference, &Batch, &[K]) -> Result<Vec<R>> + Sync,
    mut each: impl FnMut(K, R),
) -> Result<()> {
    let (mut next, mut done) = (samples.next(), from);
    while next.is_some() {
        let packs: Vec<Pack<K>> = (0..AT_ONCE).map_while(|_| pack(&mut next, &mut samples)).collect();
        // All results before the first error: which one is told does not depend on who was faster.
        let results: Vec<Result<Vec<R>>> = match net.shared() {
            Some(net) => packs.par_iter().map(|p| measure(net, &p.batch, &p.keys)).collect(),
            None => packs.iter().map(|p| measure(net, &p.batch, &p.keys)).collect(),
        };
        for (pack, results) in packs.into_iter().zip(results) {
            let results = results?;
            debug_assert_eq!(pack.keys.len(), results.len(), "one result per sample");
            done += pack.keys.len();
            pack.keys.into_iter().zip(results).for_each(|(key, result)| each(key, result));
        }
        observer.progress(done, total)?;
    }
    Ok(())
}

/// `next` and what fits beside it; leaves the first sample that does not in `next`.
fn pack<'a, K>(
    next: &mut Option<Sample<'a, K>>,
    samples: &mut impl Iterator<Item = Sample<'a, K>>,
) -> Option<Pack<K>> {
    let mut pack = Pack { batch: Batch::default(), keys: Vec::new() };
    while let Some(sample) = next.take_if(|sample| pack.has_room_for(sample)) {
        pack.batch.push_sides(&sample.inputs, &sample.targets, &sample.mask);
        pack.keys.push(sample.key);
        *next = samples.next();
    }
    (!pack.keys.is_empty()).then_some(pack)
}

impl<K> Pack<K> {
    fn has_room_for(&self, sample: &Sample<K>) -> bool {
        let more: usize = sample.mask.input.iter().chain(&sample.mask.target).map(Vec::len).sum();
        self.keys.is_empty() || self.batch.enc.len() + self.batch.dec.len() + more <= BUDGET
    }
}

/// What a network makes of one modality's targets in one sample.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    /// Targets.
    pub tokens: u64,
    /// Targets whose argmax is right.
    pub correct: u64,
    /// Sum of their cross-entropies, nats.
    pub ce_nats: f64,
}

impl Sums {
    fn add(&mut self, truth: u32, score: &TokenScore) {
        self.tokens += 1;
        self.correct += u64::from(score.argmax == truth);
        self.ce_nats += f64::from(score.ce);
    }
}

/// Scores samples: `each(key, sums of every modality)`, in order.
///
/// # Errors
/// If the network's output is not a number.
pub fn score<'a, K: Send + Sync>(
    net: &dyn Inference,
    scope: Softmax,
    samples: impl Iterator<Item = Sample<'a, K>>,
    total: usize,
    observer: &mut dyn ProbeObserver,
    each: impl FnMut(K, Vec<Sums>),
) -> Result<()> {
    let modalities = net.config().modalities.len();
    let measure = |net: &dyn Inference, batch: &Batch, _: &[K]| {
        let scores = net.score(batch, scope)?;
        sums(batch, &batch.dec.ids, &scores, modalities)
    };
    batches(net, samples, (0, total), observer, measure, each)
}

/// Sums of every sample and modality of a batch; `truth` and `scores` are `[T_dec]`.
///
/// # Errors
/// If a score is not a number.
pub fn sums(
    batch: &Batch,
    truth: &[u32],
    scores: &[TokenScore],
    modalities: usize,
) -> Result<Vec<Vec<Sums>>> {
    let of = |span: &[usize]| {
        let mut sums = vec![Sums::default(); modalities];
        for t in span[0]..span[1] {
            finite(scores[t].ce)?;
            sums[batch.dec.modalities[t] as usize].add(truth[t], &scores[t]);
        }
        Ok(sums)
    };
    batch.dec.offsets.windows(2).map(of).collect()
}

/// Refuses what no rank or mean can be made of.
pub fn finite(x: f32) -> Result<f32> {
    if x.is_finite() {
        return Ok(x);
    }
    Err(Fault::failed("the network's output is not a number").found(x).expected("finite logits").help(
        "the weights hold a NaN or an infinity, or training diverged: measure an earlier checkpoint, or \
         train with a lower `train.lr`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::testing::{self, Ticks};

    /// Several packs, one sample larger than a pack, every sample once and in order, for any threads.
    #[test]
    fn packs_hold_every_sample_once_whatever_the_threads() {
        let ids = vec![1u32; BUDGET + 1];
        let sample = |key: usize| {
            let n = if key == 4 { BUDGET + 1 } else { BUDGET / 3 + key };
            let mask = SampleMask { input: vec![(0..n as u32).collect()], target: vec![vec![]] };
            Sample::new(key, vec![&ids[..n]], mask)
        };
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let bench = testing::bench(3, true);
                let (mut ticks, mut seen) = (Ticks::default(), Vec::new());
                let measure = |_: &dyn Inference, batch: &Batch, keys: &[usize]| {
                    assert!(batch.enc.len() <= BUDGET || keys.len() == 1);
                    Ok(batch.enc.offsets.windows(2).map(|w| (keys.len(), w[1] - w[0])).collect())
                };
                let each = |key: usize, found: (usize, usize)| seen.push((key, found));
                batches(bench.net.as_ref(), (0..11).map(sample), (5, 16), &mut ticks, measure, each).unwrap();
                (seen, ticks.0)
            })
        };
        let (seen, ticks) = run(1);
        assert!(seen.iter().map(|s| s.0).eq(0..11));
        assert!(seen.iter().all(|s| s.1 .1 == if s.0 == 4 { BUDGET + 1 } else { BUDGET / 3 + s.0 }));
        assert!(ticks.len() > 2 && ticks.last() == Some(&(16, 16)), "{ticks:?}");
        assert_eq!((run(2), run(4)), ((seen.clone(), ticks.clone()), (seen, ticks)));
    }

    #[test]
    fn the_first_error_in_order_is_told_and_nothing_is_a_fine_number() {
        let bench = testing::bench(3, true);
        let samples = |n: usize| {
            let ids: &[u32] = &[1; BUDGET];
            let mask = SampleMask { input: vec![(0..BUDGET as u32).collect()], target: vec![vec![]] };
            (0..n).map(move |key| Sample::new(key, vec![ids], mask.clone()))
        };
        let measure = |_: &dyn Inference, _: &Batch, keys: &[usize]| -> Result<Vec<()>> {
            // The first is the slower one.
            std::thread::sleep(std::time::Duration::from_millis(if keys[0] == 0 { 30 } else { 0 }));
            Err(Fault::failed(format!("sample {}", keys[0])))
        };
        let run =
            |n| batches(bench.net.as_ref(), samples(n), (0, n), &mut Ticks::default(), measure, |_, ()| ());
        assert_eq!(run(2).unwrap_err().what, "sample 0");
        assert!(run(0).is_ok());
    }
}
