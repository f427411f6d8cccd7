//! The last linear layer and the loss: `Σ_r w_r · (log Σ_{j<limit_r} exp(x_r · W_j) − x_r · W_target)`.
//!
//! Logits exist for one chunk of rows at a time ([`chunk_rows`]). When a tape records, the chunk's
//! gradient is made at once: `∂logits = w_r (softmax − onehot)`, `∂x = ∂logits · W`,
//! `∂W += ∂logitsᵀ · x`; the backward pass only scales and hands them over.
//! Rows with the same limit are handled together, so a restricted softmax costs only its own columns.

use super::cpu::{add_grad, data, take_grad};
use super::gemm::{matmul, View};
use super::simd::{exp_row, max, scale};
use super::{chunk_rows, Backend, LossAndRows, Mat};
use dfdx::prelude::*;
use rayon::prelude::*;

/// The rows of a cross-entropy: true ids, weights in the loss, and the number of competing ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossRows {
    pub targets: Vec<u32>,
    pub weights: Vec<f32>,
    pub limits: Vec<u32>,
}

impl LossRows {
    fn chunks(&self, vocab: usize) -> Vec<(usize, Vec<usize>)> {
        chunks(&self.limits, vocab)
    }
}

/// Row numbers with the same limit together, limits ascending, each group in chunks of
/// [`chunk_rows`] rows.
pub fn chunks(limits: &[u32], vocab: usize) -> Vec<(usize, Vec<usize>)> {
    let mut distinct = limits.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let mut all = Vec::new();
    for limit in distinct {
        let rows: Vec<usize> = (0..limits.len()).filter(|&r| limits[r] == limit).collect();
        all.extend(rows.chunks(chunk_rows(vocab)).map(|c| (limit as usize, c.to_vec())));
    }
    all
}

/// What one row of logits says, before the truth is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowScore {
    /// `log Σ exp(logit)` over the ids that compete, nats.
    pub log_sum: f32,
    /// The most likely id; the lowest wins ties.
    pub argmax: u32,
}

impl RowScore {
    /// Scores a row of logits cut to the ids that compete; destroys the row.
    pub fn of(row: &mut [f32]) -> RowScore {
        let largest = max(row);
        // None where all are NaN or −∞: the sum says so.
        let argmax = row.iter().position(|v| *v == largest).unwrap_or(0) as u32;
        let (m, total) = exp_row(row);
        RowScore { log_sum: total.ln() + m, argmax }
    }
}

pub fn fused<T: Tape<f32, Cpu>>(
    tape: &mut T,
    x: &Mat<Cpu>,
    weight: &Mat<Cpu>,
    rows: &LossRows,
) -> Result<LossAndRows<Cpu>, CpuError> {
    let (vocab, d) = *weight.shape();
    let mut ce = vec![0.0; rows.targets.len()];
    let mut dx = vec![0.0; if T::OWNS_TAPE { rows.targets.len() * d } else { 0 }];
    let mut dw = vec![0.0; if T::OWNS_TAPE { vocab * d } else { 0 }];
    let mut logits = Vec::new();
    for (limit, chunk) in rows.chunks(vocab) {
        let xs = gathered(x, &chunk);
        let n = chunk.len();
        logits.resize(n * limit, 0.0);
        matmul(&mut logits, (n, d, limit), View::rows(&xs, d), View::rows(data(weight), d).t(), false);
        let scores: Vec<f32> =
            logits.par_chunks_mut(limit).zip(&chunk).map(|(row, &r)| row_gradient(row, rows, r)).collect();
        chunk.iter().zip(scores).for_each(|(&r, s)| ce[r] = s);
        if T::OWNS_TAPE {
            let dl = View::rows(&logits, limit);
            matmul(&mut dw, (limit, n, d), dl.t(), View::rows(&xs, d), true);
            let mut part = xs;
            matmul(&mut part, (n, limit, d), dl, View::rows(data(weight), d), false);
            chunk.iter().zip(part.chunks(d)).for_each(|(&r, g)| dx[r * d..][..d].copy_from_slice(g));
        }
    }
    let loss = ce.iter().zip(&rows.weights).map(|(c, w)| *c as f64 * *w as f64).sum::<f64>() as f32;
    let loss = x.device().try_tensor(loss)?;
    if T::OWNS_TAPE {
        let (x, weight, y) = (x.clone(), weight.clone(), loss.clone());
        tape.add_backward_op(move |grads| {
            let upstream = take_grad(grads, &y)?[0];
            if upstream != 1.0 {
                scale(&mut dx, upstream);
                scale(&mut dw, upstream);
            }
            add_grad(grads, &weight, dw)?;
            add_grad(grads, &x, dx)
        });
    }
    Ok((loss, ce))
}

/// Turns a row of logits into its gradient and returns its cross-entropy.
fn row_gradient(row: &mut [f32], rows: &LossRows, r: usize) -> f32 {
    let target = rows.targets[r] as usize;
    let logit = row[target];
    let (m, total) = exp_row(row);
    scale(row, rows.weights[r] / total);
    row[target] -= rows.weights[r];
    total.ln() + m - logit
}

/// Logits of `rows` over the ids `0..limit`, row-major `[rows, limit]`.
pub fn fused_logits(x: &Mat<Cpu>, weight: &Mat<Cpu>, rows: &[usize], limit: usize) -> Vec<f32> {
    let (n, d) = (rows.len(), x.shape().1);
    let xs = gathered(x, rows);
    let mut logits = vec![0.0; n * limit];
    matmul(&mut logits, (n, d, limit), View::rows(&xs, d), View::rows(data(weight), d).t(), false);
    logits
}

