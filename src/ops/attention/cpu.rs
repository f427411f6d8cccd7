//! The CPU kernel: one task per sample and head, scratch for one score matrix per thread.

use super::Attention;
use crate::ops::backend::{Fused, Mat, Spans};
use crate::ops::cpu::gemm::{matmul_one_thread, View};
use crate::ops::cpu::memory::{data, grad_mut, matrix, take_grad, Shared};
use crate::ops::cpu::simd::{exp, max, scale, sum, vectorized};
use dfdx::prelude::*;
use rayon::prelude::*;
use std::ops::Range;

vectorized! {
    /// Scores → `exp(scale · score − max)`, row by row; `totals` receives each row's sum, `lse` its
    /// log-sum-exp. The sum divides after the product with the values, on far fewer numbers.
    fn exp_rows(scores: &mut [f32], keys: usize, scale: f32, totals: &mut [f32], lse: &mut [f32]) {
        for ((row, total), lse) in scores.chunks_exact_mut(keys).zip(totals).zip(lse) {
            let m = max(row) * scale;
            for s in row.iter_mut() {
                *s = exp(*s * scale - m);
            }
            *total = sum(row.len(), |i| row[i]);
            *lse = m + total.ln();
        }
    }
}

vectorized! {
    /// Scores → probabilities from the stored log-sum-exp.
    fn softmax_again(scores: &mut [f32], keys: usize, scale: f32, lse: &[f32]) {
        for (row, lse) in scores.chunks_exact_mut(keys).zip(lse) {
            for s in row.iter_mut() {
                *s = exp(*s * scale - lse);
            }
        }
    }
}

vectorized! {
    /// `∂P` → `∂S = P ∘ (∂P − rowsum(P ∘ ∂P)) · scale`, in place of `∂P`.
    fn softmax_backward(p: &[f32], dp: &mut [f32], keys: usize, scale: f32) {
        for (p, dp) in p.chunks_exact(keys).zip(dp.chunks_exact_mut(keys)) {
            let delta = sum(keys, |i| p[i] * dp[i]);
            for i in 0..keys {
                dp[i] = p[i] * (dp[i] - delta) * scale;
            }
        }
    }
}

/// Where queries, keys and values lie: the matrix, its row length and the first column of each.
#[derive(Clone, Copy)]
struct Layout {
    dim: usize,
    head_dim: usize,
    q_stride: usize,
    kv_stride: usize,
    k_col: usize,
    v_col: usize,
}

/// One sample and head.
struct Task {
    head: usize,
    q: Range<usize>,
    k: Range<usize>,
}

fn tasks(spans: &(Vec<usize>, Vec<usize>), heads: usize) -> Vec<Task> {
    let samples = 0..spans.0.len() - 1;
    let all = samples.flat_map(|b| (0..heads).map(move |head| (b, head)));
    all.map(|(b, head)| Task { head, q: spans.0[b]..spans.0[b + 1], k: spans.1[b]..spans.1[b + 1] })
        .filter(|t| !t.q.is_empty() && !t.k.is_empty())
        .collect()
}

impl Layout {
    fn new(q: &Mat<Cpu>, kv: Option<&Mat<Cpu>>, head_dim: usize) -> Layout {
        let q_stride = q.shape().1;
        match kv {
            None => {
                let dim = q_stride / 3;
                Layout { dim, head_dim, q_stride, kv_stride: q_stride, k_col: dim, v_col: 2 * dim }
            }
            Some(kv) => Layout {
                dim: q_stride,
                head_dim,
                q_stride,
                kv_stride: kv.shape().1,
                k_col: 0,
                v_col: q_stride,
            },
        }
    }

    fn q_at(&self, t: &Task) -> usize {
        t.q.start * self.q_stride + t.head * self.head_dim
    }

    fn k_at(&self, t: &Task) -> usize {
        t.k.start * self.kv_stride + self.k_col + t.head * self.head_dim
    }

    fn v_at(&self, t: &Task) -> usize {
        t.k.start * self.kv_stride + self.v_col + t.head * self.head_dim
    }

    fn out_at(&self, t: &Task) -> usize {
        t.q.start * self.dim + t.head * self.head_dim
    }

    fn scale(&self) -> f32 {
        (self.head_dim as f32).powf(-0.5)
    }

    /// `Q Kᵀ` of a task into `scores`, `[queries, keys]`.
    fn scores(&self, t: &Task, q: &[f32], kv: &[f32], scores: &mut Vec<f32>) {
        let (n, m) = (t.q.len(), t.k.len());
        scores.resize(n * m, 0.0);
        let (qv, kt) = (
            View::rows(&q[self.q_at(t)..], self.q_stride),
            View::rows(&kv[self.k_at(t)..], self.kv_stride).t(),
        );
        // SAFETY: `scores` holds n·m numbers and is exclusively ours.
        unsafe { matmul_one_thread(scores.as_mut_ptr(), m, (n, self.head_dim, m), qv, kt, false) };
    }
}

