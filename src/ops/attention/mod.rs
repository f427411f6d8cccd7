//! Multi-head attention inside each sample's own span: `softmax(Q Kᵀ / √d) V` per sample and head.
//!
//! Backward, with `P` made again from the stored log-sum-exp of each row:
//! `∂V = Pᵀ ∂O`, `∂P = ∂O Vᵀ`, `∂S = P ∘ (∂P − rowsum(P ∘ ∂P)) / √d`, `∂Q = ∂S K`, `∂K = ∂Sᵀ Q`.
//! The `[queries, keys]` matrices exist for one sample and head at a time.

use crate::ops::backend::{Backend, Mat, Spans};
use dfdx::prelude::*;

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

/// Multi-head attention.
pub trait Attention<D: Backend> {
    /// Attention of each sample's queries over its own keys, scale `head_dim^-0.5` → `[T_q, D]`.
    /// `q` holds the queries in its first `D` columns. With `kv` (`[T_k, 2D]`: keys, then values)
    /// it is cross-attention; without, `q` is `[T, 3D]` and holds queries, keys and values.
    fn attention<T: Tape<f32, D>>(
        tape: &mut T,
        q: &Mat<D>,
        kv: Option<&Mat<D>>,
        spans: Spans<'_>,
        head_dim: usize,
    ) -> Result<Mat<D>, D::Err>;
}

#[cfg(test)]
mod tests {
    use super::Attention;
    use crate::ops::backend::{Fused, Spans};
    use crate::ops::testing::{op_test, random};
    use dfdx::prelude::*;

    // The second sample is empty.
    op_test!(self_attention, [(8, 24)], 1e-5, |O, tape, x| {
        O::attention(tape, &x[0], None, Spans { q: &[0, 3, 3, 8], k: &[0, 3, 3, 8] }, 4)
    });

    op_test!(cross_attention, [(7, 8), (10, 16)], 1e-5, |O, tape, x| {
        O::attention(tape, &x[0], Some(&x[1]), Spans { q: &[0, 0, 2, 7], k: &[0, 4, 9, 10] }, 4)
    });

    #[test]
    fn a_sample_does_not_see_its_neighbours() {
        let dev = Cpu::default();
        let x = random(&dev, 9, 24, 1);
        let both =
            Fused::attention(&mut NoneTape, &x, None, Spans { q: &[0, 4, 9], k: &[0, 4, 9] }, 8).unwrap();
        let alone = dev.tensor_from_vec(x.as_vec()[..4 * 24].to_vec(), (4, 24));
        let alone =
            Fused::attention(&mut NoneTape, &alone, None, Spans { q: &[0, 4], k: &[0, 4] }, 8).unwrap();
        assert_eq!(both.as_vec()[..4 * 8], alone.as_vec()[..]);
    }
}
