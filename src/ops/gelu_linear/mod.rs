//! Exact GELU and the linear layer behind it: `y = r + gelu(h) · Wᵀ`, `gelu(h) = h · Φ(h)`,
//! `Φ(h) = ½ (1 + erf(h / √2))`.
//!
//! Only `h` is kept. Backward: `∂W = ∂yᵀ · gelu(h)`, `∂h = (∂y · W) · (Φ(h) + h φ(h))`, `∂r = ∂y`.

use crate::ops::backend::{Backend, Mat};
use dfdx::prelude::*;

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

const INV_SQRT_2PI: f32 = 0.398_942_3;

/// Exact GELU and the linear layer behind it.
pub trait GeluLinear<D: Backend> {
    /// `residual + gelu(h) · Wᵀ` with the exact (erf) GELU: h `[T, K]`, W `[N, K]`, residual `[T, N]`.
    fn gelu_linear_residual<T: Tape<f32, D>>(
        tape: &mut T,
        h: &Mat<D>,
        weight: &Mat<D>,
        residual: &Mat<D>,
    ) -> Result<Mat<D>, D::Err>;
}

#[cfg(test)]
mod tests {
    use crate::ops::testing::op_test;

    op_test!(rows, [(9, 8), (5, 8), (9, 5)], 1e-5, |O, tape, x| {
        O::gelu_linear_residual(tape, &x[0], &x[1], &x[2])
    });
}
