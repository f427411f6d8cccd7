//! Addresses of dfdx's tensors and gradients on a CUDA device, through what dfdx and cudarc show of themselves.
//!
//! dfdx 0.13 has no accessor for a tensor's address, but its `Debug` begins with it; the version is pinned. Only what
//! stands before the numbers is printed. Kernels write through such addresses what dfdx takes for constant: the
//! output of an operation before anybody else has it, and parameters and moments, which nothing else may share.

use cudarc::driver::{CudaSlice, DevicePtr, DeviceSlice};
use dfdx::prelude::*;
use std::fmt::{self, Write};

/// An address on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Address(pub u64);

impl Address {
    pub const NULL: Address = Address(0);

    /// The address of the float32 number `count` numbers on.
    pub fn plus(self, count: usize) -> Address {
        Address(self.0 + 4 * count as u64)
    }
}

/// Where a tensor is: its address, and the number of its device.
pub fn place<S: Shape>(tensor: &Tensor<S, f32, Cuda>) -> (Address, i32) {
    let mut start = Start { text: String::with_capacity(256) };
    // Ends with an error on purpose, as soon as both numbers are there.
    let _ = write!(start, "{tensor:?}");
    let number = |name| start.number(name).expect("dfdx 0.13 prints a tensor's address and device");
    (Address(number(ADDRESS)), number(DEVICE) as i32)
}

const ADDRESS: &str = "cu_device_ptr: ";
const DEVICE: &str = "cu_device: ";

/// The beginning of a `Debug` text, up to the device's number.
struct Start {
    text: String,
}

impl Start {
    fn number(&self, name: &str) -> Option<u64> {
        let digits = &self.text[self.text.find(name)? + name.len()..];
        digits[..digits.find(|c: char| !c.is_ascii_digit())?].parse().ok()
    }
}

impl Write for Start {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        if self.number(DEVICE).is_some() {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

/// A matrix's address.
pub fn of<S: Shape>(tensor: &Tensor<S, f32, Cuda>) -> Address {
    place(tensor).0
}

/// Uninitialized memory, given back to the pool in the order of the stream.
pub struct Scratch<T>(CudaSlice<T>);

impl<T> Scratch<T> {
    pub fn new(slice: CudaSlice<T>) -> Scratch<T> {
        Scratch(slice)
    }

    pub fn at(&self) -> Address {
        Address(*self.0.device_ptr())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// The gradient of a tensor that an operation has made, taken out of the pass: its memory is free when this is.
pub struct Upstream(<Cuda as Storage<f32>>::Vec);

impl Upstream {
    pub fn at(&self) -> Address {
        Address(*self.0.device_ptr())
    }
}

/// Takes the gradient of `t` (zeros if nothing was added to it).
pub fn take_grad<S: Shape>(
    grads: &mut Gradients<f32, Cuda>,
    t: &Tensor<S, f32, Cuda>,
) -> Result<Upstream, CudaError> {
    let none = Storage::<f32>::try_alloc_len(t.device(), 1)?;
    Ok(Upstream(std::mem::replace(grads.get_or_alloc_mut(t)?, none)))
}

/// The address of the gradient of `t`, to which operations add; zeros at first.
pub fn grad<S: Shape>(
    grads: &mut Gradients<f32, Cuda>,
    t: &Tensor<S, f32, Cuda>,
) -> Result<Address, CudaError> {
    Ok(Address(*grads.get_or_alloc_mut(t)?.device_ptr()))
}
