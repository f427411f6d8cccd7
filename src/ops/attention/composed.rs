//! The same attention of dfdx primitives: slices, two products and a softmax per sample and head.
//!
//! dfdx 0.13.0's `slice` overwrites its input's gradient on the CPU where it should add; here every
//! number of the input is in exactly one slice, and nothing else reads the input.

use super::Attention;
use crate::ops::backend::{Backend, Composed, Mat, Spans};
use dfdx::prelude::*;
use std::ops::Range;

type Taped<D, T> = Tensor<(usize, usize), f32, D, T>;

fn part<D: Backend, T: Tape<f32, D>>(
    x: &Mat<D>,
    rows: Range<usize>,
    cols: Range<usize>,
) -> Result<Taped<D, T>, D::Err> {
    x.retaped::<T>().try_slice((rows, cols))
}

impl<D: Backend> Attention<D> for Composed {
    fn attention<T: Tape<f32, D>>(
        tape: &mut T,
        q: &Mat<D>,
        kv: Option<&Mat<D>>,
        spans: Spans<'_>,
        head_dim: usize,
    ) -> Result<Mat<D>, D::Err> {
        let dim = if kv.is_some() { q.shape().1 } else { q.shape().1 / 3 };
        let (source, k_col) = kv.map_or((q, dim), |kv| (kv, 0));
        let mut samples: Option<Taped<D, T>> = None;
        for b in 0..spans.q.len() - 1 {
            let (rows, keys) = (spans.q[b]..spans.q[b + 1], spans.k[b]..spans.k[b + 1]);
            if rows.is_empty() {
                continue;
            }
            let mut heads: Option<Taped<D, T>> = None;
            for h in (0..dim).step_by(head_dim) {
                let query = part::<D, T>(q, rows.clone(), h..h + head_dim)?;
                let key = part::<D, T>(source, keys.clone(), k_col + h..k_col + h + head_dim)?;
                let value = part::<D, T>(source, keys.clone(), k_col + dim + h..k_col + dim + h + head_dim)?;
                let scores = query
                    .try_matmul(key.try_permute::<(usize, usize), Axes2<1, 0>>()?)?
                    .try_mul((head_dim as f32).powf(-0.5))?;
                let out = scores.try_softmax::<Axis<1>>()?.try_matmul(value)?;
                heads = Some(match heads {
                    None => out,
                    Some(left) => (left, out).try_concat_along(Axis::<1>)?,
                });
            }
            let out = heads.expect("a model has at least one head");
            samples = Some(match samples {
                None => out,
                Some(above) => (above, out).try_concat_along(Axis::<0>)?,
            });
        }
        let Some(all) = samples else {
            return q.device().try_zeros_like(&(0, dim));
        };
        let (out, recorded) = all.split_tape();
        *tape = std::mem::take(tape).merge(recorded);
        Ok(out)
    }
}
