//! Where tensors live: a value, not a build flavour.
//!
//! `cpu` is always there; `cuda:N` needs a build with `--features cuda`, and asking for it without
//! one is a clear error.

use crate::fault::{Fault, Result};
#[cfg(feature = "cuda")]
use crate::ops::{cuda::Context, CudaKernels};
use crate::ops::{Backend, Composed, Fused, OpSet};
use dfdx::tensor::Cpu;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
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

/// How matrix products take their factors; everything else is float32, whatever is said here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to the 10 bits of mantissa that the tensor cores of NVIDIA cards since compute capability 8.0 take:
    /// several times faster there. There is no such thing on a CPU.
    Tf32,
}

/// Where a network works, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub device: Device,
    pub kernels: Kernels,
    pub precision: Precision,
}

impl Place {
    /// The CPU, with our kernels.
    pub const CPU: Place = Place { device: Device::Cpu, kernels: Kernels::Fused, precision: Precision::F32 };
}

/// Work that runs on whichever device a [`Device`] names, with a kernel set for it.
pub trait OnDevice {
    type Output;

    /// On the CPU, whose tensors several threads may read.
    fn cpu<O: OpSet<Cpu>>(self, dev: Cpu) -> Self::Output;

    /// On any other device, bound to the thread that opened it.
    fn other<D: Backend, O: OpSet<D>>(self, dev: D) -> Self::Output;
}

/// Opens a place and does `work` there.
///
/// # Errors
/// Exit 2 if this program, this machine or the device cannot do what is asked.
pub fn on<W: OnDevice>(place: Place, work: W) -> Result<W::Output> {
    match (place.device, place.kernels) {
        (Device::Cpu, _) if place.precision == Precision::Tf32 => Err(no_tf32("a CPU")
            .help("--device cuda:0, or `--set train.precision=F32`, which is another experiment")),
        (Device::Cpu, Kernels::Fused) => Ok(work.cpu::<Fused>(Cpu::default())),
        (Device::Cpu, Kernels::Composed) => Ok(work.cpu::<Composed>(Cpu::default())),
        (Device::Cuda(ordinal), _) => cuda(ordinal, place, work),
    }
}

fn no_tf32(found: &str) -> Fault {
    Fault::invalid("the manifest asks for products in TensorFloat-32")
        .at("train.precision")
        .found(found)
        .expected("an NVIDIA card of compute capability 8.0 or newer")
}

#[cfg(feature = "cuda")]
fn cuda<W: OnDevice>(ordinal: usize, place: Place, work: W) -> Result<W::Output> {
    let dev = dfdx::tensor::Cuda::try_build(ordinal, 0).map_err(|e| unopened(ordinal, &e))?;
    let tf32 = place.precision == Precision::Tf32;
    match place.kernels {
        Kernels::Fused => {
            let context = Context::open(&dev, ordinal)?;
            let facts = context.facts()?;
            if tf32 && facts.capability < (8, 0) {
                return Err(no_tf32(&facts.to_string()).help("`--set train.precision=F32`"));
            }
            context.allow_tf32(tf32)?;
            Ok(work.other::<_, CudaKernels>(dev))
        }
        Kernels::Composed if tf32 => {
            Err(no_tf32("kernels composed of dfdx primitives, whose products are float32"))
        }
        Kernels::Composed => Ok(work.other::<_, Composed>(dev)),
    }
}

#[cfg(feature = "cuda")]
fn unopened(ordinal: usize, error: &dfdx::tensor::CudaError) -> Fault {
    Fault::failed(format!("cannot open cuda:{ordinal}: {error:?}"))
        .help("see `nvidia-smi` for the devices and their numbers, or use --device cpu")
}

#[cfg(not(feature = "cuda"))]
fn cuda<W: OnDevice>(ordinal: usize, _: Place, _: W) -> Result<W::Output> {
    Err(without_cuda(ordinal))
}

fn without_cuda(ordinal: usize) -> Fault {
    Fault::invalid(format!("cuda:{ordinal} was asked for, but this program was built without CUDA")).help(
        "build it with `cargo build --release --features cuda` (needs the CUDA toolkit), or use --device cpu",
    )
}

/// Opens a place and leaves it: before a run is begun there that could not go on.
///
/// # Errors
/// If this program or this machine has no such device.
pub fn hold(place: Place) -> Result<()> {
    struct Nothing;
    impl OnDevice for Nothing {
        type Output = ();
        fn cpu<O: OpSet<Cpu>>(self, _: Cpu) {}
        fn other<D: Backend, O: OpSet<D>>(self, _: D) {}
    }
    on(place, Nothing)
}

/// Whether this program can use GPUs at all.
pub fn cuda_built() -> bool {
    cfg!(feature = "cuda")
}

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

/// The card that a device is; none for the CPU.
///
/// # Errors
/// If it cannot be opened.
pub fn card(device: Device) -> Result<Option<Card>> {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(ordinal) = device {
        let dev = dfdx::tensor::Cuda::try_build(ordinal, 0).map_err(|e| unopened(ordinal, &e))?;
        return Context::open(&dev, ordinal)?.facts().map(Some);
    }
    match device {
        Device::Cpu => Ok(None),
        Device::Cuda(ordinal) => Err(without_cuda(ordinal)),
    }
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

/// Every place whose numbers can be held against each other here: the CPU with either kernels, every GPU with ours.
pub fn places() -> Vec<Place> {
    let gpus = gpus().into_iter().filter_map(|(name, _)| name.parse().ok());
    let on = |device| Place { device, ..Place::CPU };
    let composed = Place { kernels: Kernels::Composed, ..Place::CPU };
    [Place::CPU, composed].into_iter().chain(gpus.map(on)).collect()
}

/// Names the folder that compiled kernels are kept in; without one they are compiled at every start.
pub fn keep_kernels_in(folder: &Path) {
    #[cfg(feature = "cuda")]
    crate::ops::cuda::keep_in(folder);
    #[cfg(not(feature = "cuda"))]
    let _ = folder;
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
