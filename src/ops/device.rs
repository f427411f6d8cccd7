//! Opens the places where tensors live: a value, not a build flavour. Asking for `cuda:N` in a build without CUDA is
//! a clear error.

use crate::fault::{Fault, Result};
#[cfg(feature = "cuda")]
use crate::ops::{cuda::Context, CudaKernels};
use crate::ops::{Backend, Composed, Fused, OpSet};
pub use crate::place::{Card, Device, Kernels, Place, Precision};
use dfdx::tensor::Cpu;
use std::path::Path;

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
