//! Operations on dfdx's tape: fused for the CPU and for CUDA, composed of dfdx primitives for any device.
//!
//! Layout: one operation = one folder.
//! 1. `mod.rs`: the formula and its gradient, the trait with shapes, one test for every kernel set.
//! 2. `composed.rs`: `impl Op<D> for Composed`, dfdx primitives, the reference of the tests.
//! 3. `cpu.rs`: `impl Op<Cpu> for Fused`, the kernel itself. `kernels.cu`: the kernels in CUDA C, which `cuda.rs`
//!    launches: `impl Op<Cuda> for CudaKernels`.
//! 4. An operation without a kernel of its own says so by calling `Composed` in one line.
//! 5. Matrices are row-major `[rows, columns]`; a vector of `D` weights is a `[1, D]` matrix.
//! 6. Nothing is padded: a batch is the concatenation of its samples' valid tokens, and attention
//!    runs inside each sample's own span.
//! 7. `tape` records the backward pass, or is [`dfdx::tensor::NoneTape`]; errors are the device's own.
//! 8. Shapes: `T` tokens, `D` width, `N` outputs, `H` heads.

mod adamw;
mod attention;
pub mod backend;
mod card_memory;
mod cpu;
mod cross_entropy;
#[cfg(feature = "cuda")]
pub(in crate::ops) mod cuda;
pub mod device;
mod embed;
mod gelu_linear;
#[cfg(test)]
mod large;
mod layer_norm;
mod linear;
mod norm_linear;
#[cfg(test)]
pub(crate) mod testing;

pub use adamw::{AdamW, Optimizer, Stepped};
pub use attention::Attention;
#[cfg(feature = "cuda")]
pub use backend::CudaKernels;
pub use backend::{Backend, Composed, Fused, LossAndRows, Mat, RowLosses, Spans};
pub use cross_entropy::{chunks, log_sum_exp, CrossEntropy, LossRows, RowScore, ScoredRows};
pub use embed::Embed;
pub use gelu_linear::GeluLinear;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use norm_linear::NormLinear;

/// A kernel set: every operation FourM and its training are made of, on device `D`.
pub trait OpSet<D: Backend>: Layers<D> + CrossEntropy<D> + Optimizer<D> + 'static {}
impl<D: Backend, O: Layers<D> + CrossEntropy<D> + Optimizer<D> + 'static> OpSet<D> for O {}

/// The operations that layers are made of.
pub trait Layers<D: Backend>:
    Embed<D> + LayerNorm<D> + NormLinear<D> + Linear<D> + GeluLinear<D> + Attention<D>
{
}
impl<D: Backend, O> Layers<D> for O where
    O: Embed<D> + LayerNorm<D> + NormLinear<D> + Linear<D> + GeluLinear<D> + Attention<D>
{
}
