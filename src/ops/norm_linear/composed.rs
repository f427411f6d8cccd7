//! The two operations, one after the other.

use super::NormLinear;
use crate::ops::backend::{Backend, Composed, Mat};
use crate::ops::layer_norm::LayerNorm;
use crate::ops::linear::composed::product;
use dfdx::prelude::*;

impl<D: Backend> NormLinear<D> for Composed {
    fn norm_linear<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        gain: &Mat<D>,
        weight: &Mat<D>,
    ) -> Result<Mat<D>, D::Err> {
        let normed = Composed::layer_norm(tape, x, gain)?;
        product(tape, &normed, weight)
    }
}
