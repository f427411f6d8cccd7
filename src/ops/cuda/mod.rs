//! What the CUDA kernels share: the program that NVRTC compiles, launches, memory, uploads, matrix products.
//!
//! Each operation's kernels lie beside it (`kernels.cu`), its launches in `cuda.rs`. Everything of a device runs on
//! its one default stream, so that what is launched after something sees it; the host waits only where it reads.

pub mod blas;
pub mod card;
mod context;
pub mod launch;
pub mod memory;
mod pinned;
mod pool;
mod program;
mod upload;

pub use context::{output, Context};
pub use program::keep_in;
pub use upload::{List, Plain};
