//! Linear layers without activation: `r + x · Wᵀ`, and `x · Wᵀ + b + positions[p]` for the decoder's context.
//!
//! Backward: `∂x = ∂y · W`, `∂W = ∂yᵀ · x`, `∂b = Σ_rows ∂y`, `∂r = ∂y`.

use crate::ops::backend::{Backend, Mat};
use dfdx::prelude::*;

pub(in crate::ops) mod composed;
mod cpu;
#[cfg(feature = "cuda")]
pub(in crate::ops) mod cuda;

/// Linear layers without activation.
pub trait Linear<D: Backend> {
    /// `residual + x · Wᵀ`: x `[T, K]`, W `[N, K]`, residual `[T, N]`.
    fn linear_residual<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        residual: &Mat<D>,
    ) -> Result<Mat<D>, D::Err>;

    /// `x · Wᵀ + bias + positions[p_t]`: x `[T, D]`, W `[N, D]`, bias `[1, N]`, constant positions `[P, N]`.
    fn linear_positions<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        bias: &Mat<D>,
        positions: &Mat<D>,
        index: &[u32],
    ) -> Result<Mat<D>, D::Err>;
}

#[cfg(test)]
mod tests {
    use crate::ops::testing::op_test;

    op_test!(residual, [(9, 6), (5, 6), (9, 5)], 1e-5, |O, tape, x| {
        O::linear_residual(tape, &x[0], &x[1], &x[2])
    });

    op_test!(positions, [(5, 6), (5, 6), (1, 5)], 1e-5, |O, tape, x| {
        let table = random(x[0].device(), 4, 5, 9);
        O::linear_positions(tape, &x[0], &x[1], &x[2], &table, &[3, 0, 0, 1, 2])
    });
}
