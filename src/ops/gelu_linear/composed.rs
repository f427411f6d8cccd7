//! GELU of dfdx primitives, set right, then the linear layer.

use super::{GeluLinear, INV_SQRT_2PI};
use crate::ops::backend::{Backend, Composed, Mat};
use crate::ops::linear::Linear;
use dfdx::prelude::*;

/// GELU of dfdx primitives. dfdx 0.13.0's `accurate_gelu` has the right value but a wrong slope
/// (`Φ(x) + √2 · x φ(x)`: its density lacks the factor 1/√2), on CPU and CUDA alike. A term whose value is
/// zero and whose slope is the difference, `−(√2 − 1) x φ(x)`, sets it right: `φ′(x) = −x φ(x)`.
fn gelu<D: Backend, T: Tape<f32, D>>(tape: &mut T, h: &Mat<D>) -> Result<Mat<D>, D::Err> {
    let excess = (2.0_f64.sqrt() - 1.0) as f32;
    let density = |x: Tensor<(usize, usize), f32, D, T>| {
        x.try_square()?.try_mul(-0.5_f32)?.try_exp()?.try_mul(INV_SQRT_2PI * excess)
    };
    let value = h.clone().put_tape(std::mem::take(tape)).try_accurate_gelu()?;
    let moving = density(h.retaped::<T>())?;
    let (fixed, _) = density(h.retaped::<T>())?.split_tape();
    let (out, t) = value.try_add(moving.try_sub(fixed)?)?.split_tape();
    *tape = t;
    Ok(out)
}

impl<D: Backend> GeluLinear<D> for Composed {
    fn gelu_linear_residual<T: Tape<f32, D>>(
        tape: &mut T,
        h: &Mat<D>,
        weight: &Mat<D>,
        residual: &Mat<D>,
    ) -> Result<Mat<D>, D::Err> {
        let active = gelu(tape, h)?;
        Composed::linear_residual(tape, &active, weight, residual)
    }
}
