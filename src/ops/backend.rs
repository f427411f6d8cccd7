//! What every operation needs: matrices on a device, and the sets of kernels.

use dfdx::prelude::*;

/// A matrix on device `D`; tapes travel beside matrices, not inside them.
pub type Mat<D> = Tensor<(usize, usize), f32, D>;

/// Each row's cross-entropy in nats, `[rows]`; on the device until somebody asks.
pub type RowLosses<D> = Tensor<(usize,), f32, D>;

/// A loss on the tape, and what its rows contribute.
pub type LossAndRows<D> = (Tensor<Rank0, f32, D>, RowLosses<D>);

/// Shorthand for what every operation needs from a device.
pub trait Backend: Device<f32> {}
impl<D: Device<f32>> Backend for D {}

/// Ours, fused, on the CPU.
#[derive(Clone, Copy, Debug)]
pub struct Fused;

/// Composed of dfdx primitives, on any device.
#[derive(Clone, Copy, Debug)]
pub struct Composed;

/// Ours, fused, on CUDA.
#[cfg(feature = "cuda")]
#[derive(Clone, Copy, Debug)]
pub struct CudaKernels;

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
