//! One product onto a copy of what is added.

use super::Linear;
use crate::ops::backend::{CudaKernels, Mat};
use crate::ops::cuda::blas::Factor;
use crate::ops::cuda::launch::{blocks, launch, threads_of_row, THREADS};
use crate::ops::cuda::memory::{grad, of, take_grad, Address};
use crate::ops::cuda::{output, Context};
use dfdx::prelude::*;

/// Rows of a part of the bias's gradient.
const HEIGHT: usize = 64;

/// `out = x · Wᵀ`, or added to it: x `[rows, k]`, W `[n, k]`, out `[rows, n]`.
pub fn forward(
    context: &Context,
    out: Address,
    x: Address,
    weight: &Mat<Cuda>,
    rows: usize,
    add: bool,
) -> Result<(), CudaError> {
    let (n, k) = *weight.shape();
    context.product(out, (rows, k, n), Factor::rows(x), Factor::transposed(of(weight)), add)
}

/// `∂W += ∂yᵀ · x`.
pub fn weight_gradient(
    context: &Context,
    grads: &mut Gradients<f32, Cuda>,
    weight: &Mat<Cuda>,
    (x, dy): (Address, Address),
    rows: usize,
) -> Result<(), CudaError> {
    let (n, k) = *weight.shape();
    context.product(grad(grads, weight)?, (n, rows, k), Factor::transposed(dy), Factor::rows(x), true)
}

/// `out = ∂y · W`, or added to it: out `[rows, k]`.
pub fn input_gradient(
    context: &Context,
    out: Address,
    weight: &Mat<Cuda>,
    dy: Address,
    rows: usize,
    add: bool,
) -> Result<(), CudaError> {
    let (n, k) = *weight.shape();
    context.product(out, (rows, n, k), Factor::rows(dy), Factor::rows(of(weight)), add)
}

/// `to += from`.
pub fn add(context: &Context, to: Address, from: Address, count: usize) -> Result<(), CudaError> {
    launch!(context, "add_assign", (blocks(count, THREADS), 1, 1), THREADS, 0; to, from, count as u64)?;
    Ok(())
}

impl Linear<Cuda> for CudaKernels {
    fn linear_residual<T: Tape<f32, Cuda>>(
        tape: &mut T,
        x: &Mat<Cuda>,
        weight: &Mat<Cuda>,
        residual: &Mat<Cuda>,
    ) -> Result<Mat<Cuda>, CudaError> {
        let (rows, n) = (x.shape().0, weight.shape().0);
        let (out, context) = output(x, rows, n)?;
        context.copy(of(&out), of(residual), rows * n)?;
        forward(&context, of(&out), of(x), weight, rows, true)?;
        if T::OWNS_TAPE {
            let (x, weight, residual, y) = (x.clone(), weight.clone(), residual.clone(), out.clone());
            tape.add_backward_op(move |grads| {
                let g = take_grad(grads, &y)?;
                weight_gradient(&context, grads, &weight, (of(&x), g.at()), rows)?;
                input_gradient(&context, grad(grads, &x)?, &weight, g.at(), rows, true)?;
                add(&context, grad(grads, &residual)?, g.at(), rows * n)
            });
        }
        Ok(out)
    }

    fn linear_positions<T: Tape<f32, Cuda>>(
        tape: &mut T,
        x: &Mat<Cuda>,
        weight: &Mat<Cuda>,
        bias: &Mat<Cuda>,
        positions: &Mat<Cuda>,
        index: &[u32],
    ) -> Result<Mat<Cuda>, CudaError> {
        let (rows, n) = (x.shape().0, weight.shape().0);
        let (out, context) = output(x, rows, n)?;
        let at = context.upload(index)?;
        launch!(context, "linear_positions", (rows as u32, 1, 1), threads_of_row(n), 0;
            of(&out), of(bias), of(positions), at.at(), n as u32)?;
        forward(&context, of(&out), of(x), weight, rows, true)?;
        if T::OWNS_TAPE {
            let (x, weight, bias, y) = (x.clone(), weight.clone(), bias.clone(), out.clone());
            tape.add_backward_op(move |grads| {
                let g = take_grad(grads, &y)?;
                weight_gradient(&context, grads, &weight, (of(&x), g.at()), rows)?;
                input_gradient(&context, grad(grads, &x)?, &weight, g.at(), rows, true)?;
                let (parts, columns) = (rows.div_ceil(HEIGHT), blocks(n, THREADS));
                let sums = context.scratch::<f32>(parts * n)?;
                launch!(context, "column_parts", (columns, parts as u32, 1), THREADS, 0;
                    sums.at(), g.at(), rows as u32, n as u32, HEIGHT as u32)?;
                launch!(context, "column_total", (columns, 1, 1), THREADS, 0;
                    grad(grads, &bias)?, sums.at(), parts as u32, n as u32)?;
                Ok(())
            });
        }
        Ok(out)
    }
}
