//! What gzip and zstd have packed: one or more packed pieces behind each other, then perhaps zeros.

use super::header::damaged;
use crate::store::sniff::Nature;
use flate2::bufread::GzDecoder;
use std::io::{BufRead, Read, Result};

/// Bytes read from the file at once.
const BUFFER: usize = 1 << 20;

/// A stream's bytes, unpacked as its first bytes say; what is not packed passes as it is.
pub struct Unpacked<R: Read> {
    state: State<R>,
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
        let mut window = Window { input, buffer: vec![0; BUFFER], start: 0, end: 0 };
        let state = match packing(window.at_least(4)?) {
            Some(packing) => packing.unpack(window)?,
            None => State::Plain(window),
        };
        Ok(Unpacked { state })
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
                return Ok(n);
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
                Ok(n) => self.end += n,
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
