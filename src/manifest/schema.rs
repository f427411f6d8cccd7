//! The manifest's types and the one table of defaults (`impl Default`).
//!
//! A manifest is complete: no templating, no inheritance. Every struct refuses unknown fields;
//! what a field left out means is written in the `Default` of its struct and printed by
//! `nano4m check MANIFEST --resolved`.

pub use super::decode::{Decode, Scheme};
pub use super::masking::{Direction, Masking, Ratio};
pub use super::per_modality::PerModality;
pub use super::probes::Probe;
use crate::modality::Modality;
pub use crate::place::Precision;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The manifest schema this program reads.
pub const SCHEMA: u32 = 1;

/// One experiment: everything that decides its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Experiment", deny_unknown_fields)]
pub struct Experiment {
    /// Version of this format: 1.
    pub schema: u32,
    /// Name of the run's directory; does not count for the identity.
    pub name: String,
    /// One line for humans; does not count for the identity.
    #[serde(default)]
    pub about: String,
    /// One seed for each named stream.
    #[serde(default)]
    pub seeds: Seeds,
    /// Where the tokens come from.
    pub data: Data,
    /// The modalities, in the model's order.
    pub modalities: Vec<Modality>,
    /// Budgets of input and target tokens.
    #[serde(default)]
    pub masking: Masking,
    /// Size of the transformer.
    #[serde(default)]
    pub model: Model,
    /// Optimization.
    #[serde(default)]
    pub train: Train,
    /// What is measured after training.
    #[serde(default = "super::probes::default_probes")]
    pub probes: Vec<Probe>,
    /// Claims declared before training.
    #[serde(default)]
    pub claims: Vec<Claim>,
    /// What the manifest is pinned to; does not count for the identity.
    #[serde(default)]
    pub pins: Option<Pins>,
}

/// Seeds of the named streams of randomness (`rng::Purpose`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seeds {
    /// Initial weights.
    pub init: u64,
    /// Order of clips and choice of rows.
    pub data: u64,
    /// Masks in training.
    pub masking: u64,
    /// Everything random in evaluation.
    pub probes: u64,
}

impl Default for Seeds {
    fn default() -> Self {
        Seeds { init: 42, data: 42, masking: 42, probes: 42 }
    }
}

/// Source of the tokens: exactly one of `path` and `synthetic`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Directory, `.tar`, `.tar.gz` or `.tar.zst` in the published layout. Relative to the
    /// working directory, then to the manifest's folder. Does not count for the identity (its content does).
    pub path: Option<String>,
    /// Generator inside the program, with known optimum.
    pub synthetic: Option<Synthetic>,
    /// Canonical content hash; a mismatch is refused (exit 3).
    pub sha256: Option<String>,
    /// Names of the split folders.
    pub splits: Splits,
    /// Where a clip's class comes from.
    pub labels: Labels,
    /// Use only the first `rows` of the K rows of each clip (absent: all).
    pub rows: Option<usize>,
    /// Tokens per example on disk, of modalities of which more is stored than their `length` uses: the
    /// first `length` are read. The content hash is that of what is stored.
    pub stored: BTreeMap<String, usize>,
    /// How to get the data; printed when the path is missing.
    pub obtain: Option<String>,
}

/// Folder names of the three splits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Splits {
    pub train: String,
    pub eval: String,
    pub test: String,
}

impl Default for Splits {
    fn default() -> Self {
        Splits { train: "train".into(), eval: "val".into(), test: "test".into() }
    }
}

/// Source of class labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Labels {
    /// The first caption of the clip is its class (the published dataset).
    #[default]
    Caption,
    /// A CSV file inside the dataset with a `stem` column, and the column to use.
    File(String, String),
}

/// Data with planted structure: each clip has a latent class, drawn uniformly; every modality has
/// one prototype sequence per class. Each token shows its class's prototype with probability
/// `strength` of the modality, else a uniform id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Synthetic {
    /// Seed of prototypes and clips.
    pub seed: u64,
    /// Number of latent classes.
    pub classes: usize,
    /// Clips in train, validation and test.
    pub clips: (usize, usize, usize),
    /// Rows (K) per clip: independent noise, the same class.
    pub rows: usize,
    /// Probability that a token shows the prototype: one number, or one per modality name.
    pub strength: PerModality,
}

impl Default for Synthetic {
    fn default() -> Self {
        Synthetic { seed: 42, classes: 8, clips: (512, 64, 128), rows: 2, strength: PerModality::All(0.9) }
    }
}

