//! The update of dfdx primitives. The norm is summed on the host, in double precision.

use super::cpu::sum_of_squares;
use super::{AdamW, Optimizer};
use crate::ops::backend::{Backend, Composed, Mat};
use dfdx::prelude::*;

impl<D: Backend> Optimizer<D> for Composed {
    fn take_grads(mut grads: Gradients<f32, D>, params: &[Mat<D>]) -> Result<Vec<Mat<D>>, D::Err> {
        let mut take = |p: &Mat<D>| {
            grads.try_alloc_for(p)?;
            Ok(grads.get(p))
        };
        params.iter().map(&mut take).collect()
    }

    fn add_grads(sum: &mut [Mat<D>], part: Vec<Mat<D>>) -> Result<(), D::Err> {
        for (sum, part) in sum.iter_mut().zip(part) {
            *sum = sum.clone().try_add(part)?;
        }
        Ok(())
    }

    fn grad_norm(grads: &[Mat<D>]) -> Result<f64, D::Err> {
        Ok(grads.iter().map(|g| sum_of_squares(&g.as_vec())).sum::<f64>().sqrt())
    }

    fn adamw(
        params: &mut [Mat<D>],
        moments: &mut [(Mat<D>, Mat<D>)],
        grads: Vec<Mat<D>>,
        weight_decays: &[f64],
        hyper: &AdamW,
    ) -> Result<(), D::Err> {
        for (((param, (m, v)), g), decay) in params.iter_mut().zip(moments).zip(grads).zip(weight_decays) {
            let (step, root) = hyper.corrections();
            let (b1, b2) = (hyper.betas.0 as f32, hyper.betas.1 as f32);
            let g = g.try_mul(hyper.grad_scale as f32)?;
            *m = m.clone().try_mul(b1)?.try_add(g.clone().try_mul(1.0 - b1)?)?;
            *v = v.clone().try_mul(b2)?.try_add(g.try_square()?.try_mul(1.0 - b2)?)?;
            let denominator = v.clone().try_sqrt()?.try_div(root)?.try_add(hyper.eps as f32)?;
            let change = m.clone().try_div(denominator)?.try_mul(step)?;
            let decay = (1.0 - hyper.lr * decay) as f32;
            *param = param.clone().try_mul(decay)?.try_sub(change)?;
        }
        Ok(())
    }
}
