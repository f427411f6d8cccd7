//! A network as the rest of the program sees it: device and kernels are hidden behind one trait.

pub use crate::architecture::Config;
use crate::batch::{Batch, Packed};
pub use crate::device::Device;
use crate::fault::Result;
use crate::manifest::schema::{Loss, Softmax};
pub use crate::store::tensors::NamedTensor;

/// What one optimizer step needs beside the batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepConfig {
    pub lr: f64,
    pub betas: (f64, f64),
    pub eps: f64,
    pub weight_decay: f64,
    pub clip: Option<f64>,
    pub loss: Loss,
}

/// What one optimizer step measured, before the update.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOutcome {
    /// The loss that was minimized, nats.
    pub loss: f64,
    /// Mean cross-entropy of each modality's targets in the batch, nats; `None` without targets.
    pub per_modality: Vec<Option<f64>>,
    /// Number of targets of each modality.
    pub counts: Vec<usize>,
    /// Global L2 norm of the gradient before clipping.
    pub grad_norm: f64,
}

/// Which ids compete in a softmax of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All ids of the unified vocabulary.
    Unified,
    /// `0..vocab` of the target's modality.
    Restricted,
}

impl From<Softmax> for Scope {
    /// The scope a model was trained with.
    fn from(softmax: Softmax) -> Scope {
        match softmax {
            Softmax::Unified => Scope::Unified,
            Softmax::Restricted => Scope::Restricted,
        }
    }
}

/// The score of one target token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenScore {
    /// Negative log-probability of the true id, nats.
    pub ce: f32,
    /// Most likely id in the scope; the lowest id wins ties.
    pub argmax: u32,
}

/// A model with its optimizer state on some device.
///
/// All methods are deterministic: the same calls give the same bits on CPU for any thread count.
pub trait Network {
    fn config(&self) -> &Config;

    /// The same network for several threads at once, where its device allows it: one of CUDA is bound
    /// to the thread that made it.
    fn shared(&self) -> Option<&(dyn Network + Sync)>;

    /// One step: forward, backward, clip, AdamW. On a non-finite loss or gradient nothing is
    /// updated and the outcome carries the non-finite number.
    fn step(&mut self, batch: &Batch, config: &StepConfig) -> Result<StepOutcome>;

    /// Steps taken (the `t` of Adam's bias correction).
    fn steps_taken(&self) -> u64;

    /// Score of every decoder token, `[T_dec]`. Logits are never held for more than a chunk of rows.
    fn score(&self, batch: &Batch, scope: Scope) -> Result<Vec<TokenScore>> {
        Ok(self.score_against(batch, scope, &[&batch.dec.ids])?.swap_remove(0))
    }

    /// Scores of the same outputs against several versions of the truth, each `[T_dec]` ids inside
    /// their modality's vocabulary: what a decoder is asked does not depend on the answer.
    ///
    /// # Panics
    /// If a truth is shorter than the decoder's tokens or has an id outside the vocabulary.
    fn score_against(&self, batch: &Batch, scope: Scope, truths: &[&[u32]]) -> Result<Vec<Vec<TokenScore>>>;

    /// Log-probabilities (or the logits' log-softmax inside `ids`' own scope) of the given ids at
    /// every decoder token: `[T_dec][ids.len()]`, normalized over `scope`.
    fn log_probs(&self, batch: &Batch, scope: Scope, ids: &[u32]) -> Result<Vec<Vec<f32>>>;

    /// Raw logits of every decoder token over the unified vocabulary, handed out row by row:
    /// `visit(row, logits)`, in order. Nothing larger than a chunk of rows is held.
    fn logits(&self, batch: &Batch, visit: &mut dyn FnMut(usize, &[f32])) -> Result<()>;

    /// Encoder output after `enc_norm`, `[T_enc · dim]` row-major.
    fn encode(&self, enc: &Packed) -> Result<Vec<f32>>;

    /// Gradient of the training loss for every parameter, in the order of `parameters`; changes nothing.
    fn gradients(&self, batch: &Batch, loss: Loss) -> Result<Vec<NamedTensor>>;

    /// Trainable parameters in state-dict order (REFERENCE §1), without buffers.
    fn parameters(&self) -> Vec<NamedTensor>;

    /// First and second moments, in the order of `parameters`, named `m.<name>` and `v.<name>`.
    fn moments(&self) -> Vec<NamedTensor>;

    /// Replaces parameters (by name; shapes are checked; unknown buffers `pos_emb` and `*.bias` of norms are accepted).
    fn load_parameters(&mut self, tensors: Vec<NamedTensor>) -> Result<()>;

    /// Restores the optimizer for a resume.
    fn load_moments(&mut self, tensors: Vec<NamedTensor>, steps_taken: u64) -> Result<()>;
}

/// Which implementation of the operations runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernels {
    /// Ours, fused (CPU only).
    Fused,
    /// Composed of dfdx primitives (any device).
    Composed,
}
