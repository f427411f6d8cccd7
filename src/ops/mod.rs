//! Operations on dfdx's tape: fused for the CPU, composed of dfdx primitives for any device.
//!
//! Layout: one operation = one file with its formula, the fused kernel, the composed version and
//! the tests that hold both to finite differences and to each other. [`OpSet`] is the list of all.
//! Matrices are row-major `[rows, columns]`; a vector of `D` weights is a `[1, D]` matrix.
//! Nothing is padded: a batch is the concatenation of its samples' valid tokens, and attention
//! runs inside each sample's own span.

use crate::batch::Packed;
use dfdx::prelude::*;

mod attention;
mod cpu;
mod cross_entropy;
mod embed;
mod gelu_linear;
mod gemm;
mod layer_norm;
mod linear;
mod norm_linear;
mod simd;
mod sums;
#[cfg(test)]
pub(crate) mod testing;

pub use cross_entropy::{chunks, LossRows, RowScore};
pub use sums::{adamw_update, sum_of_squares, AdamW};

/// A matrix on device `D`; tapes travel beside matrices, not inside them.
pub type Mat<D> = Tensor<(usize, usize), f32, D>;

/// A loss on the tape, and each row's cross-entropy in nats.
pub type LossAndRows<D> = (Tensor<Rank0, f32, D>, Vec<f32>);

/// Shorthand for what every operation needs from a device.
pub trait Backend: Device<f32> {}
impl<D: Device<f32>> Backend for D {}

/// The operations FourM is made of. `tape` records the backward pass, or is [`NoneTape`].
///
/// Shapes: `T` tokens, `D` width, `N` outputs, `H` heads. Errors are the device's own.
pub trait OpSet<D: Backend>: 'static {
    /// `out[t] = tokens[id_t] + modalities[m_t] + positions[p_t]` → `[T, D]`; without `tokens` the
    /// first term is left out (decoder queries). `positions` is a constant table.
    fn embed<T: Tape<f32, D>>(
        tape: &mut T,
        tokens: Option<&Mat<D>>,
        modalities: &Mat<D>,
        positions: &Mat<D>,
        index: &Packed,
    ) -> Result<Mat<D>, D::Err>;

    /// `(x − mean) / sqrt(var + 1e-6) · gain` over each row: `[T, D]`, gain `[1, D]`.
    fn layer_norm<T: Tape<f32, D>>(tape: &mut T, x: &Mat<D>, gain: &Mat<D>) -> Result<Mat<D>, D::Err>;

    /// `layer_norm(x, gain) · Wᵀ`: `[T, D]`, W `[N, D]` → `[T, N]`.
    fn norm_linear<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        gain: &Mat<D>,
        weight: &Mat<D>,
    ) -> Result<Mat<D>, D::Err>;

    /// `residual + x · Wᵀ`: x `[T, K]`, W `[N, K]`, residual `[T, N]`.
    fn linear_residual<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        residual: &Mat<D>,
    ) -> Result<Mat<D>, D::Err>;

    /// `residual + gelu(x) · Wᵀ` with the exact (erf) GELU: x `[T, K]`, W `[N, K]`.
    fn gelu_linear_residual<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        residual: &Mat<D>,
    ) -> Result<Mat<D>, D::Err>;

    /// `x · Wᵀ + bias + positions[p_t]`: x `[T, D]`, W `[N, D]`, bias `[1, N]`, constant positions `[P, N]`.
    fn linear_positions<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        bias: &Mat<D>,
        positions: &Mat<D>,
        index: &[u32],
    ) -> Result<Mat<D>, D::Err>;

    /// Multi-head attention of each sample's queries over its own keys, scale `head_dim^-0.5`.
    /// `q` holds the queries in its first `D` columns. With `kv` (`[T_k, 2D]`: keys, then values)
    /// it is cross-attention; without, `q` is `[T, 3D]` and holds queries, keys and values.
    fn attention<T: Tape<f32, D>>(
        tape: &mut T,
        q: &Mat<D>,
        kv: Option<&Mat<D>>,
        spans: Spans<'_>,
        head_dim: usize,
    ) -> Result<Mat<D>, D::Err>;

    /// `Σ_r weight_r · CE(x_r · Wᵀ, target_r)` → scalar, and each row's cross-entropy in nats.
    /// Row `r` competes among the ids `0..limit_r` only.
    fn linear_cross_entropy<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        rows: &LossRows,
    ) -> Result<LossAndRows<D>, D::Err>;

    /// Logits of some rows of `x` over the ids `0..limit`, on the host, row-major `[rows, limit]`.
    fn logits(x: &Mat<D>, weight: &Mat<D>, rows: &[usize], limit: usize) -> Result<Vec<f32>, D::Err>;

    /// Sum of squares of the gradient of `param`, in double precision.
    fn grad_square_sum(grads: &mut Gradients<f32, D>, param: &Mat<D>) -> Result<f64, D::Err>;

    /// One AdamW update of `param` and its moments with its gradient in `grads`, which is consumed.
    fn adamw(
        param: &mut Mat<D>,
        moments: &mut (Mat<D>, Mat<D>),
        grads: &mut Gradients<f32, D>,
        hyper: &AdamW,
    ) -> Result<(), D::Err>;
}

