//! What is known of a dataset besides its tokens; this is what the cache keeps beside them.

use serde::{Deserialize, Serialize};

/// What is known of a clip besides its tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clip {
    /// File name without extension.
    pub stem: String,
    /// Class; empty when the dataset has none.
    pub label: String,
    /// Aligned rows (keyframes or augmentations), K.
    pub rows: usize,
    /// Caption of every row; empty when the dataset has none.
    pub captions: Vec<String>,
    /// Where the tokens of each modality start in the block, in tokens.
    pub(super) offsets: Vec<usize>,
}

/// Everything about a dataset but its tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Contents {
    /// Canonical content hash.
    pub hash: String,
    /// Clips of train, eval and test, each sorted by stem.
    pub parts: [Vec<Clip>; 3],
    /// Word list of each modality with a `Words` vocabulary.
    pub words: Vec<Option<Vec<String>>>,
}
