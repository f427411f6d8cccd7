//! GELU into a buffer, the product onto the residual; the buffer is made again in the backward pass.

use super::{GeluLinear, INV_SQRT_2PI};
use crate::ops::backend::{Fused, Mat};
use crate::ops::cpu::gemm::{matmul, View};
use crate::ops::cpu::memory::{add_grad, data, grad_mut, matrix, take_grad};
use crate::ops::cpu::simd::{erf, exp, vectorized};
use dfdx::prelude::*;
use rayon::prelude::*;
use std::f32::consts::FRAC_1_SQRT_2;

const BLOCK: usize = 4096;

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

impl GeluLinear<Cpu> for Fused {
    fn gelu_linear_residual<T: Tape<f32, Cpu>>(
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
                buffer
                    .par_chunks_mut(BLOCK)
                    .zip(data(&h).par_chunks(BLOCK))
                    .for_each(|(g, h)| slope_block(h, g));
                add_grad(grads, &h, buffer)?;
                add_grad(grads, &residual, g)
            });
        }
        Ok(out)
    }
}