/// Boundaries of the samples among queries and keys: sample `b` owns `q[b]..q[b + 1]`.
#[derive(Clone, Copy, Debug)]
pub struct Spans<'a> {
    pub q: &'a [usize],
    pub k: &'a [usize],
}

/// Rows of logits held at a time: at most 2²⁴ numbers (64 MiB), at most 512 rows, at least 8.
/// A function of the vocabulary alone, so that sums over chunks have a fixed shape.
pub fn chunk_rows(vocab: usize) -> usize {
    ((1 << 24) / vocab.max(1) / 8 * 8).clamp(8, 512)
}

/// Ours, fused, on the CPU.
#[derive(Clone, Copy, Debug)]
pub struct Fused;

/// Composed of dfdx primitives, on any device.
#[derive(Clone, Copy, Debug)]
pub struct Composed;

impl OpSet<Cpu> for Fused {
    fn embed<T: Tape<f32, Cpu>>(
        tape: &mut T,
        tokens: Option<&Mat<Cpu>>,
        modalities: &Mat<Cpu>,
        positions: &Mat<Cpu>,
        index: &Packed,
    ) -> Result<Mat<Cpu>, CpuError> {
        embed::fused(tape, tokens, modalities, positions, index)
    }

    fn layer_norm<T: Tape<f32, Cpu>>(
        tape: &mut T,
        x: &Mat<Cpu>,
        gain: &Mat<Cpu>,
    ) -> Result<Mat<Cpu>, CpuError> {
        layer_norm::fused(tape, x, gain)
    }

    fn norm_linear<T: Tape<f32, Cpu>>(
        tape: &mut T,
        x: &Mat<Cpu>,
        gain: &Mat<Cpu>,
        weight: &Mat<Cpu>,
    ) -> Result<Mat<Cpu>, CpuError> {
        norm_linear::fused(tape, x, gain, weight)
    }

    fn linear_residual<T: Tape<f32, Cpu>>(
        tape: &mut T,
        x: &Mat<Cpu>,
        weight: &Mat<Cpu>,
        residual: &Mat<Cpu>,
    ) -> Result<Mat<Cpu>, CpuError> {
        linear::fused_residual(tape, x, weight, residual)
    }

    fn gelu_linear_residual<T: Tape<f32, Cpu>>(
        tape: &mut T,
        x: &Mat<Cpu>,
        weight: &Mat<Cpu>,
        residual: &Mat<Cpu>,
    ) -> Result<Mat<Cpu>, CpuError> {
        gelu_linear::fused(tape, x, weight, residual)
    }

    fn linear_positions<T: Tape<f32, Cpu>>(
        tape: &mut T,
        x: &Mat<Cpu>,
        weight: &Mat<Cpu>,
        bias: &Mat<Cpu>,
        positions: &Mat<Cpu>,
        index: &[u32],
    ) -> Result<Mat<Cpu>, CpuError> {
        linear::fused_positions(tape, x, weight, bias, positions, index)
    }

    fn attention<T: Tape<f32, Cpu>>(
        tape: &mut T,
        q: &Mat<Cpu>,
        kv: Option<&Mat<Cpu>>,
        spans: Spans<'_>,
        head_dim: usize,
    ) -> Result<Mat<Cpu>, CpuError> {
        attention::fused(tape, q, kv, spans, head_dim)
    }

