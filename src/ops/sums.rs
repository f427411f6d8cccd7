//! What the optimizer does to whole tensors: sums of squares and AdamW, in blocks of fixed size.

use super::simd::vectorized;
use super::{Backend, Mat};
use dfdx::prelude::*;
use rayon::prelude::*;

const BLOCK: usize = 4096;

/// `Σ x²` in double precision; blocks of 4,096 are added in order.
pub fn sum_of_squares(x: &[f32]) -> f64 {
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

/// The numbers of one AdamW update (REFERENCE §4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    pub lr: f64,
    pub betas: (f64, f64),
    pub eps: f64,
    /// Decoupled weight decay of this parameter; 0 for norms and biases.
    pub weight_decay: f64,
    /// Factor on the gradient (clipping).
    pub grad_scale: f64,
    /// Number of this update, from 1: bias correction.
    pub t: u64,
}

impl AdamW {
    fn corrections(&self) -> (f32, f32) {
        let c = |beta: f64| 1.0 - beta.powf(self.t as f64);
        ((self.lr / c(self.betas.0)) as f32, c(self.betas.1).sqrt() as f32)
    }
}

/// `p ← p (1 − lr·wd)`, `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
/// `p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)`.
///
/// Blocks whose gradient and moments are all zero only decay: the result is the same, and the
/// moments of ids that never occur never take up memory.
pub fn adamw_update(p: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], hyper: &AdamW) {
    const SMALL: usize = 512;
    let all = p
        .par_chunks_mut(SMALL)
        .zip(m.par_chunks_mut(SMALL))
        .zip(v.par_chunks_mut(SMALL))
        .zip(g.par_chunks(SMALL));
    all.with_min_len(16).for_each(|(((p, m), v), g)| {
        let decay = (1.0 - hyper.lr * hyper.weight_decay) as f32;
        if g.iter().chain(m.iter()).chain(v.iter()).all(|x| *x == 0.0) {
            super::simd::scale(p, decay);
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

/// The same update of dfdx primitives.
pub fn composed_adamw<D: Backend>(
    param: &mut Mat<D>,
    (m, v): &mut (Mat<D>, Mat<D>),
    g: Mat<D>,
    hyper: &AdamW,
) -> Result<(), D::Err> {
    let (step, root) = hyper.corrections();
    let (b1, b2) = (hyper.betas.0 as f32, hyper.betas.1 as f32);
    let g = g.try_mul(hyper.grad_scale as f32)?;
    *m = m.clone().try_mul(b1)?.try_add(g.clone().try_mul(1.0 - b1)?)?;
    *v = v.clone().try_mul(b2)?.try_add(g.try_square()?.try_mul(1.0 - b2)?)?;
    let denominator = v.clone().try_sqrt()?.try_div(root)?.try_add(hyper.eps as f32)?;
    let update = m.clone().try_div(denominator)?.try_mul(step)?;
    let decay = (1.0 - hyper.lr * hyper.weight_decay) as f32;
    *param = param.clone().try_mul(decay)?.try_sub(update)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::cpu::data;
    use super::super::testing::random;
    use super::*;

    const HYPER: AdamW =
        AdamW { lr: 0.01, betas: (0.9, 0.95), eps: 1e-8, weight_decay: 0.05, grad_scale: 0.5, t: 1 };

    #[test]
    fn the_first_step_moves_by_the_learning_rate() {
        let (mut p, mut m, mut v) = (vec![1.0, 1.0], vec![0.0; 2], vec![0.0; 2]);
        adamw_update(&mut p, &mut m, &mut v, &[3.0, -0.1], &HYPER);
        let decayed = 1.0 - 0.01 * 0.05;
        assert!((p[0] - (decayed - 0.01)).abs() < 1e-6 && (p[1] - (decayed + 0.01)).abs() < 1e-6, "{p:?}");
        assert!((m[0] - 0.15).abs() < 1e-7 && (v[0] - 0.1125).abs() < 1e-6);
    }

    #[test]
    fn blocks_without_gradient_only_decay() {
        let (mut p, mut m, mut v) = (vec![2.0; 1024], vec![0.0; 1024], vec![0.0; 1024]);
        let mut g = vec![0.0; 1024];
        g[700] = 1.0;
        adamw_update(&mut p, &mut m, &mut v, &g, &HYPER);
        assert_eq!(p[0], 2.0 * (1.0 - 0.01 * 0.05) as f32);
        assert_eq!(p[600], p[0]);
        assert!(p[700] < p[0] && m[0] == 0.0 && v[600] == 0.0);
    }

    #[test]
    fn composed_is_the_same() {
        let dev = Cpu::default();
        let (mut p, g) = (random(&dev, 7, 5, 1), random(&dev, 7, 5, 2));
        let mut moments = (random(&dev, 7, 5, 3), random(&dev, 7, 5, 4).square());
        let (mut p2, mut m2, mut v2) =
            (data(&p).to_vec(), data(&moments.0).to_vec(), data(&moments.1).to_vec());
        let hyper = AdamW { t: 7, ..HYPER };
        adamw_update(&mut p2, &mut m2, &mut v2, data(&g), &hyper);
        composed_adamw(&mut p, &mut moments, g, &hyper).unwrap();
        assert!(data(&p).iter().zip(&p2).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn squares_are_summed_in_double_precision() {
        let x = vec![1e-3_f32; 1_000_001];
        assert!((sum_of_squares(&x) - 1_000_001.0 * (1e-3_f32 as f64).powi(2)).abs() < 1e-9);
    }
}
