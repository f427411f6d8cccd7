//! One product onto a copy of what is added.

use super::Linear;
use crate::ops::backend::{Fused, Mat};
use crate::ops::cpu::gemm::{matmul, View};
use crate::ops::cpu::memory::{add_grad, data, grad_mut, matrix, take_grad};
use crate::ops::cpu::simd::add_assign;
use dfdx::prelude::*;

/// Adds `∂W` and returns `∂x` of `y = x · Wᵀ`; x `[rows, k]`, W `[n, k]`, `g = ∂y` `[rows, n]`.
fn backward(
    grads: &mut Gradients<f32, Cpu>,
    x: &[f32],
    weight: &Mat<Cpu>,
    g: &[f32],
) -> Result<Vec<f32>, CpuError> {
    let (n, k) = *weight.shape();
    let rows = g.len() / n;
    let dy = View::rows(g, n);
    matmul(grad_mut(grads, weight)?, (n, rows, k), dy.t(), View::rows(x, k), true);
    let mut dx = vec![0.0; rows * k];
    matmul(&mut dx, (rows, n, k), dy, View::rows(data(weight), k), false);
    Ok(dx)
}

impl Linear<Cpu> for Fused {
    fn linear_residual<T: Tape<f32, Cpu>>(
        tape: &mut T,
        x: &Mat<Cpu>,
        weight: &Mat<Cpu>,
        residual: &Mat<Cpu>,
    ) -> Result<Mat<Cpu>, CpuError> {
        let ((rows, k), n) = (*x.shape(), weight.shape().0);
        let mut values = data(residual).to_vec();
        matmul(&mut values, (rows, k, n), View::rows(data(x), k), View::rows(data(weight), k).t(), true);
        let out = matrix(x.device(), values, rows, n)?;
        if T::OWNS_TAPE {
            let (x, weight, residual, y) = (x.clone(), weight.clone(), residual.clone(), out.clone());
            tape.add_backward_op(move |grads| {
                let g = take_grad(grads, &y)?;
                let dx = backward(grads, data(&x), &weight, &g)?;
                add_grad(grads, &x, dx)?;
                add_grad(grads, &residual, g)
            });
        }
        Ok(out)
    }

    fn linear_positions<T: Tape<f32, Cpu>>(
        tape: &mut T,
        x: &Mat<Cpu>,
        weight: &Mat<Cpu>,
        bias: &Mat<Cpu>,
        positions: &Mat<Cpu>,
        index: &[u32],
    ) -> Result<Mat<Cpu>, CpuError> {
        let ((rows, k), n) = (*x.shape(), weight.shape().0);
        let mut values = Vec::with_capacity(rows * n);
        for &p in index {
            let row = &data(positions)[p as usize * n..][..n];
            values.extend(row.iter().zip(data(bias)).map(|(p, b)| p + b));
        }
        matmul(&mut values, (rows, k, n), View::rows(data(x), k), View::rows(data(weight), k).t(), true);
        let out = matrix(x.device(), values, rows, n)?;
        if T::OWNS_TAPE {
            let (x, weight, bias, y) = (x.clone(), weight.clone(), bias.clone(), out.clone());
            tape.add_backward_op(move |grads| {
                let g = take_grad(grads, &y)?;
                let dx = backward(grads, data(&x), &weight, &g)?;
                let db = grad_mut(grads, &bias)?;
                g.chunks_exact(n).for_each(|row| add_assign(db, row));
                add_grad(grads, &x, dx)
            });
        }
        Ok(out)
    }
}
