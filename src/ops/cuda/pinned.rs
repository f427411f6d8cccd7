//! Host memory that a device reads and writes on its own, handed out from the front and taken back as a whole once
//! the device is known to be done with it.

use cudarc::driver::{sys, DriverError};
use std::ptr::null_mut;

/// Bytes of a block; what is larger gets a block of its own.
const BLOCK: usize = 4 << 20;
/// Where a piece begins.
const ALIGNMENT: usize = 64;

/// Blocks of pinned memory.
#[derive(Default)]
pub struct Pinned {
    blocks: Vec<Block>,
    /// The block that is handed out, and how much of it is.
    current: usize,
    used: usize,
}

struct Block {
    start: *mut u8,
    bytes: usize,
}

impl Pinned {
    /// `bytes` that nobody else has until [`reset`](Pinned::reset).
    pub fn take(&mut self, bytes: usize) -> Result<*mut u8, DriverError> {
        loop {
            match self.blocks.get(self.current) {
                Some(block) if self.used + bytes <= block.bytes => {
                    // SAFETY: the end lies inside the block.
                    let start = unsafe { block.start.add(self.used) };
                    self.used = (self.used + bytes).next_multiple_of(ALIGNMENT);
                    return Ok(start);
                }
                Some(_) => (self.current, self.used) = (self.current + 1, 0),
                None => self.blocks.push(Block::new(bytes.max(BLOCK))?),
            }
        }
    }

    /// Bytes that are out, and what was lost at the ends of blocks.
    pub fn out(&self) -> usize {
        self.blocks[..self.current].iter().map(|block| block.bytes).sum::<usize>() + self.used
    }

    /// Takes everything back: only after the device has done all that was asked of it.
    pub fn reset(&mut self) {
        (self.current, self.used) = (0, 0);
    }
}

impl Block {
    fn new(bytes: usize) -> Result<Block, DriverError> {
        let mut start = null_mut();
        // SAFETY: the call fills in where the memory is; it is freed once, by `drop`.
        unsafe { sys::cuMemHostAlloc(&mut start, bytes, 0) }.result()?;
        Ok(Block { start: start.cast(), bytes })
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated by `new`; nothing that was handed out outlives the context. A device that has failed
        // cannot free, and the process is about to end.
        let _ = unsafe { sys::cuMemFreeHost(self.start.cast()) };
    }
}
