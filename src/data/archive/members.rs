//! The members of a tar archive, one after another.

use super::extended::{Extended, LONGEST};
use super::header::{damaged, Header, Kind, BLOCK};
use super::sparse::{self, Pieces};
use crate::store::sniff::Nature;
use std::io::{self, Error, ErrorKind, Read, Result};

/// A member, as its headers tell of it.
#[derive(Debug)]
pub struct Member {
    /// Its path, in the bytes in which it is written.
    pub name: Vec<u8>,
    pub kind: Kind,
    /// Bytes of the file that it is; what of it is stored may be less.
    pub size: u64,
    pieces: Pieces,
}

/// Reads the members of an archive, and of those one behind the other; nothing is kept.
pub struct Members<R> {
    input: R,
    /// Bytes read.
    offset: u64,
    /// Bytes of the last member that are not read yet, and the zeros that fill its last block.
    left: u64,
    padding: u64,
    /// Blocks of zeros since the last member: at least one ends an archive.
    zeros: u64,
}

impl<R: Read> Members<R> {
    pub fn new(input: R) -> Members<R> {
        Members { input, offset: 0, left: 0, padding: 0, zeros: 0 }
    }

    /// The next member; what was not read of the last one is skipped. `None` at the end.
    ///
    /// # Errors
    /// If the archive is damaged, cut, or followed by something that is no archive.
    pub fn next_member(&mut self) -> Result<Option<Member>> {
        let mut extended: Option<Extended> = None;
        let mut said = 0;
        loop {
            self.skip()?;
            let start = self.offset;
            let Some(block) = self.block()? else {
                return match (self.zeros > 0, extended) {
                    (true, None) => Ok(None),
                    _ => Err(Error::new(ErrorKind::UnexpectedEof, "the end of the archive is missing")),
                };
            };
            if block.iter().all(|&b| b == 0) {
                self.zeros += 1;
                continue;
            }
            let header = Header::parse(&block).map_err(|e| self.no_header(&block, start, e))?;
            self.zeros = 0;
            self.announce(header.size);
            match header.kind {
                Kind::Extended => extended.get_or_insert_default().add(&self.about(&mut said)?)?,
                Kind::LongName => {
                    let mut name = self.about(&mut said)?;
                    name.truncate(name.iter().position(|&b| b == 0).unwrap_or(name.len()));
                    extended.get_or_insert_default().name = Some(name);
                }
                Kind::LongLink | Kind::Global => {}
                _ => return self.member(header, &block, extended.unwrap_or_default()).map(Some),
            }
        }
    }

    /// All of a member that [`Members::next_member`] has just given; whoever calls has looked at its size.
    ///
    /// # Errors
    /// If the archive ends before it, or its pieces are not where they can be.
    pub fn read(&mut self, member: &Member) -> Result<Vec<u8>> {
        let stored = self.left;
        let mut data = (&mut self.input).take(stored);
        let read = match &member.pieces {
            Pieces::Whole => {
                let mut bytes = vec![0; member.size as usize];
                data.read_exact(&mut bytes).map(|()| bytes)
            }
            Pieces::Listed(pieces) => sparse::fill(member.size as usize, pieces, &mut data),
            Pieces::Ahead => sparse::ahead(&mut data)
                .and_then(|pieces| sparse::fill(member.size as usize, &pieces, &mut data)),
        };
        self.left = data.limit();
        self.offset += stored - self.left;
        if read.is_ok() && self.left > 0 {
            return Err(damaged("a file with holes of which more is stored than its list of pieces says"));
        }
        read.map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => Error::new(e.kind(), "the archive ends inside a file"),
            _ => e,
        })
    }

    fn member(&mut self, header: Header, block: &[u8; BLOCK], mut extended: Extended) -> Result<Member> {
        if let Some(size) = extended.size {
            self.announce(size);
        }
        let stored = self.left;
        let (size, pieces) = match (header.kind, sparse::of_extended(&extended)?) {
            (Kind::Sparse, _) => sparse::of_header(block, || {
                self.block()?
                    .ok_or_else(|| Error::new(ErrorKind::UnexpectedEof, "the archive ends inside a header"))
            })?,
            (Kind::File, Some(sparse)) => sparse,
            _ => (stored, Pieces::Whole),
        };
        let kind = if header.kind == Kind::Sparse { Kind::File } else { header.kind };
        let name = extended.sparse_name.take().or(extended.name).unwrap_or(header.name);
        Ok(Member { name, kind, size, pieces })
    }

    /// So many bytes follow.
    fn announce(&mut self, size: u64) {
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    /// The data of a header about the next member, of which others have said so many bytes.
    fn about(&mut self, said: &mut u64) -> Result<Vec<u8>> {
        *said = said.saturating_add(self.left);
        if *said > LONGEST {
            return Err(damaged(format!("headers of {said} bytes about one member")));
        }
        let mut bytes = vec![0; self.left as usize];
        self.input.read_exact(&mut bytes)?;
        self.offset += self.left;
        self.left = 0;
        Ok(bytes)
    }

    fn skip(&mut self) -> Result<()> {
        // The sum of the two may pass 2⁶⁴ in a damaged header.
        for wanted in [std::mem::take(&mut self.left), std::mem::take(&mut self.padding)] {
            let skipped = io::copy(&mut (&mut self.input).take(wanted), &mut io::sink())?;
            self.offset += skipped;
            if skipped < wanted {
                return Err(Error::new(ErrorKind::UnexpectedEof, "the archive ends inside a file"));
            }
        }
        Ok(())
    }

    /// The next block; `None` at the end, where less than a block of zeros counts for nothing.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.input.read(&mut block[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.offset += filled as u64;
        match filled {
            BLOCK => Ok(Some(block)),
            _ if block.iter().all(|&b| b == 0) => Ok(None),
            // No archive, or something behind one: its bytes say what.
            _ if self.zeros > 0 || self.offset == filled as u64 => Ok(Some(block)),
            _ => Err(Error::new(ErrorKind::UnexpectedEof, "the archive ends inside a header")),
        }
    }

    /// A block that should be a header and is none.
    fn no_header(&self, block: &[u8; BLOCK], start: u64, error: Error) -> Error {
        let what = Nature::of(block).map(Nature::name);
        match (self.zeros, start) {
            (0, 0) => damaged(what.unwrap_or("no tar archive")),
            (0, _) => Error::new(error.kind(), format!("{error}, at byte {start}")),
            _ => damaged(format!(
                "{}, at byte {start}, after the end of the archive",
                what.unwrap_or("other bytes")
            )),
        }
    }
}
