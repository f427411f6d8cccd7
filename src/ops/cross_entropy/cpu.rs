//! Logits of a chunk of rows, turned into their gradient where they lie.

use super::{CrossEntropy, LossRows};
use crate::ops::backend::{Fused, LossAndRows, Mat};
use crate::ops::cpu::gemm::{matmul, View};
use crate::ops::cpu::memory::{add_grad, data, data_mut, matrix, take_grad};
use crate::ops::cpu::simd::{exp_row, scale};
use dfdx::prelude::*;
use rayon::prelude::*;

impl CrossEntropy<Cpu> for Fused {
    fn linear_cross_entropy<T: Tape<f32, Cpu>>(
        tape: &mut T,
        x: &Mat<Cpu>,
        weight: &Mat<Cpu>,
        rows: &LossRows,
    ) -> Result<LossAndRows<Cpu>, CpuError> {
        let (vocab, d) = *weight.shape();
        let mut ce = vec![0.0; rows.targets.len()];
        let mut dx = vec![0.0; if T::OWNS_TAPE { rows.targets.len() * d } else { 0 }];
        let mut dw = vec![0.0; if T::OWNS_TAPE { vocab * d } else { 0 }];
        let mut logits = Vec::new();
        for (limit, chunk) in rows.chunks(vocab) {
            let xs = gathered(x, &chunk);
            let n = chunk.len();
            logits.resize(n * limit, 0.0);
            matmul(&mut logits, (n, d, limit), View::rows(&xs, d), View::rows(data(weight), d).t(), false);
            let scores: Vec<f32> = logits
                .par_chunks_mut(limit)
                .zip(&chunk)
                .map(|(row, &r)| row_gradient(row, rows, r))
                .collect();
            chunk.iter().zip(scores).for_each(|(&r, s)| ce[r] = s);
            if T::OWNS_TAPE {
                let dl = View::rows(&logits, limit);
                matmul(&mut dw, (limit, n, d), dl.t(), View::rows(&xs, d), true);
                let mut part = xs;
                matmul(&mut part, (n, limit, d), dl, View::rows(data(weight), d), false);
                chunk.iter().zip(part.chunks(d)).for_each(|(&r, g)| dx[r * d..][..d].copy_from_slice(g));
            }
        }
        let loss = ce.iter().zip(&rows.weights).map(|(c, w)| *c as f64 * *w as f64).sum::<f64>() as f32;
        let (dev, n) = (x.device(), ce.len());
        let (loss, ce) = (dev.try_tensor(loss)?, dev.try_tensor_from_vec(ce, (n,))?);
        if T::OWNS_TAPE {
            let (x, weight, y) = (x.clone(), weight.clone(), loss.clone());
            tape.add_backward_op(move |grads| {
                let upstream = take_grad(grads, &y)?[0];
                if upstream != 1.0 {
                    scale(&mut dx, upstream);
                    scale(&mut dw, upstream);
                }
                add_grad(grads, &weight, dw)?;
                add_grad(grads, &x, dx)
            });
        }
        Ok((loss, ce))
    }

    fn logits(x: &Mat<Cpu>, weight: &Mat<Cpu>, rows: &[usize], limit: usize) -> Result<Mat<Cpu>, CpuError> {
        let (n, d) = (rows.len(), x.shape().1);
        let xs = gathered(x, rows);
        let mut logits = vec![0.0; n * limit];
        matmul(&mut logits, (n, d, limit), View::rows(&xs, d), View::rows(data(weight), d).t(), false);
        matrix(x.device(), logits, n, limit)
    }

    fn read<R>(mut logits: Mat<Cpu>, visit: impl FnOnce(&mut [f32]) -> R) -> R {
        visit(data_mut(&mut logits))
    }
}

/// Turns a row of logits into its gradient and returns its cross-entropy.
fn row_gradient(row: &mut [f32], rows: &LossRows, r: usize) -> f32 {
    let target = rows.targets[r] as usize;
    let logit = row[target];
    let (m, total) = exp_row(row);
    scale(row, rows.weights[r] / total);
    row[target] -= rows.weights[r];
    total.ln() + m - logit
}

/// The rows of a matrix that are asked for, one after another.
fn gathered(x: &Mat<Cpu>, rows: &[usize]) -> Vec<f32> {
    let d = x.shape().1;
    rows.iter().flat_map(|&r| data(x)[r * d..][..d].iter().copied()).collect()
}
