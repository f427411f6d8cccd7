//! What there is to say of a GPU.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A GPU: what decides the bits of a result there, and what a reader wants to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// As the driver calls it, e.g. `NVIDIA H100 80GB HBM3`.
    pub name: String,
    /// Compute capability, e.g. (9, 0).
    pub capability: (i32, i32),
    /// Bytes.
    pub memory: usize,
    /// Newest CUDA that the driver knows, e.g. `13.0`.
    pub driver: String,
    /// e.g. `13.0.2`.
    pub cublas: String,
    /// The compiler of the kernels, e.g. `13.0`.
    pub nvrtc: String,
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.capability;
        let Card { name, driver, cublas, nvrtc, .. } = self;
        write!(f, "{name}, compute capability {major}.{minor}, driver for CUDA {driver}, cuBLAS {cublas}, NVRTC {nvrtc}")
    }
}
