//! GELU into a buffer, the product onto a copy of the residual; the buffer is made again in the backward pass.

use super::GeluLinear;
use crate::ops::backend::{CudaKernels, Mat};
use crate::ops::cuda::launch::{blocks, launch, THREADS};
use crate::ops::cuda::memory::{grad, of, take_grad, Scratch};
use crate::ops::cuda::{output, Context};
use crate::ops::linear::cuda as linear;
use dfdx::prelude::*;

fn gelu(context: &Context, h: &Mat<Cuda>) -> Result<Scratch<f32>, CudaError> {
    let count = h.shape().0 * h.shape().1;
    let active = context.scratch(count)?;
    launch!(context, "gelu_forward", (blocks(count, THREADS), 1, 1), THREADS, 0; active.at(), of(h), count as u64)?;
    Ok(active)
}

impl GeluLinear<Cuda> for CudaKernels {
    fn gelu_linear_residual<T: Tape<f32, Cuda>>(
        tape: &mut T,
        h: &Mat<Cuda>,
        weight: &Mat<Cuda>,
        residual: &Mat<Cuda>,
    ) -> Result<Mat<Cuda>, CudaError> {
        let ((rows, k), n) = (*h.shape(), weight.shape().0);
        let (out, context) = output(h, rows, n)?;
        let active = gelu(&context, h)?;
        context.copy(of(&out), of(residual), rows * n)?;
        linear::forward(&context, of(&out), active.at(), weight, rows, true)?;
        if T::OWNS_TAPE {
            let (h, weight, residual, y) = (h.clone(), weight.clone(), residual.clone(), out.clone());
            tape.add_backward_op(move |grads| {
                let g = take_grad(grads, &y)?;
                let buffer = gelu(&context, &h)?;
                linear::weight_gradient(&context, grads, &weight, (buffer.at(), g.at()), rows)?;
                linear::input_gradient(&context, buffer.at(), &weight, g.at(), rows, false)?;
                let count = rows * k;
                launch!(context, "gelu_backward", (blocks(count, THREADS), 1, 1), THREADS, 0;
                    grad(grads, &h)?, of(&h), buffer.at(), count as u64)?;
                linear::add(&context, grad(grads, &residual)?, g.at(), rows * n)
            });
        }
        Ok(out)
    }
}
