//! Linear layers without activation: `r + x · Wᵀ`, and `x · Wᵀ + b + positions[p]` for the decoder's context.
//!
//! Backward: `∂x = ∂y · W`, `∂W = ∂yᵀ · x`, `∂b = Σ_rows ∂y`, `∂r = ∂y`.

use super::cpu::{add_grad, data, grad_mut, matrix, take_grad};
use super::gemm::{matmul, View};
use super::{Backend, Mat};
use dfdx::prelude::*;

/// Adds `∂W` and returns `∂x` of `y = x · Wᵀ`; x `[rows, k]`, W `[n, k]`, `g = ∂y` `[rows, n]`.
pub fn backward(
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

pub fn fused_residual<T: Tape<f32, Cpu>>(
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

pub fn fused_positions<T: Tape<f32, Cpu>>(
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
            g.chunks_exact(n).for_each(|row| super::simd::add_assign(db, row));
            add_grad(grads, &x, dx)
        });
    }
    Ok(out)
}

/// `x · Wᵀ` of dfdx primitives.
pub fn composed<D: Backend, T: Tape<f32, D>>(
    tape: &mut T,
    x: &Mat<D>,
    weight: &Mat<D>,
) -> Result<Mat<D>, D::Err> {
    let w = weight.retaped::<T>().try_permute::<(usize, usize), Axes2<1, 0>>()?;
    let (out, t) = x.clone().put_tape(std::mem::take(tape)).try_matmul(w)?.split_tape();
    *tape = t;
    Ok(out)
}

/// `a + b` of dfdx primitives.
pub fn composed_add<D: Backend, T: Tape<f32, D>>(
    tape: &mut T,
    a: &Mat<D>,
    b: &Mat<D>,
) -> Result<Mat<D>, D::Err> {
    let (out, t) = b.clone().put_tape(std::mem::take(tape)).try_add(a.retaped::<T>())?.split_tape();
    *tape = t;
    Ok(out)
}

pub fn composed_positions<D: Backend, T: Tape<f32, D>>(
    tape: &mut T,
    x: &Mat<D>,
    weight: &Mat<D>,
    bias: &Mat<D>,
    positions: &Mat<D>,
    index: &[u32],
) -> Result<Mat<D>, D::Err> {
    let y = composed(tape, x, weight)?;
    let shape = *y.shape();
    let ids = x.device().try_tensor_from_vec(index.iter().map(|&i| i as usize).collect(), (index.len(),))?;
    let pos = positions.clone().try_gather(ids)?;
    let b = bias.retaped::<T>().try_reshape_like(&(shape.1,))?.try_broadcast_like::<_, Axis<0>>(&shape)?;
    let (out, t) = y.put_tape(std::mem::take(tape)).try_add(b)?.try_add(pos)?.split_tape();
    *tape = t;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{Composed, Fused, OpSet};
    use super::*;

    #[test]
    fn residual_gradients_and_parity() {
        let dev = Cpu::default();
        let inputs = [random(&dev, 9, 6, 1), random(&dev, 5, 6, 2), random(&dev, 9, 5, 3)];
        check(&inputs, |tape, x| Fused::linear_residual(tape, &x[0], &x[1], &x[2]));
        let fused = run(&inputs, |tape, x| Fused::linear_residual(tape, &x[0], &x[1], &x[2]));
        let composed = run(&inputs, |tape, x| Composed::linear_residual(tape, &x[0], &x[1], &x[2]));
        assert_close(&fused, &composed, 1e-5);
    }

    #[test]
    fn positions_gradients_and_parity() {
        let dev = Cpu::default();
        let (pos, index) = (random(&dev, 4, 5, 9), [3, 0, 0, 1, 2]);
        let inputs = [random(&dev, 5, 6, 1), random(&dev, 5, 6, 2), random(&dev, 1, 5, 3)];
        check(&inputs, |tape, x| Fused::linear_positions(tape, &x[0], &x[1], &x[2], &pos, &index));
        let fused = run(&inputs, |tape, x| Fused::linear_positions(tape, &x[0], &x[1], &x[2], &pos, &index));
        let composed =
            run(&inputs, |tape, x| Composed::linear_positions(tape, &x[0], &x[1], &x[2], &pos, &index));
        assert_close(&fused, &composed, 1e-5);
    }
}
