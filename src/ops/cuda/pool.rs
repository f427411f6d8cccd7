//! The pool that allocations of a device come from, and its accounts.

use cudarc::driver::sys::{self, CUdevice, CUmemPool_attribute as Attribute, CUmemoryPool};
use cudarc::driver::DriverError;
use std::ptr;

/// Bytes that the pool has of the card, now and at most.
pub const RESERVED: Attribute = Attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT;
pub const MOST_RESERVED: Attribute = Attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH;
/// Bytes that are in use, now and at most.
pub const USED: Attribute = Attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT;
pub const MOST_USED: Attribute = Attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH;

/// Freed memory stays in the pool at a synchronization: what a step gives back the next one takes, and the driver is
/// asked for nothing after the first steps.
pub fn keep(device: CUdevice) -> Result<(), DriverError> {
    set(device, Attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, u64::MAX)
}

/// The account of the most that was used begins anew.
pub fn forget_peak(device: CUdevice) -> Result<(), DriverError> {
    set(device, MOST_USED, 0)
}

/// What the pool says of itself, bytes.
pub fn bytes(device: CUdevice, attribute: Attribute) -> Result<usize, DriverError> {
    let mut bytes = 0_u64;
    // SAFETY: the pool is the device's own; these attributes are numbers of 64 bits.
    unsafe { sys::cuMemPoolGetAttribute(of(device)?, attribute, ptr::from_mut(&mut bytes).cast()) }
        .result()?;
    Ok(bytes as usize)
}

fn set(device: CUdevice, attribute: Attribute, mut value: u64) -> Result<(), DriverError> {
    // SAFETY: as in `bytes`.
    unsafe { sys::cuMemPoolSetAttribute(of(device)?, attribute, ptr::from_mut(&mut value).cast()) }.result()
}

fn of(device: CUdevice) -> Result<CUmemoryPool, DriverError> {
    let mut pool = ptr::null_mut();
    // SAFETY: filled in by the call.
    unsafe { sys::cuDeviceGetDefaultMemPool(&mut pool, device) }.result()?;
    Ok(pool)
}
