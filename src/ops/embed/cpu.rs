//! Rows copied and added token by token.

use super::Embed;
use crate::batch::Packed;
use crate::ops::backend::{Fused, Mat};
use crate::ops::cpu::memory::{data, grad_mut, matrix, take_grad};
use crate::ops::cpu::simd::vectorized;
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

impl Embed<Cpu> for Fused {
    fn embed<T: Tape<f32, Cpu>>(
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
}

fn scatter(table: &mut [f32], g: &[f32], index: &[u32], dim: usize) {
    for (t, &i) in index.iter().enumerate() {
        add_row(&mut table[i as usize * dim..][..dim], &g[t * dim..][..dim]);
    }
}
