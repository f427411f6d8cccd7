//! Layer norm without bias: `y = x̂ · g`, `x̂ = (x − mean) · rstd`, `rstd = (var + 1e-6)^-½`, over each row.
//!
//! Backward: with `h = ∂y · g`, `∂x = rstd · (h − mean(h) − x̂ · mean(h · x̂))` and `∂g = Σ_rows ∂y · x̂`.
//! Rows are handled in blocks of 64; the gain's gradient adds the blocks in order, whatever the threads.

use crate::ops::backend::{Backend, Mat};
use dfdx::prelude::*;

mod composed;
pub(in crate::ops) mod cpu;
#[cfg(feature = "cuda")]
pub(in crate::ops) mod cuda;

/// Added to the variance.
pub const EPSILON: f64 = 1e-6;

/// Layer norm without bias.
pub trait LayerNorm<D: Backend> {
    /// `(x − mean) / sqrt(var + 1e-6) · gain` over each row: `[T, D]`, gain `[1, D]`.
    fn layer_norm<T: Tape<f32, D>>(tape: &mut T, x: &Mat<D>, gain: &Mat<D>) -> Result<Mat<D>, D::Err>;
}

#[cfg(test)]
mod tests {
    use crate::ops::testing::op_test;

    op_test!(rows, [(70, 6), (1, 6)], 1e-5, |O, tape, x| O::layer_norm(tape, &x[0], &x[1]));
}
