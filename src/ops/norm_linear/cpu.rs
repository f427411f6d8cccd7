//! The normalized rows live only until the product is made.

use super::NormLinear;
use crate::ops::backend::{Fused, Mat};
use crate::ops::cpu::gemm::{matmul, View};
use crate::ops::cpu::memory::{add_grad, data, grad_mut, matrix, take_grad};
use crate::ops::cpu::simd::add_assign;
use crate::ops::layer_norm::cpu as layer_norm;
use dfdx::prelude::*;

impl NormLinear<Cpu> for Fused {
    fn norm_linear<T: Tape<f32, Cpu>>(
        tape: &mut T,
        x: &Mat<Cpu>,
        gain: &Mat<Cpu>,
        weight: &Mat<Cpu>,
    ) -> Result<Mat<Cpu>, CpuError> {
        let ((rows, d), n) = (*x.shape(), weight.shape().0);
        let (normed, stats) = layer_norm::forward(data(x), data(gain));
        let mut values = vec![0.0; rows * n];
        matmul(&mut values, (rows, d, n), View::rows(&normed, d), View::rows(data(weight), d).t(), false);
        let out = matrix(x.device(), values, rows, n)?;
        if T::OWNS_TAPE {
            let (x, gain, weight, y) = (x.clone(), gain.clone(), weight.clone(), out.clone());
            tape.add_backward_op(move |grads| {
                let g = take_grad(grads, &y)?;
                let mut normed = layer_norm::again(data(&x), data(&gain), &stats);
                let dy = View::rows(&g, n);
                matmul(grad_mut(grads, &weight)?, (n, rows, d), dy.t(), View::rows(&normed, d), true);
                matmul(&mut normed, (rows, n, d), dy, View::rows(data(&weight), d), false);
                let dgain = layer_norm::backward(data(&x), data(&gain), &stats, &mut normed);
                add_assign(grad_mut(grads, &gain)?, &dgain);
                add_grad(grads, &x, normed)
            });
        }
        Ok(out)
    }
}
