//! A transposed weight, a product, a sum.

use super::Linear;
use crate::ops::backend::{Backend, Composed, Mat};
use dfdx::prelude::*;

/// `x · Wᵀ` of dfdx primitives.
pub fn product<D: Backend, T: Tape<f32, D>>(
    tape: &mut T,
    x: &Mat<D>,
    weight: &Mat<D>,
) -> Result<Mat<D>, D::Err> {
    let w = weight.retaped::<T>().try_permute::<(usize, usize), Axes2<1, 0>>()?;
    let (out, t) = x.clone().put_tape(std::mem::take(tape)).try_matmul(w)?.split_tape();
    *tape = t;
    Ok(out)
}

/// `a + b` of dfdx primitives.
pub fn add<D: Backend, T: Tape<f32, D>>(tape: &mut T, a: &Mat<D>, b: &Mat<D>) -> Result<Mat<D>, D::Err> {
    let (out, t) = b.clone().put_tape(std::mem::take(tape)).try_add(a.retaped::<T>())?.split_tape();
    *tape = t;
    Ok(out)
}

impl<D: Backend> Linear<D> for Composed {
    fn linear_residual<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        residual: &Mat<D>,
    ) -> Result<Mat<D>, D::Err> {
        let y = product(tape, x, weight)?;
        add(tape, residual, &y)
    }

    fn linear_positions<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        bias: &Mat<D>,
        positions: &Mat<D>,
        index: &[u32],
    ) -> Result<Mat<D>, D::Err> {
        let y = product(tape, x, weight)?;
        let shape = *y.shape();
        let ids =
            x.device().try_tensor_from_vec(index.iter().map(|&i| i as usize).collect(), (index.len(),))?;
        let pos = positions.clone().try_gather(ids)?;
        let b =
            bias.retaped::<T>().try_reshape_like(&(shape.1,))?.try_broadcast_like::<_, Axis<0>>(&shape)?;
        let (out, t) = y.put_tape(std::mem::take(tape)).try_add(b)?.try_add(pos)?.split_tape();
        *tape = t;
        Ok(out)
    }
}
