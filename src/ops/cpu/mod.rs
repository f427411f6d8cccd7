//! What the CPU's kernels share: tensors as slices, matrix products, vector code.

pub mod gemm;
pub mod memory;
pub mod simd;
