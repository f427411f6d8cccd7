//! Lists of a batch on the device: uploaded when first asked for, found again by what they say.
//!
//! Every layer asks for the same boundaries and row numbers. What was uploaded lately is kept with a copy on the
//! host, and equal bytes are the same upload, so that a batch's lists are copied once.

use super::context::Context;
use super::memory::{Address, Scratch};
use cudarc::driver::{result, DriverError};
use std::rc::Rc;

/// Uploads that are kept: more than a batch has lists.
const KEPT: usize = 48;

/// What was uploaded lately, the newest last.
#[derive(Default)]
pub struct Uploads(Vec<Upload>);

struct Upload {
    bytes: Vec<u8>,
    there: Rc<Scratch<u8>>,
}

/// A list on the device.
#[derive(Clone)]
pub struct List(Rc<Scratch<u8>>);

impl List {
    pub fn at(&self) -> Address {
        self.0.at()
    }
}

/// Numbers whose bytes say all.
pub trait Plain: Copy + 'static {}
impl Plain for u32 {}
impl Plain for f32 {}
impl Plain for Address {}

/// Their bytes, as they lie.
fn bytes<T: Plain>(list: &[T]) -> &[u8] {
    // SAFETY: plain numbers without padding; the slice covers exactly them.
    unsafe { std::slice::from_raw_parts(list.as_ptr().cast(), std::mem::size_of_val(list)) }
}

impl Context {
    /// `list` on the device.
    pub fn upload<T: Plain>(&self, list: &[T]) -> Result<List, DriverError> {
        let bytes = bytes(list);
        let mut uploads = self.uploads.borrow_mut();
        if let Some(at) = uploads.0.iter().rposition(|known| known.bytes == bytes) {
            let known = uploads.0.remove(at);
            let list = List(known.there.clone());
            uploads.0.push(known);
            return Ok(list);
        }
        let there = Rc::new(self.scratch::<u8>(bytes.len())?);
        let host = self.pinned.borrow_mut().take(bytes.len())?;
        // SAFETY: `host` has room for these bytes and nobody else has it until the device is done with all that was
        // asked of it; `there` is as long.
        unsafe {
            host.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            let host = std::slice::from_raw_parts(host, bytes.len());
            if !host.is_empty() {
                result::memcpy_htod_async(there.at().0, host, self.stream())?;
            }
        }
        if uploads.0.len() >= KEPT {
            uploads.0.remove(0);
        }
        uploads.0.push(Upload { bytes: bytes.to_vec(), there: there.clone() });
        Ok(List(there))
    }
}
