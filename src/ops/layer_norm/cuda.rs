//! One block a row; statistics are kept. The gain's gradient adds blocks of rows in order.

use super::{LayerNorm, EPSILON};
use crate::ops::backend::{CudaKernels, Mat};
use crate::ops::cuda::launch::{blocks, launch, threads_of_row, THREADS};
use crate::ops::cuda::memory::{grad, of, take_grad, Address, Scratch};
use crate::ops::cuda::{output, Context};
use dfdx::prelude::*;

/// Rows of a part of the gain's gradient.
const HEIGHT: usize = 64;

/// The mean and the reciprocal deviation of each row.
pub struct Statistics {
    means: Scratch<f32>,
    rstds: Scratch<f32>,
}

/// The normalized rows into `out`.
pub fn forward(
    context: &Context,
    out: Address,
    x: &Mat<Cuda>,
    gain: &Mat<Cuda>,
) -> Result<Statistics, CudaError> {
    let (rows, dim) = *x.shape();
    let statistics = Statistics { means: context.scratch(rows)?, rstds: context.scratch(rows)? };
    launch!(context, "layer_norm_forward", (rows as u32, 1, 1), threads_of_row(dim), 0;
        out, statistics.means.at(), statistics.rstds.at(), of(x), of(gain), dim as u32, EPSILON as f32)?;
    Ok(statistics)
}

/// The normalized rows once more.
pub fn again(
    context: &Context,
    out: Address,
    (x, gain): (&Mat<Cuda>, &Mat<Cuda>),
    statistics: &Statistics,
) -> Result<(), CudaError> {
    let (rows, dim) = *x.shape();
    launch!(context, "layer_norm_again", (rows as u32, 1, 1), threads_of_row(dim), 0;
        out, of(x), of(gain), statistics.means.at(), statistics.rstds.at(), dim as u32)?;
    Ok(())
}

/// Adds to the gradients of `x` and `gain`, from `dy`.
pub fn backward(
    context: &Context,
    grads: &mut Gradients<f32, Cuda>,
    (x, gain): (&Mat<Cuda>, &Mat<Cuda>),
    statistics: &Statistics,
    dy: Address,
) -> Result<(), CudaError> {
    let (rows, dim) = *x.shape();
    let (means, rstds) = (statistics.means.at(), statistics.rstds.at());
    launch!(context, "layer_norm_backward", (rows as u32, 1, 1), threads_of_row(dim), 0;
        grad(grads, x)?, of(x), of(gain), means, rstds, dy, dim as u32)?;
    let (parts, columns) = (rows.div_ceil(HEIGHT), blocks(dim, THREADS));
    let sums = context.scratch::<f32>(parts * dim)?;
    launch!(context, "layer_norm_gain_parts", (columns, parts as u32, 1), THREADS, 0;
        sums.at(), of(x), means, rstds, dy, rows as u32, dim as u32, HEIGHT as u32)?;
    launch!(context, "column_total", (columns, 1, 1), THREADS, 0;
        grad(grads, gain)?, sums.at(), parts as u32, dim as u32)?;
    Ok(())
}

impl LayerNorm<Cuda> for CudaKernels {
    fn layer_norm<T: Tape<f32, Cuda>>(
        tape: &mut T,
        x: &Mat<Cuda>,
        gain: &Mat<Cuda>,
    ) -> Result<Mat<Cuda>, CudaError> {
        let (rows, dim) = *x.shape();
        let (out, context) = output(x, rows, dim)?;
        let statistics = forward(&context, of(&out), x, gain)?;
        if T::OWNS_TAPE {
            let (x, gain, y) = (x.clone(), gain.clone(), out.clone());
            tape.add_backward_op(move |grads| {
                let g = take_grad(grads, &y)?;
                backward(&context, grads, (&x, &gain), &statistics, g.at())
            });
        }
        Ok(out)
    }
}
