//! The packed token store: one file that training maps into memory.
//!
//! ```text
//! 0   magic `nano4m\0T`, version u32, byte-order mark u32
//! 16  tokens u64, bytes of contents u64
//! 32  CRC-32 of tokens, of contents, of bytes 0..40 (u32 each); zeros up to 64
//! 64  tokens, u32 in the machine's byte order; then JSON: the file's own name, and the contents (hash,
//!     clips, offsets, words)
//! ```
//! A file that is cut, damaged, of another version or byte order, or not the one that its name says, does
//! not open, and is built again.

use crate::data::contents::Contents;
use crate::fault::{Fault, Result};
use crate::store::regular;
use flate2::Crc;
use memmap2::Mmap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fs::{File, Permissions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// Raise it whenever the same files would give other tokens or another layout.
pub const VERSION: u32 = 3;
/// How the name of a store that is being built begins.
pub const UNFINISHED: &str = ".building-";
const MAGIC: &[u8; 8] = b"nano4m\0T";
const ORDER: u32 = 0x0102_0304;
const HEADER: usize = 64;

/// All tokens of a dataset, mapped read-only.
pub struct Mapped {
    map: Mmap,
    tokens: usize,
}

impl Mapped {
    pub fn tokens(&self) -> &[u32] {
        let bytes = &self.map[HEADER..HEADER + 4 * self.tokens];
        // SAFETY: every bit pattern is a u32; a map starts at a page and the header has 64 bytes, so
        // the pointer is aligned; `bytes` proves the length. Stores are replaced by rename, never
        // written in place, so nobody changes the memory behind the map.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), self.tokens) }
    }
}

/// Why a store does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Absent,
    /// Cut, damaged, or of another version.
    Damaged,
    /// Whole, but of another name: somebody has put it there.
    Another,
}

/// What stands behind the tokens.
#[derive(Serialize, Deserialize)]
struct Described<C> {
    /// Name of the file without its extension.
    name: String,
    contents: C,
}

/// Opens a store and checks all of it (about 10 GB/s from the page cache).
///
/// # Errors
/// Why it is not the store that its name says.
pub fn read(path: &Path) -> std::result::Result<(Contents, Mapped), Refused> {
    if path.symlink_metadata().is_err() {
        return Err(Refused::Absent);
    }
    let (described, mapped) = whole(path).ok_or(Refused::Damaged)?;
    match path.file_stem() {
        Some(name) if name == described.name.as_str() => Ok((described.contents, mapped)),
        _ => Err(Refused::Another),
    }
}

/// A store that is whole, whatever its name.
fn whole(path: &Path) -> Option<(Described<Contents>, Mapped)> {
    let file = regular::open(path).ok()?;
    // SAFETY: see `Mapped::tokens`: nobody writes into the file behind this map.
    let map = unsafe { Mmap::map(&file) }.ok()?;
    let header = map.get(..HEADER)?;
    let u32_at = |i: usize| header[i..i + 4].try_into().map_or(0, u32::from_ne_bytes);
    let u64_at = |i: usize| header[i..i + 8].try_into().map_or(0, u64::from_ne_bytes);
    let ours = header[..8] == *MAGIC && u32_at(8) == VERSION && u32_at(12) == ORDER;
    if !ours || u32_at(40) != crc(&header[..40]) {
        return None;
    }
    let (tokens, size) = (usize::try_from(u64_at(16)).ok()?, usize::try_from(u64_at(24)).ok()?);
    let end = HEADER.checked_add(tokens.checked_mul(4)?)?;
    if map.len() != end.checked_add(size)?
        || u32_at(32) != crc(&map[HEADER..end])
        || u32_at(36) != crc(&map[end..])
    {
        return None;
    }
    let described: Described<Contents> = serde_json::from_slice(&map[end..]).ok()?;
    Some((described, Mapped { map, tokens }))
}

/// CRC-32, in parallel over chunks.
fn crc(bytes: &[u8]) -> u32 {
    let of = |chunk: &[u8]| {
        let mut crc = Crc::new();
        crc.update(chunk);
        crc
    };
    let chunks: Vec<Crc> = bytes.par_chunks(4 << 20).map(of).collect();
    let mut all = Crc::new();
    chunks.iter().for_each(|chunk| all.combine(chunk));
    all.sum()
}

/// Files that become part of the cache: readable by whoever the umask allows, as caches are shared.
pub fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED).permissions(Permissions::from_mode(0o666));
    builder
}