/// The rows of a matrix that are asked for, one after another.
fn gathered(x: &Mat<Cpu>, rows: &[usize]) -> Vec<f32> {
    let d = x.shape().1;
    rows.iter().flat_map(|&r| data(x)[r * d..][..d].iter().copied()).collect()
}

/// Logits of `rows` over the ids `0..limit`, of dfdx primitives.
pub fn composed_logits<D: Backend>(
    x: &Mat<D>,
    weight: &Mat<D>,
    rows: &[usize],
    limit: usize,
) -> Result<Vec<f32>, D::Err> {
    let index = x.device().try_tensor_from_vec(rows.to_vec(), (rows.len(),))?;
    let w = weight.clone().try_slice((0..limit, 0..weight.shape().1))?;
    let w = w.try_permute::<(usize, usize), Axes2<1, 0>>()?;
    Ok(x.clone().try_gather(index)?.try_matmul(w)?.as_vec())
}

pub fn composed<D: Backend, T: Tape<f32, D>>(
    tape: &mut T,
    x: &Mat<D>,
    weight: &Mat<D>,
    rows: &LossRows,
) -> Result<LossAndRows<D>, D::Err> {
    let dev = x.device();
    let vocab = weight.shape().0;
    let mut ce = vec![0.0; rows.targets.len()];
    let mut total: Option<Tensor<Rank0, f32, D, T>> = None;
    for (limit, chunk) in rows.chunks(vocab) {
        let n = chunk.len();
        let targets = chunk.iter().map(|&r| rows.targets[r] as usize).collect();
        let weights = chunk.iter().map(|&r| rows.weights[r]).collect();
        let index = dev.try_tensor_from_vec(chunk.clone(), (n,))?;
        // Not `slice`: its CPU gradient overwrites instead of adding, and groups share these rows.
        let columns = dev.try_tensor_from_vec((0..limit).collect(), (limit,))?;
        let w = weight.retaped::<T>().try_gather(columns)?.try_permute::<(usize, usize), Axes2<1, 0>>()?;
        let logits = x.retaped::<T>().try_gather(index)?.try_matmul(w)?;
        let picked =
            logits.try_log_softmax::<Axis<1>>()?.try_select(dev.try_tensor_from_vec(targets, (n,))?)?;
        picked.as_vec().iter().zip(&chunk).for_each(|(logp, &r)| ce[r] = -logp);
        let weights: Tensor<(usize,), f32, D> = dev.try_tensor_from_vec(weights, (n,))?;
        let part = picked.try_mul(weights)?.try_sum::<Rank0, _>()?.try_negate()?;
        total = Some(match total {
            None => part,
            Some(sum) => sum.try_add(part)?,
        });
    }
    let Some(total) = total else {
        return Ok((dev.try_zeros()?, ce));
    };
    let (loss, recorded) = total.split_tape();
    *tape = std::mem::take(tape).merge(recorded);
    Ok((loss, ce))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{Composed, Fused, OpSet};
    use super::*;

    fn rows() -> LossRows {
        LossRows {
            targets: vec![3, 0, 6, 2, 1, 1],
            weights: vec![0.5, 0.25, 0.1, 1.0, 0.3, 0.0],
            limits: vec![7, 4, 7, 4, 7, 4],
        }
    }

    fn as_matrix(
        loss: Result<LossAndRows<Cpu>, CpuError>,
        tape: &mut OwnedTape<f32, Cpu>,
    ) -> Result<Mat<Cpu>, CpuError> {
        let taped = loss?.0.put_tape(std::mem::take(tape)).try_broadcast_like(&(1_usize, 1_usize))?;
        let (out, t) = taped.split_tape();
        *tape = t;
        Ok(out)
    }

    #[test]
    fn gradients_and_parity() {
        let dev = Cpu::default();
        let inputs = [random(&dev, 6, 5, 1), random(&dev, 7, 5, 2)];
        let fused = |tape: &mut _, x: &[Mat<Cpu>]| {
            let loss = Fused::linear_cross_entropy(tape, &x[0], &x[1], &rows());
            as_matrix(loss, tape)
        };
        let composed = |tape: &mut _, x: &[Mat<Cpu>]| {
            let loss = Composed::linear_cross_entropy(tape, &x[0], &x[1], &rows());
            as_matrix(loss, tape)
        };
        check(&inputs, fused);
        assert_close(&run(&inputs, fused), &run(&inputs, composed), 1e-5);
    }

    #[test]
    fn scores_agree_with_the_loss() {
        let dev = Cpu::default();
        let (x, w, rows) = (random(&dev, 6, 5, 1), random(&dev, 7, 5, 2), rows());
        let (_, ce) = Fused::linear_cross_entropy(&mut NoneTape, &x, &w, &rows).unwrap();
        for (limit, chunk) in rows.chunks(7) {
            let logits = <Fused as OpSet<Cpu>>::logits(&x, &w, &chunk, limit).unwrap();
            let other = <Composed as OpSet<Cpu>>::logits(&x, &w, &chunk, limit).unwrap();
            assert_close(std::slice::from_ref(&logits), &[other], 1e-6);
            for (&r, row) in chunk.iter().zip(logits.chunks(limit)) {
                let log_sum = RowScore::of(&mut row.to_vec()).log_sum;
                assert!((log_sum - row[rows.targets[r] as usize] - ce[r]).abs() < 1e-5);
            }
        }
        assert_eq!(RowScore::of(&mut [1.0, 2.0, 2.0]).argmax, 1);
        assert!(!RowScore::of(&mut [f32::NAN, 0.0]).log_sum.is_finite());
    }
}
