//! dfdx's own normalization, times the gain.

use super::{LayerNorm, EPSILON};
use crate::ops::backend::{Backend, Composed, Mat};
use dfdx::prelude::*;

impl<D: Backend> LayerNorm<D> for Composed {
    fn layer_norm<T: Tape<f32, D>>(tape: &mut T, x: &Mat<D>, gain: &Mat<D>) -> Result<Mat<D>, D::Err> {
        let shape = *x.shape();
        let xhat = x.clone().put_tape(std::mem::take(tape)).try_normalize::<Axis<1>>(EPSILON)?;
        let g =
            gain.retaped::<T>().try_reshape_like(&(shape.1,))?.try_broadcast_like::<_, Axis<0>>(&shape)?;
        let (out, t) = xhat.try_mul(g)?.split_tape();
        *tape = t;
        Ok(out)
    }
}
