//! The update of dfdx primitives. Squares are summed row by row on the device, in single precision; the rows'
//! sums go to the host together and are added in double precision.

use super::{AdamW, Optimizer};
use crate::ops::backend::{Backend, Composed, Mat};
use dfdx::prelude::*;

impl<D: Backend> Optimizer<D> for Composed {
    fn take_grads(mut grads: Gradients<f32, D>, params: &[Mat<D>]) -> Result<Vec<Mat<D>>, D::Err> {
        params.iter().map(|p| take_grad(&mut grads, p)).collect()
    }

    fn add_grads(sum: &mut [Mat<D>], part: Vec<Mat<D>>) -> Result<(), D::Err> {
        for (sum, part) in sum.iter_mut().zip(part) {
            *sum = sum.clone().try_add(part)?;
        }
        Ok(())
    }

    fn grad_norm(grads: &[Mat<D>]) -> Result<f64, D::Err> {
        let mut rows: Option<Tensor<(usize,), f32, D>> = None;
        for g in grads {
            let squares = g.clone().try_square()?.try_sum::<(usize,), Axis<1>>()?;
            rows = Some(match rows {
                None => squares,
                Some(before) => (before, squares).try_concat_along(Axis::<0>)?,
            });
        }
        let rows = rows.map_or(Vec::new(), |rows| rows.as_vec());
        Ok(rows.into_iter().map(f64::from).sum::<f64>().sqrt())
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

/// The gradient of `p`, zeros if nothing was added to it. dfdx copies it: the original's memory is free
/// before the next one is taken, so that all gradients are never there twice.
pub(super) fn take_grad<D: Backend>(grads: &mut Gradients<f32, D>, p: &Mat<D>) -> Result<Mat<D>, D::Err> {
    grads.try_alloc_for(p)?;
    let taken = grads.get(p);
    // One number, as CUDA does not allocate none.
    *grads.get_or_alloc_mut(p)? = Storage::<f32>::try_alloc_len(p.device(), 1)?;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::random;

    #[test]
    fn a_gradient_that_was_taken_leaves_no_copy() {
        let dev = Cpu::default();
        let (x, other) = (random(&dev, 7, 5, 1), random(&dev, 2, 3, 2));
        let mut grads = x.leaky_trace().square().sum::<Rank0, _>().backward();
        let taken = take_grad(&mut grads, &x).unwrap().as_vec();
        assert_eq!(taken, x.as_vec().iter().map(|x| 2.0 * x).collect::<Vec<_>>());
        assert_eq!(grads.get_or_alloc_mut(&x).unwrap().len(), 1);
        assert_eq!(take_grad(&mut grads, &other).unwrap().as_vec(), [0.0; 6]);
    }
}
