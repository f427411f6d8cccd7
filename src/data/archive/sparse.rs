//! Files with holes: where the stored pieces belong. GNU's old form and its three forms in extended headers.

use super::extended::{decimal, Extended};
use super::header::{damaged, number, BLOCK};
use std::io::{Read, Result};

/// Bound of the pieces of one file.
const MOST_PIECES: usize = 100_000;

/// Offset and length of a stored piece.
type Piece = (u64, u64);

/// The pieces of a file, and where their list is.
#[derive(Debug, PartialEq, Eq)]
pub enum Pieces {
    /// It has no holes.
    Whole,
    /// Known from its headers.
    Listed(Vec<Piece>),
    /// Told by the first blocks of its data.
    Ahead,
}

/// The pieces in a header of GNU's old form, and in the blocks behind it; with the file's real size.
///
/// # Errors
/// If the archive ends, or the numbers are none.
pub fn of_header(
    header: &[u8; BLOCK],
    mut block: impl FnMut() -> Result<[u8; BLOCK]>,
) -> Result<(u64, Pieces)> {
    let bad = || damaged("a damaged header of a file with holes");
    let real = number(&header[483..495]).ok_or_else(bad)?;
    let mut pieces = Vec::new();
    let mut more = add(&header[386..482], &mut pieces).ok_or_else(bad)? && header[482] != 0;
    while more {
        let next = block()?;
        more = add(&next[..504], &mut pieces).ok_or_else(bad)? && next[504] != 0;
        if pieces.len() > MOST_PIECES {
            return Err(too_many());
        }
    }
    Ok((real, Pieces::Listed(pieces)))
}

/// Adds the pieces of a table of 24 bytes each; `false` once an unused place ends it.
fn add(table: &[u8], pieces: &mut Vec<Piece>) -> Option<bool> {
    for place in table.chunks_exact(24) {
        if place[0] == 0 || place[12] == 0 {
            return Some(false);
        }
        pieces.push((number(&place[..12])?, number(&place[12..])?));
    }
    Some(true)
}

/// The pieces that extended headers tell of; with the file's real size. `None` when they speak of no holes.
///
/// # Errors
/// If they contradict themselves.
pub fn of_extended(extended: &Extended) -> Result<Option<(u64, Pieces)>> {
    let bad = || damaged("a damaged extended header of a file with holes");
    if extended.sparse_major.is_some_and(|major| major > 1) {
        return Err(damaged("a file with holes in an unknown form"));
    }
    if extended.sparse_major == Some(1) {
        return Ok(Some((extended.sparse_size.ok_or_else(bad)?, Pieces::Ahead)));
    }
    let Some(real) = extended.sparse_size else { return Ok(None) };
    if extended.sparse_map.len() % 2 == 1 || extended.sparse_map.len() > 2 * MOST_PIECES {
        return Err(bad());
    }
    let pieces = extended.sparse_map.chunks_exact(2).map(|p| (p[0], p[1])).collect();
    Ok(Some((real, Pieces::Listed(pieces))))
}

/// The list ahead of the data: how many pieces, then their numbers, one a line, padded to whole blocks.
///
/// # Errors
/// If it is cut, or no list.
pub fn ahead(data: &mut impl Read) -> Result<Vec<Piece>> {
    let bad = || damaged("a damaged list of the pieces of a file with holes");
    let mut block = [0; BLOCK];
    let mut at = BLOCK;
    let mut line = || -> Result<u64> {
        let mut digits = Vec::new();
        loop {
            if at == BLOCK {
                data.read_exact(&mut block)?;
                at = 0;
            }
            at += 1;
            match block[at - 1] {
                b'\n' => return decimal(&digits).ok_or_else(bad),
                digit if digits.len() < 20 => digits.push(digit),
                _ => return Err(bad()),
            }
        }
    };
    let count = line()?;
    if count > MOST_PIECES as u64 {
        return Err(too_many());
    }
    (0..count).map(|_| Ok((line()?, line()?))).collect()
}

/// A file of `size` bytes from its pieces.
///
/// # Errors
/// If they do not lie one behind the other inside it, or `data` ends.
pub fn fill(size: usize, pieces: &[Piece], data: &mut impl Read) -> Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    let mut end = 0;
    for &(offset, length) in pieces {
        let outside = || damaged("a piece of a file with holes lies outside it");
        let until = offset.checked_add(length).filter(|&until| until <= size as u64).ok_or_else(outside)?;
        if offset < end {
            return Err(outside());
        }
        data.read_exact(&mut bytes[offset as usize..until as usize])?;
        end = until;
    }
    Ok(bytes)
}

fn too_many() -> std::io::Error {
    damaged(format!("a file with holes of more than {MOST_PIECES} pieces"))
}
