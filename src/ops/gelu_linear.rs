//! Exact GELU and the linear layer behind it: `y = r + gelu(h) · Wᵀ`, `gelu(h) = h · Φ(h)`,
//! `Φ(h) = ½ (1 + erf(h / √2))`.
//!
//! Only `h` is kept. Backward: `∂W = ∂yᵀ · gelu(h)`, `∂h = (∂y · W) · (Φ(h) + h φ(h))`, `∂r = ∂y`.

use super::cpu::{add_grad, data, grad_mut, matrix, take_grad};
use super::gemm::{matmul, View};
use super::simd::{erf, exp, vectorized};
use super::{Backend, Mat};
use dfdx::prelude::*;
use rayon::prelude::*;
use std::f32::consts::FRAC_1_SQRT_2;

const BLOCK: usize = 4096;
const INV_SQRT_2PI: f32 = 0.398_942_3;

vectorized! {
    fn gelu_block(h: &[f32], out: &mut [f32]) {
        for (o, &x) in out.iter_mut().zip(h) {
            *o = 0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2));
        }
    }
}

vectorized! {
    /// Multiplies `g` by the derivative of GELU at `h`.
    fn slope_block(h: &[f32], g: &mut [f32]) {
        for (g, &x) in g.iter_mut().zip(h) {
            *g *= 0.5 * (1.0 + erf(x * FRAC_1_SQRT_2)) + x * INV_SQRT_2PI * exp(-0.5 * x * x);
        }
    }
}

fn gelu(h: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; h.len()];
    out.par_chunks_mut(BLOCK).zip(h.par_chunks(BLOCK)).for_each(|(o, h)| gelu_block(h, o));
    out
}

pub fn fused<T: Tape<f32, Cpu>>(
    tape: &mut T,
    h: &Mat<Cpu>,
    weight: &Mat<Cpu>,
    residual: &Mat<Cpu>,
) -> Result<Mat<Cpu>, CpuError> {
    let ((rows, k), n) = (*h.shape(), weight.shape().0);
    let active = gelu(data(h));
    let mut values = data(residual).to_vec();
    matmul(&mut values, (rows, k, n), View::rows(&active, k), View::rows(data(weight), k).t(), true);
    let out = matrix(h.device(), values, rows, n)?;
    if T::OWNS_TAPE {
        let (h, weight, residual, y) = (h.clone(), weight.clone(), residual.clone(), out.clone());
        tape.add_backward_op(move |grads| {
            let g = take_grad(grads, &y)?;
            let mut buffer = gelu(data(&h));
            let dy = View::rows(&g, n);
            matmul(grad_mut(grads, &weight)?, (n, rows, k), dy.t(), View::rows(&buffer, k), true);
            matmul(&mut buffer, (rows, n, k), dy, View::rows(data(&weight), k), false);
            buffer.par_chunks_mut(BLOCK).zip(data(&h).par_chunks(BLOCK)).for_each(|(g, h)| slope_block(h, g));
            add_grad(grads, &h, buffer)?;
            add_grad(grads, &residual, g)
        });
    }
    Ok(out)
}

/// GELU of dfdx primitives. dfdx 0.13.0's `accurate_gelu` has the right value but a wrong slope
/// (`Φ(x) + √2 · x φ(x)`: its density lacks the factor 1/√2), on CPU and CUDA alike. A term whose value is
/// zero and whose slope is the difference, `−(√2 − 1) x φ(x)`, sets it right: `φ′(x) = −x φ(x)`.
pub fn composed_gelu<D: Backend, T: Tape<f32, D>>(tape: &mut T, h: &Mat<D>) -> Result<Mat<D>, D::Err> {
    let excess = (2.0_f64.sqrt() - 1.0) as f32;
    let density = |x: Tensor<(usize, usize), f32, D, T>| {
        x.try_square()?.try_mul(-0.5_f32)?.try_exp()?.try_mul(INV_SQRT_2PI * excess)
    };
    let value = h.clone().put_tape(std::mem::take(tape)).try_accurate_gelu()?;
    let moving = density(h.retaped::<T>())?;
    let (fixed, _) = density(h.retaped::<T>())?.split_tape();
    let (out, t) = value.try_add(moving.try_sub(fixed)?)?.split_tape();
    *tape = t;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{Composed, Fused, OpSet};
    use super::*;

    #[test]
    fn gradients_and_parity() {
        let dev = Cpu::default();
        let inputs = [random(&dev, 9, 8, 1), random(&dev, 5, 8, 2), random(&dev, 9, 5, 3)];
        check(&inputs, |tape, x| Fused::gelu_linear_residual(tape, &x[0], &x[1], &x[2]));
        check(&inputs, |tape, x| Composed::gelu_linear_residual(tape, &x[0], &x[1], &x[2]));
        let fused = run(&inputs, |tape, x| Fused::gelu_linear_residual(tape, &x[0], &x[1], &x[2]));
        let composed = run(&inputs, |tape, x| Composed::gelu_linear_residual(tape, &x[0], &x[1], &x[2]));
        assert_close(&fused, &composed, 1e-5);
    }
}
