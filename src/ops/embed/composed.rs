//! Gathered rows, added.

use super::Embed;
use crate::batch::Packed;
use crate::ops::backend::{Backend, Composed, Mat};
use dfdx::prelude::*;

impl<D: Backend> Embed<D> for Composed {
    fn embed<T: Tape<f32, D>>(
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
}
