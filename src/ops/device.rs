//! Where tensors live: a value, not a build flavour.
//!
//! `cpu` is always there; `cuda:N` needs a build with `--features cuda`, and asking for it without
//! one is a clear error.

use crate::fault::{Fault, Result};
#[cfg(feature = "cuda")]
use crate::ops::{cuda::Context, CudaKernels};
use crate::ops::{Backend, Composed, Fused, OpSet};
use dfdx::tensor::Cpu;
use std::fmt;
use std::str::FromStr;

/// Where tensors live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Cpu,
    /// The GPU with this ordinal.
    Cuda(usize),
}

impl FromStr for Device {
    type Err = Fault;

    fn from_str(s: &str) -> Result<Device> {
        let unknown =
            || Fault::invalid("unknown device").found(s).expected("cpu or cuda:N, for example cuda:0");
        match s.split_once(':') {
            None if s == "cpu" => Ok(Device::Cpu),
            None if s == "cuda" => Ok(Device::Cuda(0)),
            Some(("cuda", n)) => n.parse().map(Device::Cuda).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => write!(f, "cpu"),
            Device::Cuda(n) => write!(f, "cuda:{n}"),
        }
    }
}

/// Which implementation of the operations runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernels {
    /// Ours, fused.
    Fused,
    /// Composed of dfdx primitives (any device).
    Composed,
}

impl Kernels {
    /// As `--kernels` names it.
    pub fn name(self) -> &'static str {
        match self {
            Kernels::Fused => "fused",
            Kernels::Composed => "composed",
        }
    }
}

/// Work that runs on whichever device a [`Device`] names, with a kernel set for it.
pub trait OnDevice {
    type Output;

    /// On the CPU, whose tensors several threads may read.
    fn cpu<O: OpSet<Cpu>>(self, dev: Cpu) -> Self::Output;

    /// On any other device, bound to the thread that opened it.
    fn other<D: Backend, O: OpSet<D>>(self, dev: D) -> Self::Output;
}

/// Opens `device` and does `work` there.
pub fn on<W: OnDevice>(device: Device, kernels: Kernels, work: W) -> Result<W::Output> {
    match (device, kernels) {
        (Device::Cpu, Kernels::Fused) => Ok(work.cpu::<Fused>(Cpu::default())),
        (Device::Cpu, Kernels::Composed) => Ok(work.cpu::<Composed>(Cpu::default())),
        (Device::Cuda(ordinal), kernels) => cuda(ordinal, kernels, work),
    }
}

#[cfg(feature = "cuda")]
fn cuda<W: OnDevice>(ordinal: usize, kernels: Kernels, work: W) -> Result<W::Output> {
    let dev = dfdx::tensor::Cuda::try_build(ordinal, 0).map_err(|e| {
        Fault::failed(format!("cannot open cuda:{ordinal}: {e:?}"))
            .help("see `nvidia-smi` for the devices and their numbers, or use --device cpu")
    })?;
    match kernels {
        Kernels::Fused => {
            Context::open(&dev, ordinal)?;
            Ok(work.other::<_, CudaKernels>(dev))
        }
        Kernels::Composed => Ok(work.other::<_, Composed>(dev)),
    }
}

#[cfg(not(feature = "cuda"))]
fn cuda<W: OnDevice>(ordinal: usize, _: Kernels, _: W) -> Result<W::Output> {
    Err(Fault::invalid(format!("cuda:{ordinal} was asked for, but this program was built without CUDA"))
        .help(
        "build it with `cargo build --release --features cuda` (needs the CUDA toolkit), or use --device cpu",
    ))
}

/// Opens `device` and leaves it: before a run is begun there that could not go on.
///
/// # Errors
/// If this program or this machine has no such device.
pub fn hold(device: Device) -> Result<()> {
    struct Nothing;
    impl OnDevice for Nothing {
        type Output = ();
        fn cpu<O: OpSet<Cpu>>(self, _: Cpu) {}
        fn other<D: Backend, O: OpSet<D>>(self, _: D) {}
    }
    on(device, Kernels::Composed, Nothing)
}

/// Whether this program can use GPUs at all.
pub fn cuda_built() -> bool {
    cfg!(feature = "cuda")
}

/// Every GPU as `--device` names it, and its memory in bytes; empty without CUDA.
pub fn gpus() -> Vec<(String, usize)> {
    #[cfg(feature = "cuda")]
    {
        let count = cudarc::driver::CudaDevice::count().unwrap_or(0).max(0) as usize;
        let fact = |i| {
            let _current = cudarc::driver::CudaDevice::new(i).ok()?;
            let (_, total) = cudarc::driver::result::mem_get_info().ok()?;
            Some((Device::Cuda(i).to_string(), total))
        };
        (0..count).filter_map(fact).collect()
    }
    #[cfg(not(feature = "cuda"))]
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_parsed() {
        assert_eq!("cpu".parse::<Device>().unwrap(), Device::Cpu);
        assert_eq!("cuda:3".parse::<Device>().unwrap(), Device::Cuda(3));
        assert!("gpu".parse::<Device>().unwrap_err().to_string().contains("cuda:N"));
        assert_eq!(Device::Cuda(1).to_string(), "cuda:1");
    }
}