impl Attention<Cpu> for Fused {
    fn attention<T: Tape<f32, Cpu>>(
        tape: &mut T,
        q: &Mat<Cpu>,
        kv: Option<&Mat<Cpu>>,
        spans: Spans<'_>,
        head_dim: usize,
    ) -> Result<Mat<Cpu>, CpuError> {
        let layout = Layout::new(q, kv, head_dim);
        let spans = (spans.q.to_vec(), spans.k.to_vec());
        let (rows, heads) = (q.shape().0, layout.dim / head_dim);
        let (values, lse) = forward(&layout, &tasks(&spans, heads), data(q), data(kv.unwrap_or(q)), rows);
        let out = matrix(q.device(), values, rows, layout.dim)?;
        if T::OWNS_TAPE {
            let (q, kv, y) = (q.clone(), kv.cloned(), out.clone());
            tape.add_backward_op(move |grads| {
                let g = take_grad(grads, &y)?;
                // The buffers of the map's vectors stay where they are when the map grows.
                let dq = Shared::new(grad_mut(grads, &q)?);
                let dkv = match &kv {
                    Some(kv) => Shared::new(grad_mut(grads, kv)?),
                    None => dq,
                };
                let keys = data(kv.as_ref().unwrap_or(&q));
                backward(&layout, &tasks(&spans, heads), (data(&q), keys), (&g, &lse), (dq, dkv));
                Ok(())
            });
        }
        Ok(out)
    }
}

/// Output `[rows, dim]` and log-sum-exp `[heads, rows]`.
fn forward(layout: &Layout, tasks: &[Task], q: &[f32], kv: &[f32], rows: usize) -> (Vec<f32>, Vec<f32>) {
    let mut out = vec![0.0; rows * layout.dim];
    let mut lse = vec![0.0; rows * (layout.dim / layout.head_dim)];
    let (out_at, lse_at) = (Shared::new(&mut out), Shared::new(&mut lse));
    tasks.par_iter().for_each_init(Default::default, |(scores, totals): &mut (Vec<f32>, Vec<f32>), t| {
        let (n, m, width) = (t.q.len(), t.k.len(), layout.head_dim);
        layout.scores(t, q, kv, scores);
        totals.resize(n, 0.0);
        let values = View::rows(&kv[layout.v_at(t)..], layout.kv_stride);
        // SAFETY: rows of one sample and columns (or row of lse) of one head belong to one task.
        unsafe {
            let lse = std::slice::from_raw_parts_mut(lse_at.at(t.head * rows + t.q.start), n);
            exp_rows(scores, m, layout.scale(), totals, lse);
            let to = out_at.at(layout.out_at(t));
            matmul_one_thread(to, layout.dim, (n, m, width), View::rows(scores, m), values, false);
            for (i, total) in totals.iter().enumerate() {
                scale(std::slice::from_raw_parts_mut(to.add(i * layout.dim), width), 1.0 / total);
            }
        }
    });
    (out, lse)
}

fn backward(
    layout: &Layout,
    tasks: &[Task],
    (q, kv): (&[f32], &[f32]),
    (g, lse): (&[f32], &[f32]),
    (dq, dkv): (Shared, Shared),
) {
    let (rows, hd) = (g.len() / layout.dim, layout.head_dim);
    tasks.par_iter().for_each_init(Default::default, |(p, dp): &mut (Vec<f32>, Vec<f32>), t| {
        let (n, m) = (t.q.len(), t.k.len());
        layout.scores(t, q, kv, p);
        softmax_again(p, m, layout.scale(), &lse[t.head * rows + t.q.start..][..n]);
        dp.resize(n * m, 0.0);
        let dout = View::rows(&g[layout.out_at(t)..], layout.dim);
        let (k, v) = (
            View::rows(&kv[layout.k_at(t)..], layout.kv_stride),
            View::rows(&kv[layout.v_at(t)..], layout.kv_stride),
        );
        let queries = View::rows(&q[layout.q_at(t)..], layout.q_stride);
        // SAFETY: rows of one sample and columns of one head of each gradient belong to one task.
        unsafe {
            matmul_one_thread(dp.as_mut_ptr(), m, (n, hd, m), dout, v.t(), false);
            let pt = View::rows(p, m).t();
            matmul_one_thread(dkv.at(layout.v_at(t)), layout.kv_stride, (m, n, hd), pt, dout, true);
            softmax_backward(p, dp, m, layout.scale());
            let ds = View::rows(dp, m);
            matmul_one_thread(dq.at(layout.q_at(t)), layout.q_stride, (n, m, hd), ds, k, true);
            matmul_one_thread(dkv.at(layout.k_at(t)), layout.kv_stride, (m, n, hd), ds.t(), queries, true);
        }
    });
}
