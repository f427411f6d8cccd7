//! Layer norm and the linear layer behind it: `y = layer_norm(x, g) · Wᵀ`.
//!
//! Only `x` and the row statistics are kept; the normalized rows are made again in the backward pass:
//! `∂W = ∂yᵀ · n`, `∂n = ∂y · W`, then the layer norm's own gradient.

use super::cpu::{add_grad, data, grad_mut, matrix, take_grad};
use super::gemm::{matmul, View};
use super::{layer_norm, Mat};
use dfdx::prelude::*;

pub fn fused<T: Tape<f32, Cpu>>(
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
            super::simd::add_assign(grad_mut(grads, &gain)?, &dgain);
            add_grad(grads, &x, normed)
        });
    }
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
        let inputs = [random(&dev, 67, 6, 1), random(&dev, 1, 6, 2), random(&dev, 5, 6, 3)];
        check(&inputs, |tape, x| Fused::norm_linear(tape, &x[0], &x[1], &x[2]));
        let fused = run(&inputs, |tape, x| Fused::norm_linear(tape, &x[0], &x[1], &x[2]));
        let composed = run(&inputs, |tape, x| Composed::norm_linear(tape, &x[0], &x[1], &x[2]));
        assert_close(&fused, &composed, 1e-5);
    }
}
