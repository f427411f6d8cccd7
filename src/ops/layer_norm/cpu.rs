//! One pass over each row; blocks of 64 rows on all threads.

use super::{LayerNorm, EPSILON};
use crate::ops::backend::{Fused, Mat};
use crate::ops::cpu::memory::{add_grad, data, grad_mut, matrix, take_grad};
use crate::ops::cpu::simd::{add_assign, sum, vectorized};
use dfdx::prelude::*;
use rayon::prelude::*;

const BLOCK: usize = 64;

vectorized! {
    /// Normalizes rows into `out`; `stats` receives (mean, rstd) of each row.
    fn forward_block(x: &[f32], gain: &[f32], out: &mut [f32], stats: &mut [(f32, f32)]) {
        let d = gain.len();
        for ((x, out), st) in x.chunks_exact(d).zip(out.chunks_exact_mut(d)).zip(stats) {
            let mean = sum(d, |i| x[i]) / d as f32;
            let var = sum(d, |i| (x[i] - mean) * (x[i] - mean)) / d as f32;
            let rstd = 1.0 / (var + EPSILON as f32).sqrt();
            for i in 0..d {
                out[i] = (x[i] - mean) * rstd * gain[i];
            }
            *st = (mean, rstd);
        }
    }
}

vectorized! {
    /// Normalizes rows again from their stored statistics.
    fn again_block(x: &[f32], gain: &[f32], out: &mut [f32], stats: &[(f32, f32)]) {
        let d = gain.len();
        for ((x, out), (mean, rstd)) in x.chunks_exact(d).zip(out.chunks_exact_mut(d)).zip(stats) {
            for i in 0..d {
                out[i] = (x[i] - mean) * rstd * gain[i];
            }
        }
    }
}

vectorized! {
    /// Replaces `dy` by `∂x` and adds to `dgain`.
    fn backward_block(x: &[f32], gain: &[f32], stats: &[(f32, f32)], dy: &mut [f32], dgain: &mut [f32]) {
        let d = gain.len();
        for ((x, dy), &(mean, rstd)) in x.chunks_exact(d).zip(dy.chunks_exact_mut(d)).zip(stats) {
            let h_mean = sum(d, |i| dy[i] * gain[i]) / d as f32;
            let hx_mean = sum(d, |i| dy[i] * gain[i] * ((x[i] - mean) * rstd)) / d as f32;
            for i in 0..d {
                let xhat = (x[i] - mean) * rstd;
                dgain[i] += dy[i] * xhat;
                dy[i] = rstd * (dy[i] * gain[i] - h_mean - xhat * hx_mean);
            }
        }
    }
}

/// Normalized rows and each row's (mean, rstd).
pub fn forward(x: &[f32], gain: &[f32]) -> (Vec<f32>, Vec<(f32, f32)>) {
    let d = gain.len();
    let mut out = vec![0.0; x.len()];
    let mut stats = vec![(0.0, 0.0); x.len() / d];
    out.par_chunks_mut(BLOCK * d)
        .zip(stats.par_chunks_mut(BLOCK))
        .zip(x.par_chunks(BLOCK * d))
        .for_each(|((out, stats), x)| forward_block(x, gain, out, stats));
    (out, stats)
}

/// The normalized rows, recomputed: cheaper than keeping them until the backward pass.
pub fn again(x: &[f32], gain: &[f32], stats: &[(f32, f32)]) -> Vec<f32> {
    let d = gain.len();
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(BLOCK * d)
        .zip(stats.par_chunks(BLOCK))
        .zip(x.par_chunks(BLOCK * d))
        .for_each(|((out, stats), x)| again_block(x, gain, out, stats));
    out
}

/// Turns `∂y` into `∂x` in place and returns `∂gain`.
pub fn backward(x: &[f32], gain: &[f32], stats: &[(f32, f32)], dy: &mut [f32]) -> Vec<f32> {
    let d = gain.len();
    let partial: Vec<Vec<f32>> = dy
        .par_chunks_mut(BLOCK * d)
        .zip(stats.par_chunks(BLOCK))
        .zip(x.par_chunks(BLOCK * d))
        .map(|((dy, stats), x)| {
            let mut dgain = vec![0.0; d];
            backward_block(x, gain, stats, dy, &mut dgain);
            dgain
        })
        .collect();
    let mut total = vec![0.0; d];
    partial.iter().for_each(|p| add_assign(&mut total, p));
    total
}

impl LayerNorm<Cpu> for Fused {
    fn layer_norm<T: Tape<f32, Cpu>>(
        tape: &mut T,
        x: &Mat<Cpu>,
        gain: &Mat<Cpu>,
    ) -> Result<Mat<Cpu>, CpuError> {
        let (rows, d) = *x.shape();
        let (values, stats) = forward(data(x), data(gain));
        let out = matrix(x.device(), values, rows, d)?;
        if T::OWNS_TAPE {
            let (x, gain, y) = (x.clone(), gain.clone(), out.clone());
            tape.add_backward_op(move |grads| {
                let mut g = take_grad(grads, &y)?;
                let dgain = backward(data(&x), data(&gain), &stats, &mut g);
                add_assign(grad_mut(grads, &gain)?, &dgain);
                add_grad(grads, &x, g)
            });
        }
        Ok(out)
    }
}
