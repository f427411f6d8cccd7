//! Samples packed into batches of bounded size: what one forward pass holds does not grow with the split.

use super::Watch;
use crate::fault::{Fault, Result};
use crate::masking::SampleMask;
use crate::model::batch::Batch;
use crate::model::network::{Network, Scope, TokenScore};

/// Input and target tokens of a batch; a single larger sample is a batch of its own.
pub const BUDGET: usize = 8192;

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

/// Calls `visit` with batches of at most [`BUDGET`] tokens and the keys of their samples, in order;
/// `watch` hears of the samples done after each, counted from `from` of `total`.
pub fn batches<'a, K>(
    samples: impl Iterator<Item = Sample<'a, K>>,
    (from, total): (usize, usize),
    watch: &mut dyn Watch,
    mut visit: impl FnMut(&Batch, &[K]) -> Result<()>,
) -> Result<()> {
    let (mut batch, mut keys, mut done) = (Batch::default(), Vec::new(), from);
    let mut flush = |batch: &mut Batch, keys: &mut Vec<K>| -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        visit(batch, keys)?;
        done += keys.len();
        (*batch, *keys) = (Batch::default(), Vec::new());
        watch.progress(done, total)
    };
    for sample in samples {
        let more: usize = sample.mask.input.iter().chain(&sample.mask.target).map(Vec::len).sum();
        if batch.enc.len() + batch.dec.len() + more > BUDGET {
            flush(&mut batch, &mut keys)?;
        }
        batch.push_sides(&sample.inputs, &sample.targets, &sample.mask);
        keys.push(sample.key);
    }
    flush(&mut batch, &mut keys)
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
pub fn score<'a, K>(
    net: &dyn Network,
    scope: Scope,
    samples: impl Iterator<Item = Sample<'a, K>>,
    total: usize,
    watch: &mut dyn Watch,
    mut each: impl FnMut(&K, Vec<Sums>),
) -> Result<()> {
    let modalities = net.config().modalities.len();
    batches(samples, (0, total), watch, |batch, keys| {
        let scores = net.score(batch, scope)?;
        for (b, key) in keys.iter().enumerate() {
            let mut sums = vec![Sums::default(); modalities];
            for t in batch.dec.offsets[b]..batch.dec.offsets[b + 1] {
                finite(scores[t].ce)?;
                sums[batch.dec.modalities[t] as usize].add(batch.dec.ids[t], &scores[t]);
            }
            each(key, sums);
        }
        Ok(())
    })
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
