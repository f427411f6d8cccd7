//! What the optimizer does to all parameters at once: their gradients' sum and norm, and AdamW
//! (REFERENCE §4).
//!
//! `p ← p (1 − lr·wd)`, `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
//! `p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)`.

use crate::ops::backend::{Backend, Mat, RowLosses};
use dfdx::prelude::*;

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

/// The numbers of one AdamW update, the same for every parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    pub lr: f64,
    pub betas: (f64, f64),
    pub eps: f64,
    /// Factor on the gradient (clipping).
    pub grad_scale: f64,
    /// Number of this update, from 1: bias correction.
    pub t: u64,
}

/// What a step measured before it updated.
#[derive(Clone, Debug, PartialEq)]
pub struct Stepped {
    /// L2 norm of the gradient, before clipping.
    pub norm: f64,
    /// The cross-entropies that were asked for, list by list.
    pub losses: Vec<Vec<f32>>,
    /// Whether norm and losses were finite, so that the parameters moved.
    pub updated: bool,
}

impl AdamW {
    /// The same, with the factor that clips a gradient of this `norm` to `clip`.
    pub fn clipped(self, norm: f64, clip: Option<f64>) -> AdamW {
        AdamW { grad_scale: clip.map_or(1.0, |clip| (clip / (norm + 1e-6)).min(1.0)), ..self }
    }

    /// `lr/(1−β₁ᵗ)` and `√(1−β₂ᵗ)`.
    fn corrections(&self) -> (f32, f32) {
        let c = |beta: f64| 1.0 - beta.powf(self.t as f64);
        ((self.lr / c(self.betas.0)) as f32, c(self.betas.1).sqrt() as f32)
    }
}

/// Gradients and updates. Lists are of all parameters, in one order; nothing is read back to the host but
/// what makes the norm, once for all gradients.
pub trait Optimizer<D: Backend> {
    /// The gradients of `params` out of a backward pass; zeros where nothing was added. What they take up is
    /// never doubled: one leaves the pass before the next is taken.
    fn take_grads(grads: Gradients<f32, D>, params: &[Mat<D>]) -> Result<Vec<Mat<D>>, D::Err>;

    /// `sum += part`, element by element.
    fn add_grads(sum: &mut [Mat<D>], part: Vec<Mat<D>>) -> Result<(), D::Err>;

    /// L2 norm over all elements of all gradients, summed in double precision (within a row in single, where
    /// a device has no better).
    fn grad_norm(grads: &[Mat<D>]) -> Result<f64, D::Err>;

    /// One AdamW update of every parameter and its moments `(m, v)`; `weight_decays` are decoupled, one
    /// for each parameter.
    fn adamw(
        params: &mut [Mat<D>],
        moments: &mut [(Mat<D>, Mat<D>)],
        grads: Vec<Mat<D>>,
        weight_decays: &[f64],
        hyper: &AdamW,
    ) -> Result<(), D::Err>;

    /// Norm, clipping to `clip` and update in one, and the `losses` of the step read back; nothing is updated where
    /// one of them or the norm is not finite. A device that decides by itself is waited for once. The factor of
    /// `hyper` is not looked at.
    fn step(
        params: &mut [Mat<D>],
        moments: &mut [(Mat<D>, Mat<D>)],
        grads: Vec<Mat<D>>,
        weight_decays: &[f64],
        hyper: &AdamW,
        clip: Option<f64>,
        losses: &[RowLosses<D>],
    ) -> Result<Stepped, D::Err> {
        let norm = Self::grad_norm(&grads)?;
        let losses: Vec<Vec<f32>> = losses.iter().map(|losses| losses.as_vec()).collect();
        let updated = norm.is_finite() && losses.iter().flatten().all(|loss| loss.is_finite());
        if updated {
            Self::adamw(params, moments, grads, weight_decays, &hyper.clipped(norm, clip))?;
        }
        Ok(Stepped { norm, losses, updated })
    }
}

#[cfg(test)]
mod tests {
    use super::AdamW;
    use crate::ops::testing::op_test;

    const HYPER: AdamW = AdamW { lr: 0.01, betas: (0.9, 0.95), eps: 1e-8, grad_scale: 0.5, t: 7 };

    op_test!(parity of update, [(7, 5), (7, 5), (7, 5), (7, 5)], 1e-6, |O, x| {
        let mut params = vec![x[0].clone()];
        let mut moments = vec![(x[1].clone(), x[2].clone().try_square()?)];
        O::adamw(&mut params, &mut moments, vec![x[3].clone()], &[0.05], &HYPER)?;
        let (m, v) = moments.remove(0);
        Ok(vec![params.remove(0).as_vec(), m.as_vec(), v.as_vec()])
    });

    // Clipped, not clipped, and not updated at all.
    op_test!(parity of steps, [(70, 80), (70, 80), (70, 80), (70, 80), (1, 5)], 1e-6, |O, x| {
        let mut seen = Vec::new();
        for (clip, loss) in [(Some(0.5), 1.5), (None, 0.5), (Some(0.5), f32::NAN)] {
            let copy = |m: &Mat<D>| m.device().tensor_from_vec(m.as_vec(), *m.shape());
            let (mut params, m) = (vec![copy(&x[0])], copy(&x[1]));
            let v = x[2].device().tensor_from_vec(x[2].as_vec().iter().map(|v| v * v).collect(), (70, 80));
            let mut moments = vec![(m, v)];
            let losses = [2.0, loss].map(|loss| x[4].device().tensor_from_vec(vec![loss, 1.0], (2,)));
            let grads = vec![copy(&x[3])];
            let stepped = O::step(&mut params, &mut moments, grads, &[0.05], &HYPER, clip, &losses)?;
            assert_eq!(stepped.updated, loss.is_finite());
            assert_eq!(params[0].as_vec() != x[0].as_vec(), stepped.updated);
            let (m, v) = moments.remove(0);
            seen.extend([params.remove(0).as_vec(), m.as_vec(), v.as_vec(), vec![stepped.norm as f32]]);
            seen.push(stepped.losses.concat().into_iter().filter(|loss| loss.is_finite()).collect());
        }
        Ok(seen)
    });

    op_test!(parity of sum_and_norm, [(70, 80), (1, 5), (70, 80), (1, 5)], 1e-6, |O, x| {
        let mut sum = x[..2].to_vec();
        O::add_grads(&mut sum, x[2..].to_vec())?;
        let norm = O::grad_norm(&sum)? as f32;
        Ok(vec![sum[0].as_vec(), sum[1].as_vec(), vec![norm]])
    });
}
