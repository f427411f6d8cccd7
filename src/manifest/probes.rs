//! The probes a manifest can ask for, and their defaults.

use super::decode::Decode;
use super::masking::{Direction, Masking};
use serde::{Deserialize, Serialize};

/// A measurement after training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Probe {
    /// Cross-entropy per modality on the test split.
    CrossEntropy {
        /// Fixed masks per clip under the training masking.
        #[serde(default = "two")]
        masks: usize,
        /// Budgets at random positions, the same for every training; absent: the training masking.
        #[serde(default)]
        masking: Option<Masking>,
        /// Directions that are scored beside it, each under the masking it implies.
        #[serde(default)]
        directions: Vec<Direction>,
    },
    /// Class of a clip from other modalities, through its caption.
    Classify {
        /// Each entry is one set of input modalities.
        inputs: Vec<Vec<String>>,
        /// Captions of a class: `{class}` is its label, `{caption}` every first caption the training
        /// split has for it. With several a class scores the sum of their likelihoods.
        #[serde(default = "default_templates")]
        templates: Vec<String>,
    },
    /// Partner of a clip by cosine of mean encoder outputs; `gallery` 0 = all test clips.
    Retrieval {
        pairs: Vec<(String, String)>,
        #[serde(default)]
        gallery: usize,
    },
    /// Last fifth of `modality` from its first four fifths and `given`; `clips` 0 = all.
    Memorization {
        modality: String,
        given: Vec<String>,
        #[serde(default)]
        clips: usize,
    },
    /// Token accuracy and cross-entropy of whole modalities from others.
    Directions(Vec<Direction>),
    /// Caption cross-entropy in one pass against position by position; `clips` 0 = all.
    ForwardVsAutoregressive {
        input: String,
        target: String,
        #[serde(default)]
        clips: usize,
    },
    /// Tokens of `target` generated from `inputs`; `clips` 0 = all.
    Generation {
        inputs: Vec<String>,
        target: String,
        #[serde(default)]
        clips: usize,
        /// Share of the target, from its start, that is given too (0.8 in the published prefix
        /// condition); cut down to whole frames of its codebooks.
        #[serde(default)]
        prefix: f64,
        #[serde(default)]
        decode: Decode,
    },
    /// Linear classifier on mean encoder outputs, with control task and random-weights control.
    LinearProbe { inputs: Vec<Vec<String>> },
}

fn two() -> usize {
    2
}

fn default_templates() -> Vec<String> {
    vec!["{caption}".into()]
}

/// What is measured where a manifest does not say.
pub fn default_probes() -> Vec<Probe> {
    vec![Probe::CrossEntropy { masks: two(), masking: None, directions: vec![] }]
}
