//! Memory of a card, in bytes: what there is, what this process has held of it, what our kernels set aside.

use serde::Serialize;
use std::fmt;

/// Buffer that cuBLAS is given once: what NVIDIA recommends for its newest cards; more changes nothing.
pub const WORKSPACE: usize = 32 << 20;

/// Share of a card's memory that the logits of a chunk of rows may take up.
const LOGITS: usize = 32;

/// Rows whose logits are held at a time: a function of the card and the vocabulary alone, not of what is free, so that
/// sums over chunks have a fixed shape.
pub fn logit_rows(total: usize, vocab: usize) -> usize {
    (total / LOGITS / 4 / vocab.max(1) / 8 * 8).clamp(8, 1 << 15)
}

/// A card's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CardMemory {
    /// For this process: also what it has taken from the driver and does not use.
    pub free: usize,
    pub total: usize,
}

/// The most that this process has held on a card at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// By tensors and buffers.
    pub used: usize,
    /// Taken from the driver.
    pub reserved: usize,
}

fn gigabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e9
}

impl fmt::Display for CardMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} of {:.1} GB free", gigabytes(self.free), gigabytes(self.total))
    }
}

impl fmt::Display for Peak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} GB, {:.3} GB taken from the driver", gigabytes(self.used), gigabytes(self.reserved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_chunk_are_of_the_card_and_the_vocabulary() {
        // 80 GB / 32 / (4 · 50304) = 12424.8…, in eights.
        assert_eq!(logit_rows(80_000_000_000, 50_304), 12_424);
        assert_eq!((logit_rows(0, 50_304), logit_rows(usize::MAX, 1)), (8, 1 << 15));
    }
}
