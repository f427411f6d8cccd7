//! Lists of a batch on the device: uploaded when first asked for, found again by what they say.
//!
//! Every layer asks for the same boundaries and row numbers. What was uploaded lately is kept with a copy on the
//! host, and equal bytes are the same upload, so that a batch's lists are copied once.

use super::memory::{Address, Scratch};
use super::pinned::Pinned;
use cudarc::driver::sys::CUstream;
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

impl Uploads {
    /// `list` on the device: `memory` is asked for so many bytes there, `pinned` has the copy that travels.
    pub fn list<T: Plain>(
        &mut self,
        list: &[T],
        memory: impl FnOnce(usize) -> Result<Scratch<u8>, DriverError>,
        (pinned, stream): (&mut Pinned, CUstream),
    ) -> Result<List, DriverError> {
        let bytes = bytes(list);
        if let Some(at) = self.0.iter().rposition(|known| known.bytes == bytes) {
            let known = self.0.remove(at);
            let list = List(known.there.clone());
            self.0.push(known);
            return Ok(list);
        }
        let there = Rc::new(memory(bytes.len())?);
        let host = pinned.take(bytes.len())?;
        // SAFETY: `host` has room for these bytes and nobody else has it until the device is done with all that was
        // asked of it; `there` is as long.
        unsafe {
            host.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            let host = std::slice::from_raw_parts(host, bytes.len());
            if !host.is_empty() {
                result::memcpy_htod_async(there.at().0, host, stream)?;
            }
        }
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push(Upload { bytes: bytes.to_vec(), there: there.clone() });
        Ok(List(there))
    }
}
