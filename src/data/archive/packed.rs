//! What gzip and zstd have packed: one or more packed pieces behind each other, then perhaps zeros.

use super::header::damaged;
use crate::store::sniff::Nature;
use flate2::bufread::GzDecoder;
use std::cell::Cell;
use std::io::{BufRead, Read, Result};
use std::rc::Rc;

/// Bytes read from the file at once.
const BUFFER: usize = 1 << 20;

/// Bytes that may come out of each packed one, beside [`FREE`]: no gzip holds more, and no dataset as many.
const MOST_PER_BYTE: u64 = 1100;

/// Bytes that come out whatever they were packed into.
const FREE: u64 = 4 << 30;

/// A stream's bytes, unpacked as its first bytes say; what is not packed passes as it is.
///
/// A few bytes can be packed so that they never end; so what comes out is bounded by what went in.
pub struct Unpacked<R: Read> {
    state: State<R>,
    /// Bytes read of the stream.
    packed: Rc<Cell<u64>>,
    /// Bytes that came out, and may.
    unpacked: u64,
    free: u64,
}

enum State<R: Read> {
    Plain(Window<R>),
    Gzip(GzDecoder<Window<R>>),
    Zstandard(zstd::Decoder<'static, Window<R>>),
    End,
}

impl<R: Read> Unpacked<R> {
    /// # Errors
    /// If the stream cannot be read.
    pub fn new(input: R) -> Result<Unpacked<R>> {
        Unpacked::with_free(input, FREE)
    }

    fn with_free(input: R, free: u64) -> Result<Unpacked<R>> {
        let packed = Rc::new(Cell::new(0));
        let mut window =
            Window { input, buffer: vec![0; BUFFER], start: 0, end: 0, read: Rc::clone(&packed) };
        let state = match packing(window.at_least(4)?) {
            Some(packing) => packing.unpack(window)?,
            None => State::Plain(window),
        };
        Ok(Unpacked { state, packed, unpacked: 0, free })
    }

    /// Counts what comes out of a packed piece.
    fn count(&mut self, bytes: usize) -> Result<usize> {
        self.unpacked += bytes as u64;
        if self.unpacked > self.free.saturating_add(self.packed.get().saturating_mul(MOST_PER_BYTE)) {
            return Err(damaged(format!(
                "more than {} bytes in {} packed ones, which no dataset is",
                self.unpacked - bytes as u64,
                self.packed.get()
            )));
        }
        Ok(bytes)
    }

    /// What begins where a packed piece has ended.
    fn after(mut window: Window<R>) -> Result<State<R>> {
        loop {
            let rest = window.at_least(4)?;
            let zeros = rest.iter().take_while(|&&b| b == 0).count();
            if rest.is_empty() {
                return Ok(State::End);
            }
            if zeros > 0 {
                window.consume(zeros);
                continue;
            }
            return match packing(rest) {
                Some(packing) => packing.unpack(window),
                None => {
                    let nature = Nature::of(window.at_least(crate::store::sniff::ENOUGH)?);
                    let what = nature.map_or("other bytes", Nature::name);
                    Err(damaged(format!("{what}, after the end of what is packed")))
                }
            };
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let n = match &mut self.state {
                State::Plain(window) => return window.read(buffer),
                State::End => return Ok(0),
                State::Gzip(piece) => piece.read(buffer)?,
                State::Zstandard(piece) => piece.read(buffer)?,
            };
            if n > 0 {
                return self.count(n);
            }
            self.state = match std::mem::replace(&mut self.state, State::End) {
                State::Gzip(piece) => Unpacked::after(piece.into_inner())?,
                State::Zstandard(piece) => Unpacked::after(piece.finish())?,
                other => other,
            };
        }
    }
}

enum Packing {
    Gzip,
    Zstandard,
}

impl Packing {
    fn unpack<R: Read>(self, window: Window<R>) -> Result<State<R>> {
        Ok(match self {
            Packing::Gzip => State::Gzip(GzDecoder::new(window)),
            Packing::Zstandard => State::Zstandard(zstd::Decoder::with_buffer(window)?.single_frame()),
        })
    }
}

fn packing(start: &[u8]) -> Option<Packing> {
    match *start {
        [0x1f, 0x8b, ..] => Some(Packing::Gzip),
        // A frame, or one to be passed over, which parallel packers write first.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Packing::Zstandard),
        _ => None,
    }
}

/// A buffered reader that can look some bytes ahead.
struct Window<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes read of `input`.
    read: Rc<Cell<u64>>,
}

impl<R: Read> Window<R> {
    /// All that is buffered: at least `wanted` bytes (of at most [`BUFFER`]), fewer at the end.
    fn at_least(&mut self, wanted: usize) -> Result<&[u8]> {
        if self.end - self.start < wanted {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        while self.end < wanted {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(n) => {
                    self.end += n;
                    self.read.set(self.read.get() + n as u64);
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }
}

impl<R: Read> BufRead for Window<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        self.at_least(1)
    }

    fn consume(&mut self, amount: usize) {
        self.start += amount;
    }
}

impl<R: Read> Read for Window<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let buffered = self.fill_buf()?;
        let n = buffered.len().min(out.len());
        out[..n].copy_from_slice(&buffered[..n]);
        self.consume(n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of 128 KiB of zeros, in four bytes each.
    fn endless(blocks: usize) -> Vec<u8> {
        let mut frame = b"\x28\xb5\x2f\xfd\0\x38".to_vec();
        for i in 0..blocks {
            let head = u32::from(i + 1 == blocks) | 1 << 1 | (128 << 10) << 3;
            frame.extend([&head.to_le_bytes()[..3], &[0]].concat());
        }
        frame
    }

    fn unpacked(packed: &[u8], free: u64) -> Result<u64> {
        std::io::copy(&mut Unpacked::with_free(packed, free)?, &mut std::io::sink())
    }

    #[test]
    fn what_unpacks_without_an_end_is_refused() {
        let packed = endless(1000);
        assert_eq!(unpacked(&packed, 1 << 30).unwrap(), 1000 << 17);
        let error = unpacked(&packed, 1 << 20).unwrap_err().to_string();
        assert!(error.ends_with(" bytes in 4006 packed ones, which no dataset is"), "{error}");
    }
}
