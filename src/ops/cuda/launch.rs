//! Kernel launches: arguments by address, one thread a column or a row, whatever the kernel says.

use super::memory::Address;
use std::ffi::c_void;

/// Threads of a block where a kernel has no wish of its own.
pub const THREADS: u32 = 256;

/// What a kernel may be given by value.
pub trait Argument {
    fn address(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast::<c_void>().cast_mut()
    }
}

impl Argument for Address {}
impl Argument for u32 {}
impl Argument for i32 {}
impl Argument for u64 {}
impl Argument for f32 {}
impl Argument for f64 {}

/// Blocks of `size` that cover `count`.
pub fn blocks(count: usize, size: u32) -> u32 {
    u32::try_from(count.div_ceil(size as usize)).expect("fewer than 2³² blocks: the matrix fits in memory")
}

/// Threads for a row of `columns` numbers: whole warps, no more than it has numbers or a block should have.
pub fn threads_of_row(columns: usize) -> u32 {
    (columns.next_multiple_of(32) as u32).clamp(32, THREADS)
}

/// `launch!(context, "kernel", (blocks, 1, 1), threads, shared bytes; arguments…)`; nothing where there is no block.
macro_rules! launch {
    ($context:expr, $kernel:expr, $grid:expr, $threads:expr, $shared:expr; $($argument:expr),+ $(,)?) => {
        // SAFETY: the kernel of this name takes these arguments in this order, and their addresses have room for what
        // its head in `kernels.cu` says of the shapes.
        unsafe {
            $context.start(
                $kernel,
                $grid,
                $threads,
                $shared,
                &mut [$($crate::ops::cuda::launch::Argument::address(&$argument)),+],
            )
        }
    };
}
pub(in crate::ops) use launch;
