//! Logits of a chunk of rows, turned into their gradient where they lie; scores of rows without the logits leaving
//! the device.

use super::rows::chunks_of;
use super::{CrossEntropy, LossRows, RowScore, ScoredRows};
use crate::ops::backend::{CudaKernels, LossAndRows, Mat};
use crate::ops::card_memory::logit_rows;
use crate::ops::cuda::blas::Factor;
use crate::ops::cuda::launch::{blocks, launch, threads_of_row, THREADS};
use crate::ops::cuda::memory::{grad, of, take_grad, Address, Scratch};
use crate::ops::cuda::{output, Context, List};
use dfdx::prelude::*;

/// Threads of a block that goes over a row of logits.
const ROW: u32 = 512;

/// Rows of a matrix, one after another, whose products with a weight have been made.
struct Chunk {
    xs: Scratch<f32>,
    which: List,
}

/// Products of some `rows` of `x` with the first `limit` rows of a weight, into `logits` `[rows, limit]`.
fn products(
    context: &Context,
    logits: Address,
    x: &Mat<Cuda>,
    (weight, limit): (&Mat<Cuda>, usize),
    rows: &[usize],
) -> Result<Chunk, CudaError> {
    let (n, dim) = (rows.len(), x.shape().1);
    let which = context.upload(&rows.iter().map(|&r| r as u32).collect::<Vec<u32>>())?;
    let xs = context.scratch::<f32>(n * dim)?;
    launch!(context, "cross_entropy_gather", (n as u32, 1, 1), threads_of_row(dim), 0;
        xs.at(), of(x), which.at(), dim as u32)?;
    let factors = (Factor::rows(xs.at()), Factor::transposed(of(weight)));
    context.product(logits, (n, dim, limit), factors.0, factors.1, false)?;
    Ok(Chunk { xs, which })
}

impl CrossEntropy<Cuda> for CudaKernels {
    fn linear_cross_entropy<T: Tape<f32, Cuda>>(
        tape: &mut T,
        x: &Mat<Cuda>,
        weight: &Mat<Cuda>,
        rows: &LossRows,
    ) -> Result<LossAndRows<Cuda>, CudaError> {
        let (dev, (vocab, dim), n) = (x.device(), *weight.shape(), rows.targets.len());
        if n == 0 {
            // CUDA does not allocate nothing: a row that nobody asks for.
            return Ok((dev.try_zeros()?, dev.try_zeros_like(&(1,))?));
        }
        let context = Context::of(x);
        let loss: Tensor<Rank0, f32, Cuda> = dev.try_zeros()?;
        let ce = dev.try_zeros_like(&(n,))?;
        let (targets, weights) = (context.upload(&rows.targets)?, context.upload(&rows.weights)?);
        let gradient =
            if T::OWNS_TAPE { Some((output(x, n, dim)?.0, output(x, vocab, dim)?.0)) } else { None };
        for (limit, which) in chunks_of(&rows.limits, logit_rows(context.memory(), vocab)) {
            let count = which.len();
            let buffer = context.scratch::<f32>(count * limit)?;
            let part = products(&context, buffer.at(), x, (weight, limit), &which)?;
            let (xs, logits) = (part.xs.at(), buffer.at());
            launch!(&context, "cross_entropy_rows", (count as u32, 1, 1), ROW, 0;
                logits, of(&ce), part.which.at(), targets.at(), weights.at(), limit as u32,
                i32::from(T::OWNS_TAPE))?;
            if let Some((dx, dw)) = &gradient {
                let sides = (Factor::transposed(logits), Factor::rows(xs));
                context.product(of(dw), (limit, count, dim), sides.0, sides.1, true)?;
                // The rows are no longer needed: their gradient takes their place.
                let sides = (Factor::rows(logits), Factor::rows(of(weight)));
                context.product(xs, (count, limit, dim), sides.0, sides.1, false)?;
                launch!(&context, "cross_entropy_scatter", (count as u32, 1, 1), threads_of_row(dim), 0;
                    of(dx), xs, part.which.at(), dim as u32)?;
            }
        }
        launch!(&context, "cross_entropy_loss", (1, 1, 1), 1024, 0; of(&loss), of(&ce), weights.at(), n as u32)?;
        if let Some((dx, dw)) = gradient {
            let (x, weight, y) = (x.clone(), weight.clone(), loss.clone());
            tape.add_backward_op(move |grads| {
                let upstream = take_grad(grads, &y)?;
                for (to, from) in [(&weight, &dw), (&x, &dx)] {
                    let count = to.shape().0 * to.shape().1;
                    launch!(&context, "add_scaled", (blocks(count, THREADS), 1, 1), THREADS, 0;
                        grad(grads, to)?, of(from), upstream.at(), count as u64)?;
                }
                Ok(())
            });
        }
        Ok((loss, ce))
    }

    fn logits(
        x: &Mat<Cuda>,
        weight: &Mat<Cuda>,
        rows: &[usize],
        limit: usize,
    ) -> Result<Mat<Cuda>, CudaError> {
        let (out, context) = output(x, rows.len(), limit)?;
        products(&context, of(&out), x, (weight, limit), rows)?;
        Ok(out)
    }

    fn read<R>(logits: Mat<Cuda>, visit: impl FnOnce(&mut [f32]) -> R) -> R {
        visit(&mut logits.as_vec())
    }

    fn scores(
        x: &Mat<Cuda>,
        weight: &Mat<Cuda>,
        limits: &[u32],
        truths: &[&[u32]],
    ) -> Result<ScoredRows, CudaError> {
        let (context, vocab) = (Context::of(x), weight.shape().0);
        let mut scored = ScoredRows::blank(limits.len(), truths.len());
        // What is on its way, and the rows it is about.
        let mut parts = Vec::new();
        for (limit, which) in chunks_of(limits, logit_rows(context.memory(), vocab)) {
            let n = which.len();
            let logits = context.scratch::<f32>(n * limit)?;
            products(&context, logits.at(), x, (weight, limit), &which)?;
            let ids: Vec<u32> = truths.iter().flat_map(|ids| which.iter().map(|&r| ids[r])).collect();
            let ids = context.upload(&ids)?;
            let found = context.scratch::<f32>(n * (2 + truths.len()))?;
            launch!(&context, "cross_entropy_scores", (n as u32, 1, 1), ROW, 0;
                found.at(), found.at().plus(n), found.at().plus(2 * n), logits.at(), ids.at(),
                truths.len() as u32, n as u32, limit as u32)?;
            parts.push((which, found));
        }
        let lists: Vec<(Address, usize)> = parts.iter().map(|(_, found)| (found.at(), found.len())).collect();
        for ((which, _), found) in parts.iter().zip(context.read(&lists)?) {
            let n = which.len();
            for (i, &r) in which.iter().enumerate() {
                // The ids lie among the numbers bit by bit.
                scored.rows[r] = RowScore { log_sum: found[i], argmax: found[n + i].to_bits() };
                for t in 0..truths.len() {
                    scored.logits[t][r] = found[(2 + t) * n + i];
                }
            }
        }
        Ok(scored)
    }
}