/// Size of the encoder–decoder transformer (REFERENCE §1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    pub dim: usize,
    pub enc_depth: usize,
    pub dec_depth: usize,
    pub head_dim: usize,
    pub mlp_ratio: f64,
    /// Standard deviation of the initial linear weights (the reference: 0.02).
    pub init_std: f64,
    /// Standard deviation of the initial token and modality embeddings (the reference: 0.02). Beside
    /// the position table's ½ a small one must grow for hundreds of steps before modalities differ.
    pub embedding_std: f64,
    /// Standard deviation of the initial `to_logits` (the reference: 0).
    pub logits_std: f64,
    /// Which ids compete in the softmax of the loss.
    pub softmax: Softmax,
}

impl Default for Model {
    fn default() -> Self {
        Model {
            dim: 512,
            enc_depth: 6,
            dec_depth: 6,
            head_dim: 64,
            mlp_ratio: 4.0,
            init_std: 0.02,
            embedding_std: 0.02,
            logits_std: 0.0,
            softmax: Softmax::Unified,
        }
    }
}

/// Which ids compete in the softmax of the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Softmax {
    /// All `max(vocab)` ids (the reference).
    #[default]
    Unified,
    /// Only the modality's own `0..vocab`.
    Restricted,
}

/// Optimization (REFERENCE §4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Train {
    /// Clips per step.
    pub batch: usize,
    /// Clips whose activations are in memory at once, in training and on the validation split: the gradient of
    /// a step is the sum over such parts, up to rounding that of the whole batch; absent: the whole batch at
    /// once. Of k parts at most ⌊log₂ k⌋ + 1 gradients of the model are in memory, where one would be.
    pub micro_batch: Option<usize>,
    /// Budget: `steps = ceil(tokens / (batch · tokens_per_sample))`.
    pub tokens: u64,
    /// Tokens a sample counts for in the schedule.
    pub tokens_per_sample: usize,
    /// Warmup, in the same tokens.
    pub warmup_tokens: u64,
    /// Peak learning rate.
    pub lr: f64,
    /// Final learning rate.
    pub min_lr: f64,
    pub betas: (f64, f64),
    pub eps: f64,
    /// Decoupled; norm weights and biases get none.
    pub weight_decay: f64,
    /// Global L2 norm to which gradients are clipped; absent: never.
    pub clip: Option<f64>,
    pub loss: Loss,
    /// How matrix products take their factors, in training and in measuring.
    pub precision: Precision,
    /// Steps between evaluations on the validation split; 0: only at the end.
    pub eval_every: u64,
    /// Steps between checkpoints; 0: only at the end.
    pub checkpoint_every: u64,
    /// Steps between digests of parameters and optimizer state; 0: only at the end.
    pub digest_every: u64,
}

impl Default for Train {
    fn default() -> Self {
        Train {
            batch: 64,
            micro_batch: None,
            tokens: 600_000_000,
            tokens_per_sample: 512,
            warmup_tokens: 30_000_000,
            lr: 1e-4,
            min_lr: 1e-6,
            betas: (0.9, 0.95),
            eps: 1e-8,
            weight_decay: 0.05,
            clip: Some(1.0),
            loss: Loss::PerModalityMean,
            precision: Precision::F32,
            eval_every: 1000,
            checkpoint_every: 1000,
            digest_every: 100,
        }
    }
}

impl Train {
    /// Optimizer steps of the whole run.
    pub fn steps(&self) -> u64 {
        self.tokens.div_ceil(self.tokens_per_step())
    }

    /// Whether what is done every `every` steps, and after the last (0: only then), is done after `step`.
    pub fn is_due(&self, every: u64, step: u64) -> bool {
        let total = self.steps();
        step > 0 && (step == total || (step < total && every > 0 && step.is_multiple_of(every)))
    }

    /// Steps of linear warmup.
    pub fn warmup_steps(&self) -> u64 {
        self.warmup_tokens.div_ceil(self.tokens_per_step())
    }

    fn tokens_per_step(&self) -> u64 {
        (self.batch as u64).saturating_mul(self.tokens_per_sample as u64).max(1)
    }
}

/// How the token losses of a batch are averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loss {
    /// Mean over each modality's tokens in the batch, then over all modalities (the reference).
    #[default]
    PerModalityMean,
    /// Mean over all target tokens of the batch.
    TokenMean,
}

/// A claim declared before training; judged with the others by Holm's procedure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// e.g. `cross_entropy/tok_audio@512`.
    pub metric: String,
    /// What it is held against: a baseline's name (`unigram_marginal`, `chance`, …) or another run.
    pub against: String,
    /// By how much, in the metric's unit.
    #[serde(default)]
    pub margin: f64,
}

/// What a manifest is pinned to (DESIGN §3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pins {
    /// `sha256:…` of the sources under `src/` and `Cargo.lock`.
    pub code: Option<String>,
    /// Where that code was committed.
    pub commit: Option<String>,
}
