//! What the driver says of a card, without opening it for work.

use super::context::{Context, Driven};
use super::pool;
use crate::fault::{Fault, Result};
use crate::ops::card_memory::{CardMemory, Peak};
use cudarc::driver::{result, sys};

/// Number of cards; none where there is no driver that answers.
pub fn count() -> usize {
    // cudarc's own question panics without a driver.
    // SAFETY: the call may be made any number of times.
    let ready = unsafe { sys::cuInit(0) }.result().is_ok();
    let known = if ready { result::device::get_count().unwrap_or(0) } else { 0 };
    known.max(0) as usize
}

/// Refuses a card that is not there, on which cudarc would panic.
///
/// # Errors
/// Exit 2 with those that are.
pub fn present(ordinal: usize) -> Result<()> {
    let count = count();
    if ordinal < count {
        return Ok(());
    }
    let names: Vec<String> = (0..count).map(|i| format!("cuda:{i}")).collect();
    let found = if count == 0 { "none".into() } else { names.join(", ") };
    Err(Fault::invalid(format!("cuda:{ordinal} was asked for, and this machine has no such card"))
        .found(format!("cards: {found}"))
        .help("`nvidia-smi` shows the cards; CUDA_VISIBLE_DEVICES hides those that it does not list"))
}

/// See [`memory`](crate::ops::device::memory).
///
/// # Errors
/// As there.
pub fn memory(ordinal: usize) -> Result<CardMemory> {
    present(ordinal)?;
    asked(ordinal)
        .map_err(|e| Fault::failed(format!("cuda:{ordinal} does not say how much memory is free: {e:?}")))
}

/// The driver answers for the context that is current: the card's own becomes it, then the one before again.
fn asked(ordinal: usize) -> Driven<CardMemory> {
    let device = result::device::get(ordinal as i32)?;
    let before = result::ctx::get_current()?;
    // SAFETY: the context is retained while it is current, and released once.
    unsafe {
        let context = result::primary_ctx::retain(device)?;
        let answer = result::ctx::set_current(context).and_then(|()| memory_here());
        let back = result::ctx::set_current(before.unwrap_or(std::ptr::null_mut()));
        let released = result::primary_ctx::release(device);
        answer.and_then(|memory| back.and(released).map(|()| memory))
    }
}

/// See [`memory_here`](crate::ops::device::memory_here).
///
/// # Errors
/// If no card is this thread's, or it does not answer.
pub fn memory_here() -> Driven<CardMemory> {
    let (free, total) = result::mem_get_info()?;
    let mut device = 0;
    // SAFETY: the call fills in the device of the context that has just answered.
    unsafe { sys::cuCtxGetDevice(&mut device) }.result()?;
    let (reserved, used) = (pool::bytes(device, pool::RESERVED), pool::bytes(device, pool::USED));
    // A card without pools has nothing in them.
    let idle = reserved.and_then(|reserved| Ok(reserved.saturating_sub(used?))).unwrap_or(0);
    Ok(CardMemory { free: free + idle, total })
}

/// See [`peak`](crate::ops::device::peak).
///
/// # Errors
/// If the driver keeps no account.
pub fn peak(ordinal: usize) -> Driven<Peak> {
    let device = result::device::get(ordinal as i32)?;
    Ok(Peak {
        used: pool::bytes(device, pool::MOST_USED)?.max(Context::peak(device)),
        reserved: pool::bytes(device, pool::MOST_RESERVED)?,
    })
}
