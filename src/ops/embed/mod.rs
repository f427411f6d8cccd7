//! Embedding sum: `out[t] = tokens[id_t] + modalities[m_t] + positions[p_t]` (REFERENCE §1).
//!
//! Backward: `∂tokens[id] = Σ_{t: id_t = id} ∂out[t]`, likewise for modalities; positions are
//! constant. Rows are added in the order of the tokens, so the sums never depend on threads.

use crate::batch::Packed;
use crate::ops::backend::{Backend, Mat};
use dfdx::prelude::*;

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

/// The sum of token, modality and position embeddings.
pub trait Embed<D: Backend> {
    /// `out[t] = tokens[id_t] + modalities[m_t] + positions[p_t]` → `[T, D]`; without `tokens` the
    /// first term is left out (decoder queries). `positions` is a constant table.
    fn embed<T: Tape<f32, D>>(
        tape: &mut T,
        tokens: Option<&Mat<D>>,
        modalities: &Mat<D>,
        positions: &Mat<D>,
        index: &Packed,
    ) -> Result<Mat<D>, D::Err>;
}

#[cfg(test)]
mod tests {
    use crate::batch::Packed;
    use crate::ops::testing::op_test;

    fn index() -> Packed {
        let mut index = Packed::default();
        for (id, p, m) in [(3, 0, 0), (1, 4, 1), (3, 2, 1), (0, 1, 0)] {
            index.token(id, p, m);
        }
        index
    }

    op_test!(with_tokens, [(4, 6), (2, 6)], 1e-6, |O, tape, x| {
        O::embed(tape, Some(&x[0]), &x[1], &random(x[0].device(), 5, 6, 3), &index())
    });

    op_test!(queries, [(2, 6)], 1e-6, |O, tape, x| {
        O::embed(tape, None, &x[0], &random(x[0].device(), 5, 6, 3), &index())
    });
}
