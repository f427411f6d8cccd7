//! The last linear layer and the loss: `Σ_r w_r · (log Σ_{j<limit_r} exp(x_r · W_j) − x_r · W_target)`.
//!
//! Logits exist for one chunk of rows at a time ([`crate::ops::backend::chunk_rows`]). When a tape records, the chunk's
//! gradient is made at once: `∂logits = w_r (softmax − onehot)`, `∂x = ∂logits · W`,
//! `∂W += ∂logitsᵀ · x`; the backward pass only scales and hands them over.
//! Rows with the same limit are handled together, so a restricted softmax costs only its own columns.

use crate::ops::backend::{Backend, LossAndRows, Mat};
use dfdx::prelude::*;

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
pub mod log_sum_exp;
mod rows;
mod score;

pub use rows::{chunks, LossRows};
pub use score::{RowScore, ScoredRows};

/// The last linear layer, with its loss and without.
pub trait CrossEntropy<D: Backend> {
    /// `Σ_r weight_r · CE(x_r · Wᵀ, target_r)` → scalar, and each row's cross-entropy in nats.
    /// Row `r` competes among the ids `0..limit_r` only.
    fn linear_cross_entropy<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        rows: &LossRows,
    ) -> Result<LossAndRows<D>, D::Err>;

    /// Logits of some rows of `x` over the ids `0..limit`: `[rows, limit]`.
    fn logits(x: &Mat<D>, weight: &Mat<D>, rows: &[usize], limit: usize) -> Result<Mat<D>, D::Err>;

    /// What the logits of every row of `x` say among the ids `0..limits[row]`, and the logits of the ids that `truths`
    /// name for each row. Logits never exist for more than a chunk of rows.
    fn scores(x: &Mat<D>, weight: &Mat<D>, limits: &[u32], truths: &[&[u32]]) -> Result<ScoredRows, D::Err> {
        let mut scored = ScoredRows::blank(limits.len(), truths.len());
        for (limit, rows) in chunks(limits, weight.shape().0) {
            let logits = Self::logits(x, weight, &rows, limit)?;
            Self::read(logits, |logits| scored.take(logits, &rows, truths));
        }
        Ok(scored)
    }

    /// Hands out logits on the host, row-major and writable; those that lie there are not copied.
    fn read<R>(logits: Mat<D>, visit: impl FnOnce(&mut [f32]) -> R) -> R;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::backend::{Composed, Fused};
    use crate::ops::testing::{assert_close, op_test, random};

    fn rows() -> LossRows {
        LossRows {
            targets: vec![3, 0, 6, 2, 1, 1],
            weights: vec![0.5, 0.25, 0.1, 1.0, 0.3, 0.0],
            limits: vec![7, 4, 7, 4, 7, 4],
        }
    }

    op_test!(loss, [(6, 5), (7, 5)], 1e-5, |O, tape, x| {
        let (loss, _) = O::linear_cross_entropy(tape, &x[0], &x[1], &rows())?;
        let taped = loss.put_tape(std::mem::take(tape)).try_broadcast_like(&(1_usize, 1_usize))?;
        let (out, recorded) = taped.split_tape();
        *tape = recorded;
        Ok(out)
    });

    op_test!(parity of rows_and_logits, [(6, 5), (7, 5)], 1e-5, |O, x| {
        let (loss, ce) = O::linear_cross_entropy(&mut NoneTape, &x[0], &x[1], &rows())?;
        Ok(vec![loss.as_vec(), ce.as_vec(), O::read(O::logits(&x[0], &x[1], &[4, 0, 5], 6)?, |l| l.to_vec())])
    });

    op_test!(parity of scores, [(6, 5), (7, 5)], 1e-5, |O, x| {
        let truths: [&[u32]; 2] = [&[3, 0, 6, 2, 1, 1], &[0, 1, 2, 3, 4, 3]];
        let scored = O::scores(&x[0], &x[1], &rows().limits, &truths)?;
        let sums = scored.rows.iter().map(|row| row.log_sum).collect();
        let ids = scored.rows.iter().map(|row| row.argmax as f32).collect();
        Ok([vec![sums, ids], scored.logits].concat())
    });

    /// Losses of rows are in the order of the rows, whatever the chunks, for both sets.
    #[test]
    fn scores_agree_with_the_loss() {
        let dev = Cpu::default();
        let (x, w, rows) = (random(&dev, 6, 5, 1), random(&dev, 7, 5, 2), rows());
        let (_, fused) = Fused::linear_cross_entropy(&mut NoneTape, &x, &w, &rows).unwrap();
        let (_, composed) = Composed::linear_cross_entropy(&mut NoneTape, &x, &w, &rows).unwrap();
        assert_close(&[fused.as_vec()], &[composed.as_vec()], 1e-5);
        let ce = fused.as_vec();
        for (limit, chunk) in rows.chunks(7) {
            let logits = Fused::logits(&x, &w, &chunk, limit).unwrap().as_vec();
            for (&r, row) in chunk.iter().zip(logits.chunks(limit)) {
                let log_sum = RowScore::of(&mut row.to_vec()).log_sum;
                assert!((log_sum - row[rows.targets[r] as usize] - ce[r]).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn logits_of_the_cpu_are_read_where_they_lie() {
        let dev = Cpu::default();
        let logits = Fused::logits(&random(&dev, 6, 5, 1), &random(&dev, 7, 5, 2), &[4, 0], 6).unwrap();
        let (place, values) = (&logits[[0, 0]] as *const f32, logits.as_vec());
        Fused::read(logits, |read| assert!(read.as_ptr() == place && read == values.as_slice()));
    }

    #[test]
    fn no_rows_have_no_loss() {
        let dev = Cpu::default();
        let (x, w) = (random(&dev, 0, 5, 1), random(&dev, 7, 5, 2));
        let (loss, ce) = Fused::linear_cross_entropy(&mut NoneTape, &x, &w, &LossRows::default()).unwrap();
        assert_eq!((loss.array(), *ce.shape()), (0.0, (0,)));
        let (loss, ce) = Composed::linear_cross_entropy(&mut NoneTape, &x, &w, &LossRows::default()).unwrap();
        assert_eq!((loss.array(), *ce.shape()), (0.0, (0,)));
    }
}
