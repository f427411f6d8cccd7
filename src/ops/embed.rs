//! Embedding sum: `out[t] = tokens[id_t] + modalities[m_t] + positions[p_t]` (REFERENCE §1).
//!
//! Backward: `∂tokens[id] = Σ_{t: id_t = id} ∂out[t]`, likewise for modalities; positions are
//! constant. Rows are added in the order of the tokens, so the sums never depend on threads.

use super::cpu::{data, grad_mut, matrix, take_grad};
use super::simd::vectorized;
use super::{Backend, Mat};
use crate::batch::Packed;
use dfdx::prelude::*;

vectorized! {
    fn add_row(out: &mut [f32], row: &[f32]) {
        for (o, r) in out.iter_mut().zip(row) {
            *o += r;
        }
    }
}

fn row(table: &[f32], dim: usize, i: u32) -> &[f32] {
    &table[i as usize * dim..][..dim]
}

pub fn fused<T: Tape<f32, Cpu>>(
    tape: &mut T,
    tokens: Option<&Mat<Cpu>>,
    modalities: &Mat<Cpu>,
    positions: &Mat<Cpu>,
    index: &Packed,
) -> Result<Mat<Cpu>, CpuError> {
    let dim = modalities.shape().1;
    let mut values = Vec::with_capacity(index.len() * dim);
    for t in 0..index.len() {
        values.extend_from_slice(row(data(positions), dim, index.positions[t]));
        let out = &mut values[t * dim..];
        add_row(out, row(data(modalities), dim, index.modalities[t]));
        if let Some(table) = tokens {
            add_row(out, row(data(table), dim, index.ids[t]));
        }
    }
    let out = matrix(modalities.device(), values, index.len(), dim)?;
    if T::OWNS_TAPE {
        let (tokens, modalities, y) = (tokens.cloned(), modalities.clone(), out.clone());
        let (ids, mods) = (index.ids.clone(), index.modalities.clone());
        tape.add_backward_op(move |grads| {
            let g = take_grad(grads, &y)?;
            scatter(grad_mut(grads, &modalities)?, &g, &mods, dim);
            if let Some(table) = &tokens {
                scatter(grad_mut(grads, table)?, &g, &ids, dim);
            }
            Ok(())
        });
    }
    Ok(out)
}

fn scatter(table: &mut [f32], g: &[f32], index: &[u32], dim: usize) {
    for (t, &i) in index.iter().enumerate() {
        add_row(&mut table[i as usize * dim..][..dim], &g[t * dim..][..dim]);
    }
}

pub fn composed<D: Backend, T: Tape<f32, D>>(
    tape: &mut T,
    tokens: Option<&Mat<D>>,
    modalities: &Mat<D>,
    positions: &Mat<D>,
    index: &Packed,
) -> Result<Mat<D>, D::Err> {
    let dev = modalities.device();
    let ids = |column: &[u32]| {
        dev.try_tensor_from_vec(column.iter().map(|&i| i as usize).collect(), (column.len(),))
    };
    let pos = positions.clone().try_gather(ids(&index.positions)?)?;
    let table = modalities.clone().put_tape(std::mem::take(tape));
    let mut sum = table.try_gather(ids(&index.modalities)?)?.try_add(pos)?;
    if let Some(table) = tokens {
        let rows = table.retaped::<T>().try_gather(ids(&index.ids)?)?;
        sum = sum.try_add(rows)?;
    }
    let (out, t) = sum.split_tape();
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
        let mut index = Packed::default();
        for (id, p, m) in [(3, 0, 0), (1, 4, 1), (3, 2, 1), (0, 1, 0)] {
            index.token(id, p, m);
        }
        let pos = random(&dev, 5, 6, 3);
        let inputs = [random(&dev, 4, 6, 1), random(&dev, 2, 6, 2)];
        check(&inputs, |tape, x| Fused::embed(tape, Some(&x[0]), &x[1], &pos, &index));
        let fused = run(&inputs, |tape, x| Fused::embed(tape, Some(&x[0]), &x[1], &pos, &index));
        let composed = run(&inputs, |tape, x| Composed::embed(tape, Some(&x[0]), &x[1], &pos, &index));
        assert_close(&fused, &composed, 1e-6);
    }
}
