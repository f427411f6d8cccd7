//! A directory or an archive as a stream of files.

use super::entry::{choose, too_large, Entry, Seen, Wanted, BATCH_BYTES, BATCH_FILES};
use super::folder::{self, Listing};
use super::names::{name, Name};
use super::unpack;
use crate::digest::Hasher;
use crate::fault::{Fault, Result};
use crate::store::regular;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where a dataset is read from.
pub enum Source {
    Directory { root: PathBuf, listing: Listing },
    Archive { path: PathBuf },
}

impl Source {
    /// A directory that holds the folders `splits` (or the only folder in it that does; every folder
    /// counts as a split when `splits` is empty), or an archive.
    ///
    /// # Errors
    /// If it cannot be read, or is neither a folder nor a regular file.
    pub fn open(path: &Path, splits: &[String]) -> Result<Source> {
        let meta = fs::metadata(path).map_err(|e| Fault::io("read the dataset", path, &e))?;
        if !meta.is_dir() {
            regular::open(path).map_err(|e| regular::fault("read the dataset", path, &e))?;
            return Ok(Source::Archive { path: path.to_path_buf() });
        }
        let root = folder::find_root(path, splits)?;
        let listing = folder::list(&root, splits)?;
        Ok(Source::Directory { root, listing })
    }

    /// The file or folder, as told to the user.
    pub fn place(&self) -> String {
        match self {
            Source::Directory { root, .. } => root.display().to_string(),
            Source::Archive { path } => path.display().to_string(),
        }
    }

    /// Changes whenever a file that may matter does: paths, sizes, times of change, inodes.
    pub fn fingerprint(&self, wanted: Wanted) -> Result<String> {
        let files: Vec<(&[u8], &Path)> = match self {
            Source::Archive { path } => vec![(b"", path)],
            Source::Directory { listing, .. } => {
                let of = |(raw, path): &'_ (Vec<u8>, PathBuf)| match name(raw) {
                    Name::Good(name) => wanted(&name).is_some(),
                    Name::Bad { like, .. } => wanted(&like).is_some() && path.exists(),
                };
                let chosen = listing.files.iter().filter(|f| of(f));
                chosen.map(|(raw, path)| (raw.as_slice(), path.as_path())).collect()
            }
        };
        let place = fs::canonicalize(self.place()).unwrap_or_else(|_| self.place().into());
        let mut h = Hasher::new("nano4m.data.source.v1");
        h.field(place.as_os_str().as_bytes());
        for (name, facts) in files.iter().map(|f| f.0).zip(facts(&files)?) {
            h.field(name).field(&facts);
        }
        Ok(h.finish_hex())
    }

    /// Hands every wanted file to `take`, in batches of bounded size; returns what else it saw.
    ///
    /// # Errors
    /// If the source cannot be read to its end; whatever `take` returns.
    pub fn read(&self, wanted: Wanted, take: &mut dyn FnMut(Vec<Entry>) -> Result<()>) -> Result<Seen> {
        match self {
            Source::Directory { listing, .. } => {
                read_folder(listing, wanted, take)?;
                Ok(Seen { folders: listing.folders.clone(), links: BTreeSet::new() })
            }
            Source::Archive { path } => unpack::read(path, wanted, take),
        }
    }
}

fn read_folder(
    listing: &Listing,
    wanted: Wanted,
    take: &mut dyn FnMut(Vec<Entry>) -> Result<()>,
) -> Result<()> {
    let mut batch = Vec::new();
    let mut size = 0;
    let read = |batch: &mut Vec<(String, u64, &Path)>| {
        let entries = batch.par_iter().map(|(name, bound, path)| read_file(name, *bound, path));
        let entries = entries.collect::<Result<Vec<_>>>();
        batch.clear();
        entries
    };
    for (raw, path) in &listing.files {
        match choose(raw, wanted) {
            None => {}
            Some(Err(refused)) => take(vec![refused])?,
            Some(Ok((name, bound))) => {
                size += fs::metadata(path).map_or(0, |m| m.len().min(bound));
                batch.push((name, bound, path.as_path()));
                if size >= BATCH_BYTES || batch.len() >= BATCH_FILES {
                    size = 0;
                    take(read(&mut batch)?)?;
                }
            }
        }
    }
    take(read(&mut batch)?)
}

fn read_file(name: &str, bound: u64, path: &Path) -> Result<Entry> {
    use std::io::ErrorKind::{FileTooLarge, InvalidInput, IsADirectory, NotFound};
    let refused = |fault: Fault| Ok(Entry { path: name.into(), bytes: Err(fault.at(name)) });
    match regular::read(path, bound) {
        Ok(bytes) => Ok(Entry { path: name.into(), bytes: Ok(bytes) }),
        Err(e) => match e.kind() {
            FileTooLarge => Ok(too_large(name, fs::metadata(path).map_or(0, |m| m.len()), bound)),
            InvalidInput | IsADirectory => refused(regular::fault("read a file of the dataset", path, &e)),
            NotFound if path.is_symlink() => refused(
                Fault::invalid("a link that leads nowhere").help("restore what it points to, or remove it"),
            ),
            _ => Err(Fault::io("read the dataset", path, &e)),
        },
    }
}

/// Size, times and inode of every file; of a link that leads nowhere its own.
fn facts(files: &[(&[u8], &Path)]) -> Result<Vec<Vec<u8>>> {
    use std::os::unix::fs::MetadataExt;
    let of = |(_, path): &(&[u8], &Path)| {
        let meta = fs::metadata(path).or_else(|_| fs::symlink_metadata(path));
        let m = meta.map_err(|e| Fault::io("read the dataset", path, &e))?;
        let numbers = [
            m.size() as i64,
            m.mtime(),
            m.mtime_nsec(),
            m.ctime(),
            m.ctime_nsec(),
            m.ino() as i64,
            m.dev() as i64,
        ];
        Ok(numbers.iter().flat_map(|n| n.to_le_bytes()).collect())
    };
    files.par_iter().map(of).collect()
}
