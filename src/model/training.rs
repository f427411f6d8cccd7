//! The step of a [`DeviceNetwork`]: accumulate, reduce, update.

use super::engine::{device, DeviceNetwork, Gradient};
use super::loss::LossWeights;
use super::network::{NamedTensor, StepConfig, StepOutcome, Training};
use super::pairwise::Pairwise;
use crate::architecture::Spec;
use crate::batch::Batch;
use crate::fault::{Fault, Result};
use crate::ops::{AdamW, Backend, Mat, OpSet, RowLosses};
use dfdx::prelude::*;

impl<D: Backend, O: OpSet<D>> Training for DeviceNetwork<D, O> {
    fn accumulate(&mut self, part: &Batch, weights: &LossWeights) -> Result<()> {
        let added = self.add(part, weights);
        if added.is_err() {
            self.discard();
        }
        added
    }

    fn reduce(&mut self) -> Result<StepOutcome> {
        let Gradient::Accumulating { weights, losses, sum } =
            std::mem::replace(&mut self.gradient, Gradient::None)
        else {
            panic!("a gradient is accumulated before it is reduced");
        };
        // Gradients of other processes of the same run would join here.
        let grads = match sum.finish(|left, right| O::add_grads(left, right)).map_err(in_training)? {
            Some(grads) => grads,
            None => O::take_grads(Gradients::leaky(), &self.model.params).map_err(in_training)?,
        };
        let norm = O::grad_norm(&grads).map_err(in_training)?;
        let targets = losses.iter().flat_map(|(modalities, ce)| modalities.iter().copied().zip(ce.as_vec()));
        let outcome = weights.outcome(targets, norm);
        self.gradient = Gradient::Reduced { grads, norm };
        Ok(outcome)
    }

    fn gradients(&self) -> Vec<NamedTensor> {
        let Gradient::Reduced { grads, .. } = &self.gradient else { return Vec::new() };
        let named = |(spec, values): (&Spec, &Mat<D>)| NamedTensor {
            name: spec.name.clone(),
            shape: spec.shape.clone(),
            values: values.as_vec(),
        };
        self.model.specs.iter().zip(grads).map(named).collect()
    }

    fn update(&mut self, config: &StepConfig) -> Result<()> {
        let Gradient::Reduced { grads, norm } = std::mem::replace(&mut self.gradient, Gradient::None) else {
            panic!("a gradient is reduced before the update");
        };
        if self.moments.is_empty() {
            self.moments = self.zero_moments()?;
        }
        let t = self.steps + 1;
        let grad_scale = config.clip.map_or(1.0, |clip| (clip / (norm + 1e-6)).min(1.0));
        let decay = |spec: &Spec| if spec.decays() { config.weight_decay } else { 0.0 };
        let decays: Vec<f64> = self.model.specs.iter().map(decay).collect();
        let hyper = AdamW { lr: config.lr, betas: config.betas, eps: config.eps, grad_scale, t };
        O::adamw(&mut self.model.params, &mut self.moments, grads, &decays, &hyper).map_err(in_training)?;
        self.steps = t;
        Ok(())
    }

    fn discard(&mut self) {
        self.gradient = Gradient::None;
    }

    fn steps_taken(&self) -> u64 {
        self.steps
    }
}

/// A device's error where the manifest says how much memory is needed.
fn in_training<E: std::fmt::Debug>(error: E) -> Fault {
    device(error).help(
        "a smaller `train.micro_batch` or `train.batch` needs less memory; `nano4m doctor` shows what the device offers",
    )
}

impl<D: Backend, O: OpSet<D>> DeviceNetwork<D, O> {
    /// One part of the gradient, as a leaf of the sum.
    fn add(&mut self, part: &Batch, weights: &LossWeights) -> Result<()> {
        self.check(part)?;
        if !matches!(self.gradient, Gradient::Accumulating { .. }) {
            let (weights, losses, sum) = (weights.clone(), Vec::new(), Pairwise::new());
            self.gradient = Gradient::Accumulating { weights, losses, sum };
        }
        // Without targets there is no loss, and dfdx makes nothing of tensors without rows.
        let (row_losses, grads) = if part.dec.is_empty() {
            (None, None)
        } else {
            let (row_losses, grads) = self.backward(part, weights)?;
            (Some(row_losses), Some(grads))
        };
        if let Gradient::Accumulating { losses, sum, .. } = &mut self.gradient {
            losses.extend(row_losses.map(|ce| (part.dec.modalities.clone(), ce)));
            sum.push(grads, |left, right| O::add_grads(left, right)).map_err(in_training)?;
        }
        Ok(())
    }

    /// Forward and backward: the targets' cross-entropies and the gradient of every parameter.
    fn backward(&self, part: &Batch, weights: &LossWeights) -> Result<(RowLosses<D>, Vec<Mat<D>>)> {
        let rows = weights.rows(&self.model.config, &part.dec);
        let mut tape = OwnedTape::default();
        let (loss, row_losses) = self.model.loss::<O, _>(&mut tape, part, &rows).map_err(in_training)?;
        let grads = loss.put_tape(tape).try_backward().map_err(in_training)?;
        Ok((row_losses, O::take_grads(grads, &self.model.params).map_err(in_training)?))
    }

    /// Moments before the first update.
    fn zero_moments(&self) -> Result<Vec<(Mat<D>, Mat<D>)>> {
        let dev = self.model.positions.device();
        let zeros = |spec: &Spec| -> std::result::Result<_, D::Err> {
            Ok((dev.try_zeros_like(&spec.matrix())?, dev.try_zeros_like(&spec.matrix())?))
        };
        self.model.specs.iter().map(zeros).collect::<std::result::Result<_, _>>().map_err(in_training)
    }
}
