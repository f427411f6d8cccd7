//! A CUDA device as the operations see it: stream, kernels, cuBLAS, memory pool.

use super::blas::{Blas, Factor};
use super::memory::{place, Address, Scratch};
use super::pinned::Pinned;
use super::upload::{List, Plain, Uploads};
use super::{pool, program};
use crate::fault::{Fault, Result};
use crate::ops::backend::Mat;
use crate::place::Card;
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::{sys, CudaDevice, DeviceRepr};
use dfdx::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{c_void, CStr, CString};
use std::rc::Rc;
use std::sync::Arc;

/// Bytes of a piece of the room that is left in the pool.
const PIECE: usize = 32 << 20;

/// Bytes of pinned memory that uploads take before they wait for the device.
const MOST_PINNED: usize = 64 << 20;

/// What the driver answers.
pub type Driven<T> = std::result::Result<T, DriverError>;

thread_local! {
    /// The devices that this thread has opened.
    static OPEN: RefCell<BTreeMap<i32, Rc<Context>>> = const { RefCell::new(BTreeMap::new()) };
}

/// A device that was opened by this thread.
pub struct Context {
    device: Arc<CudaDevice>,
    kernels: RefCell<BTreeMap<&'static str, sys::CUfunction>>,
    module: sys::CUmodule,
    blas: Blas,
    uploads: RefCell<Uploads>,
    pinned: RefCell<Pinned>,
    memory: usize,
    /// Bytes that the pool had when it was last given more.
    reserved: Cell<usize>,
    /// The most that was used when it was given more.
    peak: Cell<usize>,
}

impl Context {
    /// Opens device number `ordinal` for this thread: compiles the kernels, keeps what the pool holds.
    ///
    /// # Errors
    /// If the kernels cannot be compiled or loaded, or the device fails.
    pub fn open(dev: &Cuda, ordinal: usize) -> Result<Rc<Context>> {
        let known = OPEN.with_borrow(|open| open.get(&(ordinal as i32)).cloned());
        if let Some(context) = known {
            context.device.bind_to_thread().map_err(failed)?;
            return Ok(context);
        }
        // Any allocation knows its device.
        let device = <Cuda as Storage<f32>>::try_alloc_len(dev, 1).map_err(failed)?.device();
        device.bind_to_thread().map_err(failed)?;
        pool::keep(*device.cu_device()).map_err(failed)?;
        let binary = program::binary(capability(&device).map_err(failed)?)?;
        // SAFETY: a whole binary, for this device; unloaded with the context.
        let module = unsafe { result::module::load_data(binary.as_ptr().cast()) }.map_err(|e| {
            failed(e).help(
                "the driver is older than the CUDA toolkit: `nvidia-smi` shows the newest CUDA it takes",
            )
        })?;
        let memory = result::mem_get_info().map_err(failed)?.1;
        let context = Rc::new(Context {
            blas: Blas::new(&device).map_err(failed)?,
            device,
            kernels: RefCell::default(),
            module,
            uploads: RefCell::default(),
            pinned: RefCell::default(),
            memory,
            reserved: Cell::default(),
            peak: Cell::default(),
        });
        OPEN.with_borrow_mut(|open| open.insert(ordinal as i32, context.clone()));
        Ok(context)
    }

    /// The device a tensor lies on.
    ///
    /// # Panics
    /// If this thread has not opened it.
    pub fn of<S: Shape>(tensor: &Tensor<S, f32, Cuda>) -> Rc<Context> {
        let (_, number) = place(tensor);
        OPEN.with_borrow(|open| open.get(&number).cloned())
            .expect("a device is opened before a network is made on it")
    }

    /// The most bytes of device `number` that this thread's work has used, up to where the pool was last given more; 0
    /// where it has not opened it.
    pub fn peak(number: i32) -> usize {
        OPEN.with_borrow(|open| open.get(&number).map_or(0, |context| context.peak.get()))
    }

    /// Bytes of memory that the card has.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Uninitialized memory for `len` numbers.
    pub fn scratch<T: DeviceRepr>(&self, len: usize) -> Driven<Scratch<T>> {
        // One number, as CUDA does not allocate none.
        // SAFETY: whoever asks writes it before it is read.
        Ok(Scratch::new(unsafe { self.device.alloc::<T>(len.max(1)) }?))
    }

    fn stream(&self) -> sys::CUstream {
        *self.device.cu_stream()
    }

    /// Starts a kernel; use [`launch`](super::launch).
    ///
    /// # Safety
    /// The kernel must take these arguments, and their addresses must have room for what it reads and writes.
    pub unsafe fn start(
        &self,
        kernel: &'static str,
        grid: (u32, u32, u32),
        threads: u32,
        shared: u32,
        arguments: &mut [*mut c_void],
    ) -> Driven<()> {
        if grid.0 == 0 || grid.1 == 0 || grid.2 == 0 {
            return Ok(());
        }
        let function = self.function(kernel)?;
        result::launch_kernel(function, grid, (threads, 1, 1), shared, self.stream(), arguments)
    }

    fn function(&self, kernel: &'static str) -> Driven<sys::CUfunction> {
        if let Some(known) = self.kernels.borrow().get(kernel) {
            return Ok(*known);
        }
        let name = CString::new(kernel).expect("no kernel's name has a zero byte");
        // SAFETY: the module is loaded as long as the context lives.
        let function = unsafe { result::module::get_function(self.module, name) }?;
        self.kernels.borrow_mut().insert(kernel, function);
        Ok(function)
    }

