//! A network as the rest of the program sees it: device and kernels are hidden behind three traits.
//!
//! [`Inference`] measures, [`Training`] takes steps, [`State`] is what a checkpoint holds; a [`Network`] is all
//! three. Everything is deterministic: the same calls give the same bits on the CPU for any thread count.

pub use super::loss::{LossWeights, StepOutcome};
pub use crate::architecture::Config;
use crate::batch::{Batch, Packed};
use crate::fault::Result;
pub use crate::manifest::schema::Softmax;
use crate::ops::log_sum_exp;
pub use crate::place::{Device, Kernels, Place};
pub use crate::store::tensors::NamedTensor;

/// What an update needs beside the gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepConfig {
    pub lr: f64,
    pub betas: (f64, f64),
    pub eps: f64,
    pub weight_decay: f64,
    pub clip: Option<f64>,
}

/// The score of one target token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenScore {
    /// Negative log-probability of the true id, nats.
    pub ce: f32,
    /// Most likely id in the scope; the lowest id wins ties.
    pub argmax: u32,
}

/// A model that is asked and not changed.
pub trait Inference {
    fn config(&self) -> &Config;

    /// The same network for several threads at once, where its device allows it: one of CUDA is bound
    /// to the thread that made it.
    fn shared(&self) -> Option<&(dyn Inference + Sync)>;

    /// Score of every decoder token, `[T_dec]`. Logits are never held for more than a chunk of rows.
    fn score(&self, batch: &Batch, scope: Softmax) -> Result<Vec<TokenScore>> {
        Ok(self.score_against(batch, scope, &[&batch.dec.ids])?.swap_remove(0))
    }

    /// Scores of the same outputs against several versions of the truth, each `[T_dec]` ids inside
    /// their modality's vocabulary: what a decoder is asked does not depend on the answer.
    ///
    /// # Panics
    /// If a truth is shorter than the decoder's tokens or has an id outside the vocabulary.
    fn score_against(&self, batch: &Batch, scope: Softmax, truths: &[&[u32]])
        -> Result<Vec<Vec<TokenScore>>>;

    /// Log-probabilities (or the logits' log-softmax inside `ids`' own scope) of the given ids at
    /// every decoder token: `[T_dec][ids.len()]`, normalized over `scope`.
    fn log_probs(&self, batch: &Batch, scope: Softmax, ids: &[u32]) -> Result<Vec<Vec<f32>>> {
        let mut all = vec![Vec::new(); batch.dec.len()];
        self.logits(batch, &mut |r, row| {
            let limit = self.config().limit(batch.dec.modalities[r], scope);
            let normalizer = log_sum_exp::of_logits(&row[..limit]);
            all[r] = ids.iter().map(|&i| (row[i as usize] as f64 - normalizer) as f32).collect();
        })?;
        Ok(all)
    }

    /// Raw logits of every decoder token over the unified vocabulary, handed out row by row:
    /// `visit(row, logits)`, in order. Nothing larger than a chunk of rows is held.
    fn logits(&self, batch: &Batch, visit: &mut dyn FnMut(usize, &[f32])) -> Result<()>;

    /// Encoder output after `enc_norm`, `[T_enc · dim]` row-major.
    fn encode(&self, enc: &Packed) -> Result<Vec<f32>>;
}

/// A model that learns. A step is: [`accumulate`](Training::accumulate) for every part of the batch, then
/// [`step`](Training::step). Who wants to see the gradient does what `step` does one by one:
/// [`reduce`](Training::reduce), then [`update`](Training::update) if the outcome is finite and
/// [`discard`](Training::discard) if not.
pub trait Training: Inference {
    /// Forward and backward of one part of a batch. `weights` are those of the whole batch, the same for every
    /// part, so that the sum over its parts is the gradient of the whole. The first call after a `reduce`, a
    /// `discard` or a fault begins a new gradient.
    ///
    /// # Errors
    /// If a token does not fit the model, or the device fails; what was accumulated is then gone.
    ///
    /// # Panics
    /// If `weights` are of a model with fewer modalities.
    fn accumulate(&mut self, part: &Batch, weights: &LossWeights) -> Result<()>;

    /// Sums what was accumulated, over one fixed tree: the bits depend on the parts alone.
    ///
    /// # Errors
    /// If the device fails; what was accumulated is then gone.
    ///
    /// # Panics
    /// If nothing was accumulated.
    fn reduce(&mut self) -> Result<StepOutcome>;

    /// Sums what was accumulated as [`reduce`](Training::reduce) does, clips and applies it (AdamW); where the loss or
    /// the norm is not finite nothing is updated, and the outcome says so. The gradient is then gone. A GPU is waited
    /// for once.
    ///
    /// # Errors
    /// If the device fails: some parameters may be updated then and others not, so a checkpoint is what goes on.
    ///
    /// # Panics
    /// If nothing was accumulated.
    fn step(&mut self, config: &StepConfig) -> Result<StepOutcome> {
        let outcome = self.reduce()?;
        if outcome.is_finite() {
            self.update(config)?;
        } else {
            self.discard();
        }
        Ok(outcome)
    }

    /// The gradient that was reduced, in the order of [`State::parameters`]; none after an update, a `discard`
    /// or a fault.
    fn gradients(&self) -> Vec<NamedTensor>;

    /// Clips and applies the gradient that was reduced (AdamW), which is then gone.
    ///
    /// # Errors
    /// If the device fails: some parameters may be updated then and others not, so a checkpoint is what goes on.
    ///
    /// # Panics
    /// If nothing was reduced.
    fn update(&mut self, config: &StepConfig) -> Result<()>;

    /// Drops the gradient, whatever there is of it, and its memory.
    fn discard(&mut self);

    /// Updates so far (the `t` of Adam's bias correction).
    fn steps_taken(&self) -> u64;
}

/// What a checkpoint holds.
pub trait State {
    /// Trainable parameters in state-dict order (REFERENCE §1), without buffers.
    fn parameters(&self) -> Vec<NamedTensor>;

    /// First and second moments, in the order of `parameters`, named `m.<name>` and `v.<name>`.
    fn moments(&self) -> Vec<NamedTensor>;

    /// Replaces parameters, by name. The reference's buffers may be there and must be this model's: `pos_emb` is
    /// then used in the file's own rounding, norm biases are zero.
    ///
    /// # Errors
    /// Exit 2 with every tensor that does not fit; nothing is replaced then.
    fn load_parameters(&mut self, tensors: Vec<NamedTensor>) -> Result<()>;

    /// Restores the optimizer for a resume.
    fn load_moments(&mut self, tensors: Vec<NamedTensor>, steps_taken: u64) -> Result<()>;
}

/// A model with its optimizer on some device.
pub trait Network: Training + State {}
impl<N: Training + State> Network for N {}
