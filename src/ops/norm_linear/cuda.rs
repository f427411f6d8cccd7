//! The normalized rows live only until the product is made.

use super::NormLinear;
use crate::ops::backend::{CudaKernels, Mat};
use crate::ops::cuda::memory::{of, take_grad};
use crate::ops::cuda::output;
use crate::ops::layer_norm::cuda as layer_norm;
use crate::ops::linear::cuda as linear;
use dfdx::prelude::*;

impl NormLinear<Cuda> for CudaKernels {
    fn norm_linear<T: Tape<f32, Cuda>>(
        tape: &mut T,
        x: &Mat<Cuda>,
        gain: &Mat<Cuda>,
        weight: &Mat<Cuda>,
    ) -> Result<Mat<Cuda>, CudaError> {
        let ((rows, dim), n) = (*x.shape(), weight.shape().0);
        let (out, context) = output(x, rows, n)?;
        let normed = context.scratch::<f32>(rows * dim)?;
        let statistics = layer_norm::forward(&context, normed.at(), x, gain)?;
        linear::forward(&context, of(&out), normed.at(), weight, rows, false)?;
        if T::OWNS_TAPE {
            let (x, gain, weight, y) = (x.clone(), gain.clone(), weight.clone(), out.clone());
            tape.add_backward_op(move |grads| {
                let g = take_grad(grads, &y)?;
                let normed = context.scratch::<f32>(rows * dim)?;
                layer_norm::again(&context, normed.at(), (&x, &gain), &statistics)?;
                linear::weight_gradient(&context, grads, &weight, (normed.at(), g.at()), rows)?;
                // The rows are no longer needed: their gradient takes their place.
                linear::input_gradient(&context, normed.at(), &weight, g.at(), rows, false)?;
                layer_norm::backward(&context, grads, (&x, &gain), &statistics, normed.at())
            });
        }
        Ok(out)
    }
}