    fn linear_cross_entropy<T: Tape<f32, Cpu>>(
        tape: &mut T,
        x: &Mat<Cpu>,
        weight: &Mat<Cpu>,
        rows: &LossRows,
    ) -> Result<LossAndRows<Cpu>, CpuError> {
        cross_entropy::fused(tape, x, weight, rows)
    }

    fn logits(x: &Mat<Cpu>, weight: &Mat<Cpu>, rows: &[usize], limit: usize) -> Result<Vec<f32>, CpuError> {
        Ok(cross_entropy::fused_logits(x, weight, rows, limit))
    }

    fn grad_square_sum(grads: &mut Gradients<f32, Cpu>, param: &Mat<Cpu>) -> Result<f64, CpuError> {
        Ok(sum_of_squares(grads.get_or_alloc_mut(param)?))
    }

    fn adamw(
        param: &mut Mat<Cpu>,
        moments: &mut (Mat<Cpu>, Mat<Cpu>),
        grads: &mut Gradients<f32, Cpu>,
        hyper: &AdamW,
    ) -> Result<(), CpuError> {
        let g = cpu::take_grad(grads, param)?;
        adamw_update(
            cpu::data_mut(param),
            cpu::data_mut(&mut moments.0),
            cpu::data_mut(&mut moments.1),
            &g,
            hyper,
        );
        Ok(())
    }
}

impl<D: Backend> OpSet<D> for Composed {
    fn embed<T: Tape<f32, D>>(
        tape: &mut T,
        tokens: Option<&Mat<D>>,
        modalities: &Mat<D>,
        positions: &Mat<D>,
        index: &Packed,
    ) -> Result<Mat<D>, D::Err> {
        embed::composed(tape, tokens, modalities, positions, index)
    }

    fn layer_norm<T: Tape<f32, D>>(tape: &mut T, x: &Mat<D>, gain: &Mat<D>) -> Result<Mat<D>, D::Err> {
        layer_norm::composed(tape, x, gain)
    }

    fn norm_linear<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        gain: &Mat<D>,
        weight: &Mat<D>,
    ) -> Result<Mat<D>, D::Err> {
        let n = layer_norm::composed(tape, x, gain)?;
        linear::composed(tape, &n, weight)
    }

    fn linear_residual<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        residual: &Mat<D>,
    ) -> Result<Mat<D>, D::Err> {
        let y = linear::composed(tape, x, weight)?;
        linear::composed_add(tape, residual, &y)
    }

    fn gelu_linear_residual<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        residual: &Mat<D>,
    ) -> Result<Mat<D>, D::Err> {
        let g = gelu_linear::composed_gelu(tape, x)?;
        let y = linear::composed(tape, &g, weight)?;
        linear::composed_add(tape, residual, &y)
    }

    fn linear_positions<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        bias: &Mat<D>,
        positions: &Mat<D>,
        index: &[u32],
    ) -> Result<Mat<D>, D::Err> {
        linear::composed_positions(tape, x, weight, bias, positions, index)
    }

    fn attention<T: Tape<f32, D>>(
        tape: &mut T,
        q: &Mat<D>,
        kv: Option<&Mat<D>>,
        spans: Spans<'_>,
        head_dim: usize,
    ) -> Result<Mat<D>, D::Err> {
        attention::composed(tape, q, kv, spans, head_dim)
    }

    fn linear_cross_entropy<T: Tape<f32, D>>(
        tape: &mut T,
        x: &Mat<D>,
        weight: &Mat<D>,
        rows: &LossRows,
    ) -> Result<LossAndRows<D>, D::Err> {
        cross_entropy::composed(tape, x, weight, rows)
    }

    fn logits(x: &Mat<D>, weight: &Mat<D>, rows: &[usize], limit: usize) -> Result<Vec<f32>, D::Err> {
        cross_entropy::composed_logits(x, weight, rows, limit)
    }

    fn grad_square_sum(grads: &mut Gradients<f32, D>, param: &Mat<D>) -> Result<f64, D::Err> {
        grads.get_or_alloc_mut(param)?;
        Ok(sum_of_squares(&grads.get(param).as_vec()))
    }

    fn adamw(
        param: &mut Mat<D>,
        moments: &mut (Mat<D>, Mat<D>),
        grads: &mut Gradients<f32, D>,
        hyper: &AdamW,
    ) -> Result<(), D::Err> {
        let g = grads.get(param);
        sums::composed_adamw(param, moments, g, hyper)
    }
}
