//! Opens the places where tensors live: a value, not a build flavour. Asking for `cuda:N` in a build without CUDA is
//! a clear error.

pub use super::card_memory::{logit_rows, CardMemory, Peak, WORKSPACE};
use crate::fault::{Fault, Result};
#[cfg(feature = "cuda")]
use crate::ops::{cuda::card as cards, cuda::Context, CudaKernels};
use crate::ops::{Backend, Composed, Fused, OpSet};
use crate::place::{Card, Device, Kernels, Place, Precision};
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
    let dev = opened(ordinal)?;
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
fn opened(ordinal: usize) -> Result<dfdx::tensor::Cuda> {
    cards::present(ordinal)?;
    dfdx::tensor::Cuda::try_build(ordinal, 0).map_err(|e| {
        Fault::failed(format!("cannot open cuda:{ordinal}: {e:?}"))
            .help("see `nvidia-smi` for the devices and their state, or use --device cpu")
    })
}

#[cfg(not(feature = "cuda"))]
fn cuda<W: OnDevice>(ordinal: usize, _: Place, _: W) -> Result<W::Output> {
    Err(without_cuda(ordinal))
}

/// A card is asked for where there can be none.
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
        return Context::open(&opened(ordinal)?, ordinal)?.facts().map(Some);
    }
    match device {
        Device::Cpu => Ok(None),
        Device::Cuda(ordinal) => Err(without_cuda(ordinal)),
    }
}

/// Every GPU of this machine; none without CUDA.
pub fn gpus() -> Vec<Device> {
    #[cfg(feature = "cuda")]
    return (0..cards::count()).map(Device::Cuda).collect();
    #[cfg(not(feature = "cuda"))]
    Vec::new()
}

/// The memory of the card that a device is; none for the CPU. Nothing of it is taken for longer than the question.
///
/// # Errors
/// If this program or this machine has no such device, or it does not answer.
pub fn memory(device: Device) -> Result<Option<CardMemory>> {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(ordinal) = device {
        return cards::memory(ordinal).map(Some);
    }
    match device {
        Device::Cpu => Ok(None),
        Device::Cuda(ordinal) => Err(without_cuda(ordinal)),
    }
}

/// The memory of the card that this thread works on, if it works on one.
pub fn memory_here() -> Option<CardMemory> {
    #[cfg(feature = "cuda")]
    return cards::memory_here().ok();
    #[cfg(not(feature = "cuda"))]
    None
}

/// What this process has held on a device so far; none for the CPU, and where the driver keeps no account.
pub fn peak(device: Device) -> Option<Peak> {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(ordinal) = device {
        return cards::peak(ordinal).ok();
    }
    let _ = device;
    None
}

/// Every GPU of this machine: what it is and its memory, or why it does not say.
pub fn cards() -> Vec<(Device, Result<(Card, CardMemory)>)> {
    let asked = |device| {
        // Before it is opened, which takes some of it.
        let memory = memory(device)?;
        Ok(card(device)?.zip(memory))
    };
    let said = |device| Some((device, asked(device).transpose()?));
    gpus().into_iter().filter_map(said).collect()
}

/// Every place whose numbers can be held against each other here: the CPU with either kernels, every GPU with ours.
pub fn places() -> Vec<Place> {
    let on = |device| Place { device, ..Place::CPU };
    let composed = Place { kernels: Kernels::Composed, ..Place::CPU };
    [Place::CPU, composed].into_iter().chain(gpus().into_iter().map(on)).collect()
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
    fn the_cpu_is_no_card() {
        assert_eq!((memory(Device::Cpu), peak(Device::Cpu)), (Ok(None), None));
    }
}
