//! The step of a [`DeviceNetwork`]: accumulate, reduce, update.

use super::engine::{DeviceNetwork, Gradient};
use super::failure;
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
        let (weights, losses, grads) = self.reduced()?;
        let norm = O::grad_norm(&grads).map_err(in_training)?;
        let targets = losses.iter().flat_map(|(modalities, ce)| modalities.iter().copied().zip(ce.as_vec()));
        let outcome = weights.outcome(targets, norm);
        self.gradient = Gradient::Reduced { grads, norm };
        Ok(outcome)
    }

    fn step(&mut self, config: &StepConfig) -> Result<StepOutcome> {
        let (weights, losses, grads) = self.reduced()?;
        self.prepare_moments()?;
        let (modalities, losses): (Vec<_>, Vec<_>) = losses.into_iter().unzip();
        let (decays, hyper) = (self.decays(config), self.hyper(config));
        let model = &mut self.model;
        let stepped =
            O::step(&mut model.params, &mut self.moments, grads, &decays, &hyper, config.clip, &losses)
                .map_err(in_training)?;
        self.steps += u64::from(stepped.updated);
        let targets = modalities.iter().zip(stepped.losses).flat_map(|(m, ce)| m.iter().copied().zip(ce));
        Ok(weights.outcome(targets, stepped.norm))
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
        self.prepare_moments()?;
        let (decays, hyper) = (self.decays(config), self.hyper(config).clipped(norm, config.clip));
        O::adamw(&mut self.model.params, &mut self.moments, grads, &decays, &hyper).map_err(in_training)?;
        self.steps += 1;
        Ok(())
    }

    fn discard(&mut self) {
        self.gradient = Gradient::None;
    }

    fn steps_taken(&self) -> u64 {
        self.steps
    }
}

/// A device's error between the parts of a step.
fn in_training<E: std::fmt::Debug>(error: E) -> Fault {
    failure::in_training(error, None)
}

/// Weights of the targets, their modalities and cross-entropies part by part, and the gradient.
type Accumulated<D> = (LossWeights, Vec<(Vec<u32>, RowLosses<D>)>, Vec<Mat<D>>);

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
        let failed = |error: D::Err| failure::in_training(error, Some(part.samples()));
        let mut tape = OwnedTape::default();
        let (loss, row_losses) = self.model.loss::<O, _>(&mut tape, part, &rows).map_err(failed)?;
        let grads = loss.put_tape(tape).try_backward().map_err(failed)?;
        Ok((row_losses, O::take_grads(grads, &self.model.params).map_err(failed)?))
    }

    /// What was accumulated: weights, losses, and the sum of the gradients over its tree.
    fn reduced(&mut self) -> Result<Accumulated<D>> {
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
        Ok((weights, losses, grads))
    }

    /// Weight decay of each parameter.
    fn decays(&self, config: &StepConfig) -> Vec<f64> {
        let decay = |spec: &Spec| if spec.decays() { config.weight_decay } else { 0.0 };
        self.model.specs.iter().map(decay).collect()
    }

    /// The numbers of the next update, without clipping.
    fn hyper(&self, config: &StepConfig) -> AdamW {
        let StepConfig { lr, betas, eps, .. } = *config;
        AdamW { lr, betas, eps, grad_scale: 1.0, t: self.steps + 1 }
    }

    /// Makes the moments of the first update.
    fn prepare_moments(&mut self) -> Result<()> {
        if self.moments.is_empty() {
            self.moments = self.zero_moments()?;
        }
        Ok(())
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
