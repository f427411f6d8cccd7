//! Multi-head attention inside each sample's own span: `softmax(Q Kᵀ / √d) V` per sample and head.
//!
//! Backward, with `P` made again from the stored log-sum-exp of each row:
//! `∂V = Pᵀ ∂O`, `∂P = ∂O Vᵀ`, `∂S = P ∘ (∂P − rowsum(P ∘ ∂P)) / √d`, `∂Q = ∂S K`, `∂K = ∂Sᵀ Q`.
//! The `[queries, keys]` matrices exist for one sample and head at a time.

mod composed;
mod fused;

pub use composed::composed;
pub use fused::fused;

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{Composed, Fused, OpSet, Spans};
    use dfdx::prelude::*;

    #[test]
    fn self_attention_gradients_and_parity() {
        let dev = Cpu::default();
        let spans = Spans { q: &[0, 3, 3, 8], k: &[0, 3, 3, 8] }; // the second sample is empty
        let inputs = [random(&dev, 8, 24, 1)];
        check(&inputs, |tape, x| Fused::attention(tape, &x[0], None, spans, 4));
        let fused = run(&inputs, |tape, x| Fused::attention(tape, &x[0], None, spans, 4));
        let composed = run(&inputs, |tape, x| Composed::attention(tape, &x[0], None, spans, 4));
        assert_close(&fused, &composed, 1e-5);
    }

    #[test]
    fn cross_attention_gradients_and_parity() {
        let dev = Cpu::default();
        let spans = Spans { q: &[0, 0, 2, 7], k: &[0, 4, 9, 10] };
        let inputs = [random(&dev, 7, 8, 1), random(&dev, 10, 16, 2)];
        check(&inputs, |tape, x| Fused::attention(tape, &x[0], Some(&x[1]), spans, 4));
        let fused = run(&inputs, |tape, x| Fused::attention(tape, &x[0], Some(&x[1]), spans, 4));
        let composed = run(&inputs, |tape, x| Composed::attention(tape, &x[0], Some(&x[1]), spans, 4));
        assert_close(&fused, &composed, 1e-5);
    }

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
