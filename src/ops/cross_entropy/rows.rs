//! The rows of a cross-entropy, and the chunks in which their logits are made.

use crate::ops::backend::chunk_rows;

/// The rows of a cross-entropy: true ids, weights in the loss, and the number of competing ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossRows {
    pub targets: Vec<u32>,
    pub weights: Vec<f32>,
    pub limits: Vec<u32>,
}

impl LossRows {
    /// Row numbers in chunks, each with the number of ids that compete.
    pub fn chunks(&self, vocab: usize) -> Vec<(usize, Vec<usize>)> {
        chunks(&self.limits, vocab)
    }
}

/// Row numbers with the same limit together, limits ascending, each group in chunks of
/// [`chunk_rows`] rows.
pub fn chunks(limits: &[u32], vocab: usize) -> Vec<(usize, Vec<usize>)> {
    chunks_of(limits, chunk_rows(vocab))
}

/// The same, in chunks of `size` rows.
pub fn chunks_of(limits: &[u32], size: usize) -> Vec<(usize, Vec<usize>)> {
    let mut distinct = limits.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let mut all = Vec::new();
    for limit in distinct {
        let rows: Vec<usize> = (0..limits.len()).filter(|&r| limits[r] == limit).collect();
        all.extend(rows.chunks(size).map(|c| (limit as usize, c.to_vec())));
    }
    all
}
