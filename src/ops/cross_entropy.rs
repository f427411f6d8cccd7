//! The last linear layer and the loss: `Σ_r w_r · (log Σ_{j<limit_r} exp(x_r · W_j) − x_r · W_target)`.
//!
//! Logits exist for one chunk of rows at a time ([`chunk_rows`]). When a tape records, the chunk's
//! gradient is made at once: `∂logits = w_r (softmax − onehot)`, `∂x = ∂logits · W`,
//! `∂W += ∂logitsᵀ · x`; the backward pass only scales and hands them over.
//! Rows with the same limit are handled together, so a restricted softmax costs only its own columns.

use super::cpu::{add_grad, data, take_grad};
use super::gemm::{matmul, View};
use super::simd::{exp_row, scale};
use super::{chunk_rows, Backend, LossAndRows, Mat};
use dfdx::prelude::*;
use rayon::prelude::*;

/// The rows of a cross-entropy: true ids, weights in the loss, and the number of competing ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    pub targets: Vec<u32>,
    pub weights: Vec<f32>,
    pub limits: Vec<u32>,
}

impl Rows {
    /// Row numbers with the same limit together, limits ascending, each group in chunks.
    fn chunks(&self, vocab: usize) -> Vec<(usize, Vec<usize>)> {
        let mut limits = self.limits.clone();
        limits.sort_unstable();
        limits.dedup();
        let mut all = Vec::new();
        for limit in limits {
            let rows: Vec<usize> = (0..self.targets.len()).filter(|&r| self.limits[r] == limit).collect();
            all.extend(rows.chunks(chunk_rows(vocab)).map(|c| (limit as usize, c.to_vec())));
        }
        all
    }
}

/// The score of one row of logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowScore {
    /// `−log softmax(target)`, nats.
    pub ce: f32,
    /// The most likely id; the lowest wins ties.
    pub argmax: u32,
}

impl RowScore {
    /// Scores a row of logits cut to the ids that compete; destroys the row.
    pub fn of(row: &mut [f32], target: u32) -> RowScore {
        let mut best = 0;
        for (i, v) in row.iter().enumerate() {
            if *v > row[best] {
                best = i;
            }
        }
        let logit = row[target as usize];
        let (m, total) = exp_row(row);
        RowScore { ce: total.ln() + m - logit, argmax: best as u32 }
    }
}

pub fn fused<T: Tape<f32, Cpu>>(
    tape: &mut T,
    x: &Mat<Cpu>,
    weight: &Mat<Cpu>,
    rows: &Rows,
) -> Result<LossAndRows<Cpu>, CpuError> {
    let (vocab, d) = *weight.shape();
    let mut ce = vec![0.0; rows.targets.len()];
    let mut dx = vec![0.0; if T::OWNS_TAPE { rows.targets.len() * d } else { 0 }];
    let mut dw = vec![0.0; if T::OWNS_TAPE { vocab * d } else { 0 }];
    let mut logits = Vec::new();
    for (limit, chunk) in rows.chunks(vocab) {
        let xs: Vec<f32> = chunk.iter().flat_map(|&r| data(x)[r * d..][..d].iter().copied()).collect();
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
fn row_gradient(row: &mut [f32], rows: &Rows, r: usize) -> f32 {
    let target = rows.targets[r] as usize;
    let logit = row[target];
    let (m, total) = exp_row(row);
    scale(row, rows.weights[r] / total);
    row[target] -= rows.weights[r];
    total.ln() + m - logit
}

/// Logits of rows `lo..hi`, row-major `[hi − lo, V]`.
pub fn fused_logits(x: &Mat<Cpu>, weight: &Mat<Cpu>, lo: usize, hi: usize) -> Vec<f32> {
    let (vocab, d) = *weight.shape();
    let mut logits = vec![0.0; (hi - lo) * vocab];
    let xs = &data(x)[lo * d..hi * d];
    matmul(&mut logits, (hi - lo, d, vocab), View::rows(xs, d), View::rows(data(weight), d).t(), false);
    logits
}

/// Logits of rows `lo..hi` of dfdx primitives.
pub fn composed_logits<D: Backend>(
    x: &Mat<D>,
    weight: &Mat<D>,
    lo: usize,
    hi: usize,
) -> Result<Vec<f32>, D::Err> {
    let part = x.clone().try_slice((lo..hi, 0..x.shape().1))?;
    let w = weight.clone().try_permute::<(usize, usize), Axes2<1, 0>>()?;
    Ok(part.try_matmul(w)?.as_vec())
}

pub fn composed<D: Backend, T: Tape<f32, D>>(
    tape: &mut T,
    x: &Mat<D>,
    weight: &Mat<D>,
    rows: &Rows,
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

    fn rows() -> Rows {
        Rows {
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
        let logits = <Fused as OpSet<Cpu>>::logits(&x, &w, 0, 6).unwrap();
        let other = <Composed as OpSet<Cpu>>::logits(&x, &w, 1, 6).unwrap();
        assert_close(&[logits[7..].to_vec()], &[other], 1e-6);
        for (r, row) in logits.chunks(7).enumerate() {
            let s = RowScore::of(&mut row[..rows.limits[r] as usize].to_vec(), rows.targets[r]);
            assert!((s.ce - ce[r]).abs() < 1e-5);
        }
        assert_eq!(RowScore::of(&mut [1.0, 2.0, 2.0], 0).argmax, 1);
    }
}
