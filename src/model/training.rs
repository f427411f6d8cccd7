//! The step of a [`DeviceNetwork`]: accumulate, reduce, update.

use super::engine::{device, DeviceNetwork, Gradient};
use super::loss::LossWeights;
use super::network::{NamedTensor, StepConfig, StepOutcome, Training};
use super::pairwise::Pairwise;
use crate::architecture::Spec;
use crate::batch::Batch;
use crate::fault::Result;
use crate::ops::{AdamW, Backend, Mat, OpSet};
use dfdx::prelude::*;

impl<D: Backend, O: OpSet<D>> Training for DeviceNetwork<D, O> {
    fn accumulate(&mut self, part: &Batch, weights: &LossWeights) -> Result<()> {
        self.check(part)?;
        if !matches!(self.gradient, Gradient::Accumulating { .. }) {
            let (weights, losses, sum) = (weights.clone(), Vec::new(), Pairwise::new());
            self.gradient = Gradient::Accumulating { weights, losses, sum };
        }
        // Without targets there is no loss, and dfdx makes nothing of tensors without rows.
        if part.dec.is_empty() {
            return Ok(());
        }
        let rows = weights.rows(&self.model.config, &part.dec);
        let mut tape = OwnedTape::default();
        let (loss, row_losses) = self.model.loss::<O, _>(&mut tape, part, &rows).map_err(device)?;
        let grads = loss.put_tape(tape).try_backward().map_err(device)?;
        let grads = O::take_grads(grads, &self.model.params).map_err(device)?;
        if let Gradient::Accumulating { losses, sum, .. } = &mut self.gradient {
            losses.push((part.dec.modalities.clone(), row_losses));
            sum.push(grads, |left, right| O::add_grads(left, right)).map_err(device)?;
        }
        Ok(())
    }

    fn reduce(&mut self) -> Result<StepOutcome> {
        let Gradient::Accumulating { weights, losses, sum } =
            std::mem::replace(&mut self.gradient, Gradient::None)
        else {
            panic!("a gradient is accumulated before it is reduced");
        };
        // Gradients of other processes of the same run would join here.
        let grads = match sum.finish(|left, right| O::add_grads(left, right)).map_err(device)? {
            Some(grads) => grads,
            None => O::take_grads(Gradients::leaky(), &self.model.params).map_err(device)?,
        };
        let norm = O::grad_norm(&grads).map_err(device)?;
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
        self.steps += 1;
        let grad_scale = config.clip.map_or(1.0, |clip| (clip / (norm + 1e-6)).min(1.0));
        let decay = |spec: &Spec| if spec.decays() { config.weight_decay } else { 0.0 };
        let decays: Vec<f64> = self.model.specs.iter().map(decay).collect();
        let (lr, betas, eps, t) = (config.lr, config.betas, config.eps, self.steps);
        let hyper = AdamW { lr, betas, eps, grad_scale, t };
        O::adamw(&mut self.model.params, &mut self.moments, grads, &decays, &hyper).map_err(device)
    }

    fn steps_taken(&self) -> u64 {
        self.steps
    }
}

impl<D: Backend, O: OpSet<D>> DeviceNetwork<D, O> {
    /// Moments before the first update.
    fn zero_moments(&self) -> Result<Vec<(Mat<D>, Mat<D>)>> {
        let dev = self.model.positions.device();
        let zeros = |spec: &Spec| -> std::result::Result<_, D::Err> {
            Ok((dev.try_zeros_like(&spec.matrix())?, dev.try_zeros_like(&spec.matrix())?))
        };
        self.model.specs.iter().map(zeros).collect::<std::result::Result<_, _>>().map_err(device)
    }
}
