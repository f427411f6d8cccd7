//! Blocks of fixed size on all threads; sums of squares add their blocks in order.

use super::{AdamW, Optimizer};
use crate::ops::backend::{Fused, Mat};
use crate::ops::cpu::memory::{data, data_mut, matrix, take_grad};
use crate::ops::cpu::simd::{add_assign, scale, vectorized};
use dfdx::prelude::*;
use rayon::prelude::*;

impl Optimizer<Cpu> for Fused {
    fn take_grads(mut grads: Gradients<f32, Cpu>, params: &[Mat<Cpu>]) -> Result<Vec<Mat<Cpu>>, CpuError> {
        let mut take = |p: &Mat<Cpu>| {
            let (rows, cols) = *p.shape();
            matrix(p.device(), take_grad(&mut grads, p)?, rows, cols)
        };
        params.iter().map(&mut take).collect()
    }

    fn add_grads(sum: &mut [Mat<Cpu>], part: Vec<Mat<Cpu>>) -> Result<(), CpuError> {
        for (sum, part) in sum.iter_mut().zip(part) {
            let blocks = data_mut(sum).par_chunks_mut(BLOCK).zip(data(&part).par_chunks(BLOCK));
            blocks.for_each(|(sum, part)| add_assign(sum, part));
        }
        Ok(())
    }

    fn grad_norm(grads: &[Mat<Cpu>]) -> Result<f64, CpuError> {
        Ok(grads.iter().map(|g| sum_of_squares(data(g))).sum::<f64>().sqrt())
    }

    fn adamw(
        params: &mut [Mat<Cpu>],
        moments: &mut [(Mat<Cpu>, Mat<Cpu>)],
        grads: Vec<Mat<Cpu>>,
        weight_decays: &[f64],
        hyper: &AdamW,
    ) -> Result<(), CpuError> {
        for (((param, (m, v)), g), decay) in params.iter_mut().zip(moments).zip(grads).zip(weight_decays) {
            update(data_mut(param), (data_mut(m), data_mut(v)), data(&g), *decay, hyper);
        }
        Ok(())
    }
}

const BLOCK: usize = 4096;

/// `Σ x²` in double precision; blocks of 4,096 are added in order.
fn sum_of_squares(x: &[f32]) -> f64 {
    let blocks: Vec<f64> = x.par_chunks(BLOCK).map(block_square_sum).collect();
    blocks.iter().sum()
}

vectorized! {
    fn block_square_sum(x: &[f32]) -> f64 {
        let mut acc = [0.0_f64; 8];
        for c in x.chunks(8) {
            for (a, v) in acc.iter_mut().zip(c) {
                *a += *v as f64 * *v as f64;
            }
        }
        acc.iter().sum()
    }
}

/// Blocks whose gradient and moments are all zero only decay: the result is the same, and the
/// moments of ids that never occur never take up memory.
fn update(p: &mut [f32], (m, v): (&mut [f32], &mut [f32]), g: &[f32], weight_decay: f64, hyper: &AdamW) {
    const SMALL: usize = 512;
    let all = p
        .par_chunks_mut(SMALL)
        .zip(m.par_chunks_mut(SMALL))
        .zip(v.par_chunks_mut(SMALL))
        .zip(g.par_chunks(SMALL));
    all.with_min_len(16).for_each(|(((p, m), v), g)| {
        let decay = (1.0 - hyper.lr * weight_decay) as f32;
        if g.iter().chain(m.iter()).chain(v.iter()).all(|x| *x == 0.0) {
            scale(p, decay);
        } else {
            let (step, root) = hyper.corrections();
            let (b1, b2) = (hyper.betas.0 as f32, hyper.betas.1 as f32);
            adamw_block(p, m, v, g, decay, hyper.grad_scale as f32, b1, b2, step, root, hyper.eps as f32);
        }
    });
}

vectorized! {
    fn adamw_block(p: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], decay: f32, scale: f32, b1: f32, b2: f32,
                   step: f32, root: f32, eps: f32) {
        for i in 0..p.len() {
            let g = g[i] * scale;
            m[i] = b1 * m[i] + (1.0 - b1) * g;
            v[i] = b2 * v[i] + (1.0 - b2) * g * g;
            p[i] = p[i] * decay - step * m[i] / (v[i].sqrt() / root + eps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYPER: AdamW = AdamW { lr: 0.01, betas: (0.9, 0.95), eps: 1e-8, grad_scale: 0.5, t: 1 };

    #[test]
    fn the_first_step_moves_by_the_learning_rate() {
        let (mut p, mut m, mut v) = (vec![1.0, 1.0], vec![0.0; 2], vec![0.0; 2]);
        update(&mut p, (&mut m, &mut v), &[3.0, -0.1], 0.05, &HYPER);
        let decayed = 1.0 - 0.01 * 0.05;
        assert!((p[0] - (decayed - 0.01)).abs() < 1e-6 && (p[1] - (decayed + 0.01)).abs() < 1e-6, "{p:?}");
        assert!((m[0] - 0.15).abs() < 1e-7 && (v[0] - 0.1125).abs() < 1e-6);
    }

    #[test]
    fn blocks_without_gradient_only_decay() {
        let (mut p, mut m, mut v) = (vec![2.0; 1024], vec![0.0; 1024], vec![0.0; 1024]);
        let mut g = vec![0.0; 1024];
        g[700] = 1.0;
        update(&mut p, (&mut m, &mut v), &g, 0.05, &HYPER);
        assert_eq!(p[0], 2.0 * (1.0 - 0.01 * 0.05) as f32);
        assert_eq!(p[600], p[0]);
        assert!(p[700] < p[0] && m[0] == 0.0 && v[600] == 0.0);
    }

    #[test]
    fn squares_are_summed_in_double_precision() {
        let x = vec![1e-3_f32; 1_000_001];
        assert!((sum_of_squares(&x) - 1_000_001.0 * (1e-3_f32 as f64).powi(2)).abs() < 1e-9);
    }
}