    /// `list` on the device, uploaded when it is first asked for.
    ///
    /// # Errors
    /// If the device fails.
    pub fn upload<T: Plain>(&self, list: &[T]) -> Driven<List> {
        let mut pinned = self.pinned.borrow_mut();
        // Who asks and never reads, as an encoder does for a probe, waits now and then.
        if pinned.out() > MOST_PINNED {
            self.wait()?;
            pinned.reset();
        }
        let memory = |bytes| self.scratch::<u8>(bytes);
        self.uploads.borrow_mut().list(list, memory, (&mut pinned, self.stream()))
    }

    /// `c = a · b`, or `c += a · b`; see [`Blas::product`].
    ///
    /// # Errors
    /// If the device fails.
    pub fn product(
        &self,
        c: Address,
        (m, k, n): (usize, usize, usize),
        a: Factor,
        b: Factor,
        add: bool,
    ) -> std::result::Result<(), CudaError> {
        self.blas.product(c, (m, k, n), a, b, add)
    }

    /// Copies `count` numbers, in the order of the stream.
    pub fn copy(&self, to: Address, from: Address, count: usize) -> Driven<()> {
        if count == 0 {
            return Ok(());
        }
        // SAFETY: both have room for so many numbers.
        unsafe { result::memcpy_dtod_async(to.0, from.0, 4 * count, self.stream()) }
    }

    /// Reads lists of float32 (address, numbers) back, with one wait for all: the device has then done everything that
    /// was asked of it.
    pub fn read(&self, lists: &[(Address, usize)]) -> Driven<Vec<Vec<f32>>> {
        let mut pinned = self.pinned.borrow_mut();
        let mut places = Vec::with_capacity(lists.len());
        for &(from, count) in lists {
            let host = pinned.take(4 * count)?.cast::<f32>();
            if count > 0 {
                // SAFETY: nobody else has this piece, and it has room for so many numbers.
                unsafe {
                    result::memcpy_dtoh_async(
                        std::slice::from_raw_parts_mut(host, count),
                        from.0,
                        self.stream(),
                    )?;
                }
            }
            places.push((host, count));
        }
        self.wait()?;
        // SAFETY: the copies are done; pieces are aligned and their numbers are plain.
        let read =
            |(host, count): (*mut f32, usize)| unsafe { std::slice::from_raw_parts(host, count) }.to_vec();
        let values = places.into_iter().map(read).collect();
        pinned.reset();
        self.leave_room()?;
        Ok(values)
    }

    /// Where the pool has grown since this was asked last it grows by another eighth, at once: batches differ in size,
    /// and the driver is then not asked again for every one that is a little larger.
    fn leave_room(&self) -> Driven<()> {
        let device = *self.device.cu_device();
        let reserved = pool::bytes(device, pool::RESERVED)?;
        if reserved <= self.reserved.get() {
            return Ok(());
        }
        self.peak.set(self.peak.get().max(pool::bytes(device, pool::MOST_USED)?));
        let room = (reserved / 8).min(result::mem_get_info()?.0 / 4);
        // In pieces that fit between what is used; given back together, they stay with the pool.
        let pieces = (reserved.saturating_sub(pool::bytes(device, pool::USED)?) + room) / PIECE;
        let held: Vec<Scratch<u8>> = (0..pieces).map_while(|_| self.scratch(PIECE).ok()).collect();
        drop(held);
        pool::forget_peak(device)?;
        self.reserved.set(pool::bytes(device, pool::RESERVED)?);
        Ok(())
    }

    /// Waits until the device has done everything that was asked of it.
    fn wait(&self) -> Driven<()> {
        // SAFETY: the stream is the device's own.
        unsafe { result::stream::synchronize(self.stream()) }
    }

    /// Whether products may round their factors to TensorFloat-32.
    ///
    /// # Errors
    /// If cuBLAS refuses.
    pub fn allow_tf32(&self, allowed: bool) -> Result<()> {
        self.blas.allow_tf32(allowed).map_err(failed)
    }

    /// What there is to say of the card.
    ///
    /// # Errors
    /// If the driver or NVRTC does not answer.
    pub fn facts(&self) -> Result<Card> {
        let mut driver = 0;
        // SAFETY: one number that the call fills in.
        unsafe { sys::cuDriverGetVersion(&mut driver) }.result().map_err(failed)?;
        Ok(Card {
            name: name(&self.device).map_err(failed)?,
            capability: capability(&self.device).map_err(failed)?,
            memory: self.memory,
            driver: format!("{}.{}", driver / 1000, driver % 1000 / 10),
            cublas: self.blas.version(),
            nvrtc: program::compiler()?,
        })
    }
}

/// A matrix for the output of an operation, and the context of its device.
pub fn output(
    like: &Mat<Cuda>,
    rows: usize,
    columns: usize,
) -> std::result::Result<(Mat<Cuda>, Rc<Context>), CudaError> {
    Ok((like.device().try_zeros_like(&(rows, columns))?, Context::of(like)))
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: loaded by `open`, unloaded once. A device that has failed cannot, and the process is about to end.
        let _ = unsafe { result::module::unload(self.module) };
    }
}

fn capability(device: &CudaDevice) -> Driven<(i32, i32)> {
    use sys::CUdevice_attribute as Attribute;
    Ok((
        device.attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
        device.attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
    ))
}

fn name(device: &CudaDevice) -> Driven<String> {
    let mut bytes = [0; 256];
    // SAFETY: as many bytes as said; the text ends with a zero byte.
    let text = unsafe {
        sys::cuDeviceGetName(bytes.as_mut_ptr(), bytes.len() as i32 - 1, *device.cu_device()).result()?;
        CStr::from_ptr(bytes.as_ptr())
    };
    Ok(text.to_string_lossy().into_owned())
}

fn failed<E: std::fmt::Debug>(error: E) -> Fault {
    Fault::failed(format!("the CUDA device failed: {error:?}"))
        .help("`nvidia-smi` shows the devices and their state")
}