/// A store being written, in a temporary file next to its final place.
pub struct Writer {
    out: BufWriter<File>,
    path: TempPath,
    folder: PathBuf,
    crc: Crc,
    tokens: usize,
}

impl Writer {
    pub fn new(folder: &Path) -> Result<Writer> {
        let fault = |e| Fault::io("write the token store", folder, &e);
        std::fs::create_dir_all(folder).map_err(fault)?;
        let (file, path) = temporary().tempfile_in(folder).map_err(fault)?.into_parts();
        let mut out = BufWriter::with_capacity(1 << 20, file);
        out.write_all(&[0; HEADER]).map_err(fault)?;
        Ok(Writer { out, path, folder: folder.to_path_buf(), crc: Crc::new(), tokens: 0 })
    }

    /// Appends tokens; returns where they start.
    pub fn append(&mut self, tokens: &[u32]) -> Result<usize> {
        let bytes: Vec<u8> = tokens.iter().flat_map(|t| t.to_ne_bytes()).collect();
        self.crc.update(&bytes);
        self.out.write_all(&bytes).map_err(|e| self.fault(&e))?;
        self.tokens += tokens.len();
        Ok(self.tokens - tokens.len())
    }

    /// Completes and syncs the file, and closes it; `name` is the one it will have, without extension.
    pub fn finish(mut self, name: &str, contents: &Contents) -> Result<TempPath> {
        let json = serde_json::to_vec(&Described { name: name.to_string(), contents })
            .map_err(|e| Fault::failed(format!("cannot describe the token store: {e}")))?;
        let header = self.header(&json);
        self.write_end(&json, &header).map_err(|e| self.fault(&e))?;
        Ok(self.path)
    }

    fn write_end(&mut self, json: &[u8], header: &[u8; HEADER]) -> std::io::Result<()> {
        self.out.write_all(json)?;
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(header)?;
        self.out.flush()?;
        self.out.get_ref().sync_all()
    }

    fn header(&self, json: &[u8]) -> [u8; HEADER] {
        let mut h = [0; HEADER];
        h[..8].copy_from_slice(MAGIC);
        h[8..12].copy_from_slice(&VERSION.to_ne_bytes());
        h[12..16].copy_from_slice(&ORDER.to_ne_bytes());
        h[16..24].copy_from_slice(&(self.tokens as u64).to_ne_bytes());
        h[24..32].copy_from_slice(&(json.len() as u64).to_ne_bytes());
        h[32..36].copy_from_slice(&self.crc.sum().to_ne_bytes());
        h[36..40].copy_from_slice(&crc(json).to_ne_bytes());
        let sum = crc(&h[..40]);
        h[40..44].copy_from_slice(&sum.to_ne_bytes());
        h
    }

    fn fault(&self, error: &std::io::Error) -> Fault {
        Fault::io("write the token store", &self.folder, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        Contents { hash: "h".into(), parts: Default::default(), words: vec![Some(vec!["a".into()]), None] }
    }

    fn written(folder: &Path) -> std::path::PathBuf {
        let mut writer = Writer::new(folder).unwrap();
        assert_eq!(writer.append(&[7, 8]).unwrap(), 0);
        assert_eq!(writer.append(&[9]).unwrap(), 2);
        let path = folder.join("x.tokens");
        writer.finish("x", &contents()).unwrap().persist(&path).unwrap();
        path
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (read_contents, mapped) = read(&written(folder.path())).unwrap();
        assert_eq!((read_contents, mapped.tokens()), (contents(), &[7, 8, 9][..]));
    }

    #[test]
    fn any_cut_and_any_flipped_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let good = std::fs::read(&path).unwrap();
        for cut in 0..good.len() {
            std::fs::write(&path, &good[..cut]).unwrap();
            assert!(read(&path).is_err(), "cut at {cut}");
        }
        for i in (0..good.len()).filter(|i| !(44..HEADER).contains(i)) {
            let mut bad = good.clone();
            bad[i] ^= 0x10;
            std::fs::write(&path, &bad).unwrap();
            assert!(read(&path).is_err(), "byte {i}");
        }
        std::fs::write(&path, &good).unwrap();
        assert!(read(&path).is_ok());
        let other = folder.path().join("y.tokens");
        std::fs::rename(&path, &other).unwrap();
        assert_eq!(read(&other).err(), Some(Refused::Another));
        assert_eq!(read(&path).err(), Some(Refused::Absent));
    }
}
