//! A row of `probes/cross_entropy.csv`: summed token cross-entropy per clip, mask, modality and source.

use serde::{Deserialize, Serialize};

/// One line of the file (written and read by [`super::examples`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Stem of the clip.
    pub clip: String,
    /// Number of the fixed mask, from 0.
    pub mask: u32,
    /// Name of the modality.
    pub modality: String,
    /// `model` or the name of a baseline (`uniform`, `unigram_marginal`, …).
    pub source: String,
    /// Target tokens.
    pub tokens: u64,
    /// Sum of their cross-entropies, nats.
    pub ce_nats: f64,
}
