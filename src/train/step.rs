//! One optimizer step.

use crate::batch::Batch;
use crate::fault::Result;
use crate::manifest::schema::Train;
use crate::model::network::{LossWeights, StepConfig, StepOutcome, Training};

/// Trains on `batch` with the settings of a manifest, at learning rate `lr`. On a loss or gradient that is
/// not finite nothing is updated, the gradient is gone, and the outcome carries it.
///
/// # Errors
/// If the device fails, or a token does not fit the model.
///
/// # Panics
/// If the batch has no sample, or `micro_batch` is 0, which a checked manifest cannot say.
pub fn take_step(net: &mut dyn Training, batch: &Batch, t: &Train, lr: f64) -> Result<StepOutcome> {
    let weights = LossWeights::new(t.loss, net.config().modalities.len(), &batch.dec)?;
    for micro_batch in batch.parts(t.micro_batch.unwrap_or(usize::MAX)) {
        net.accumulate(&micro_batch, &weights)?; // forward, backward
    }
    net.step(&config(t, lr)) // sum over a fixed tree, norm, clip, AdamW
}

/// What an update needs of the manifest, beside its learning rate.
fn config(t: &Train, lr: f64) -> StepConfig {
    StepConfig { lr, betas: t.betas, eps: t.eps, weight_decay: t.weight_decay, clip: t.clip }
}
