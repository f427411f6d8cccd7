//! Gathered rows, a product, dfdx's log-softmax; row losses stay on the device.

use super::{CrossEntropy, LossRows};
use crate::ops::backend::{Backend, Composed, LossAndRows, Mat, RowLosses};
use dfdx::prelude::*;

impl<D: Backend> CrossEntropy<D> for Composed {
    fn linear_cross_entropy<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        rows: &LossRows,
    ) -> Result<LossAndRows<D>, D::Err> {
        let dev = x.device();
        let vocab = weight.shape().0;
        let mut order = Vec::with_capacity(rows.targets.len());
        let mut ce: Option<RowLosses<D>> = None;
        let mut total: Option<Tensor<Rank0, f32, D, T>> = None;
        for (limit, chunk) in rows.chunks(vocab) {
            let n = chunk.len();
            let targets = chunk.iter().map(|&r| rows.targets[r] as usize).collect();
            let weights = chunk.iter().map(|&r| rows.weights[r]).collect();
            let index = dev.try_tensor_from_vec(chunk.clone(), (n,))?;
            // Not `slice`: its CPU gradient overwrites instead of adding, and groups share these rows.
            let columns = dev.try_tensor_from_vec((0..limit).collect(), (limit,))?;
            let w =
                weight.retaped::<T>().try_gather(columns)?.try_permute::<(usize, usize), Axes2<1, 0>>()?;
            let logits = x.retaped::<T>().try_gather(index)?.try_matmul(w)?;
            let picked =
                logits.try_log_softmax::<Axis<1>>()?.try_select(dev.try_tensor_from_vec(targets, (n,))?)?;
            let losses = picked.retaped::<NoneTape>().try_negate()?;
            ce = Some(match ce {
                None => losses,
                Some(before) => (before, losses).try_concat_along(Axis::<0>)?,
            });
            order.extend(chunk);
            let weights: Tensor<(usize,), f32, D> = dev.try_tensor_from_vec(weights, (n,))?;
            let part = picked.try_mul(weights)?.try_sum::<Rank0, _>()?.try_negate()?;
            total = Some(match total {
                None => part,
                Some(sum) => sum.try_add(part)?,
            });
        }
        let (Some(total), Some(ce)) = (total, ce) else {
            return Ok((dev.try_zeros()?, dev.try_zeros_like(&(0,))?));
        };
        let (loss, recorded) = total.split_tape();
        *tape = std::mem::take(tape).merge(recorded);
        // From the order of the chunks back to that of the rows.
        let mut back = vec![0; order.len()];
        order.into_iter().enumerate().for_each(|(i, r): (usize, usize)| back[r] = i);
        let rows = back.len();
        Ok((loss, ce.try_gather(dev.try_tensor_from_vec(back, (rows,))?)?))
    }

    fn logits(x: &Mat<D>, weight: &Mat<D>, rows: &[usize], limit: usize) -> Result<Mat<D>, D::Err> {
        let index = x.device().try_tensor_from_vec(rows.to_vec(), (rows.len(),))?;
        let w = weight.clone().try_slice((0..limit, 0..weight.shape().1))?;
        let w = w.try_permute::<(usize, usize), Axes2<1, 0>>()?;
        x.clone().try_gather(index)?.try_matmul(w)
    }

    fn read<R>(logits: Mat<D>, visit: impl FnOnce(&mut [f32]) -> R) -> R {
        visit(&mut logits.as_vec())
    }
}
