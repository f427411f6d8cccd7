//! A tar header: one block of 512 bytes, in the forms of POSIX (ustar), of GNU and before them.

use std::io::{Error, ErrorKind, Result};

/// Everything in a tar archive is padded to blocks of this size.
pub const BLOCK: usize = 512;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    HardLink,
    SymbolicLink,
    /// A device or a named pipe.
    Special,
    /// Of a kind that has a meaning to one program only.
    Other(u8),
    /// Headers about the member that follows; never handed out.
    LongName,
    LongLink,
    Extended,
    Global,
    /// GNU's older form of a file with holes; handed out as [`Kind::File`].
    Sparse,
}

/// A header whose checksum is right.
#[derive(Debug)]
pub struct Header {
    pub name: Vec<u8>,
    pub kind: Kind,
    /// Bytes that follow it, without their padding.
    pub size: u64,
}

impl Header {
    /// Reads a block that is not all zeros.
    ///
    /// # Errors
    /// If its checksum is wrong, which is what tells a header from anything else, or its size no number.
    pub fn parse(block: &[u8; BLOCK]) -> Result<Header> {
        if !checksum_holds(block) {
            return Err(damaged("a block that is no header (its checksum is wrong)"));
        }
        let mut name = text(&block[..100]).to_vec();
        let prefix = text(&block[345..500]);
        // GNU's own form has other fields where POSIX has the beginning of a long name.
        if block[257..263] == *b"ustar\0" && !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
        let kind = match block[156] {
            0 if name.ends_with(b"/") => Kind::Folder,
            0 | b'0' | b'7' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::SymbolicLink,
            b'3' | b'4' | b'6' => Kind::Special,
            b'5' => Kind::Folder,
            b'L' => Kind::LongName,
            b'K' => Kind::LongLink,
            b'x' | b'X' => Kind::Extended,
            b'g' => Kind::Global,
            b'S' => Kind::Sparse,
            other => Kind::Other(other),
        };
        let size = number(&block[124..136]).ok_or_else(|| damaged("a header whose size is no number"))?;
        // Whatever a link or a folder says of its size, nothing follows it.
        let empty = matches!(kind, Kind::Folder | Kind::HardLink | Kind::SymbolicLink | Kind::Special);
        Ok(Header { name, kind, size: if empty { 0 } else { size } })
    }
}

/// What ends reading.
pub fn damaged(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidData, why.into())
}

/// A field up to its first zero byte.
fn text(field: &[u8]) -> &[u8] {
    field.split(|&b| b == 0).next().unwrap_or(field)
}

/// An octal number, or one of GNU's binary ones (first bit set); `None` for a negative or no number.
pub fn number(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 != 0 {
        let first = u64::from(field[0] & 0x7f);
        return field[1..].iter().try_fold(first, |n, &b| Some(n.checked_mul(256)? + u64::from(b)));
    }
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0u64, |n, &b| match b {
        b'0'..=b'7' => n.checked_mul(8)?.checked_add(u64::from(b - b'0')),
        _ => None,
    })
}

/// The sum of all bytes, its own field as spaces; old programs added signed bytes.
fn checksum_holds(block: &[u8; BLOCK]) -> bool {
    let Some(told) = number(&block[148..156]) else { return false };
    let bytes = || block.iter().enumerate().map(|(i, &b)| if (148..156).contains(&i) { b' ' } else { b });
    let unsigned: u64 = bytes().map(u64::from).sum();
    let signed: i64 = bytes().map(|b| i64::from(b as i8)).sum();
    told == unsigned || i64::try_from(told) == Ok(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_binary() {
        assert_eq!(number(b"00000000017\0"), Some(15));
        assert_eq!(number(b"     17 \0\0\0\0"), Some(15));
        assert_eq!(number(b"\x80\0\0\0\0\0\0\x04\xa8\x17\xc8\x00"), Some(20_000_000_000));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
        assert_eq!(number(b"0000000001z\0"), None);
        assert_eq!(number(b""), None);
    }
}
