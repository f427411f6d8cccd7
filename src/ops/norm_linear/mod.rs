//! Layer norm and the linear layer behind it: `y = layer_norm(x, g) · Wᵀ`.
//!
//! Only `x` and the row statistics are kept; the normalized rows are made again in the backward pass:
//! `∂W = ∂yᵀ · n`, `∂n = ∂y · W`, then the layer norm's own gradient.

use crate::ops::backend::{Backend, Mat};
use dfdx::prelude::*;

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

/// Layer norm and the linear layer behind it.
pub trait NormLinear<D: Backend> {
    /// `layer_norm(x, gain) · Wᵀ`: `[T, D]`, W `[N, D]` → `[T, N]`.
    fn norm_linear<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        gain: &Mat<D>,
        weight: &Mat<D>,
    ) -> Result<Mat<D>, D::Err>;
}

#[cfg(test)]
mod tests {
    use crate::ops::testing::op_test;

    op_test!(rows, [(67, 6), (1, 6), (5, 6)], 1e-5, |O, tape, x| O::norm_linear(tape, &x[0], &x[1], &x[2]));
}
