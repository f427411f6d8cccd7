//! A directory or an archive as a stream of files.

use super::problems::Problems;
use crate::digest::Hasher;
use crate::fault::{Fault, Result};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

/// A batch is handed over when it holds this many bytes or files: the bound on memory.
const BATCH_BYTES: usize = 8 << 20;
const BATCH_FILES: usize = 512;

/// One file: its path inside the source (`/`-separated) and its content.
pub struct Entry {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// Where a dataset is read from.
pub enum Source {
    Directory {
        root: PathBuf,
        /// Files below the root at the depths of the layout, sorted, with their `/`-separated paths.
        files: Vec<(String, PathBuf)>,
        /// Folders at those depths, empty ones included.
        folders: BTreeSet<String>,
    },
    Archive {
        path: PathBuf,
    },
}

impl Source {
    /// A directory that holds the folders `splits` (or the only folder in it that does; every folder
    /// counts as a split when `splits` is empty), or an archive.
    pub fn open(path: &Path, splits: &[String]) -> Result<Source> {
        let meta = fs::metadata(path).map_err(|e| Fault::io("read the dataset", path, &e))?;
        if !meta.is_dir() {
            return Ok(Source::Archive { path: path.to_path_buf() });
        }
        let root = find_root(path, splits)?;
        let (files, folders) = list(&root, splits)?;
        Ok(Source::Directory { root, files, folders })
    }

    /// The file or folder, as told to the user.
    pub fn place(&self) -> String {
        match self {
            Source::Directory { root, .. } => root.display().to_string(),
            Source::Archive { path } => path.display().to_string(),
        }
    }

    /// Changes whenever a file that may matter does: paths, sizes, times of change, inodes.
    pub fn fingerprint(&self, wanted: &(dyn Fn(&str) -> bool + Sync)) -> Result<String> {
        let files: Vec<(&str, &Path)> = match self {
            Source::Archive { path } => vec![("", path)],
            Source::Directory { files, .. } => files
                .iter()
                .map(|(name, path)| (name.as_str(), path.as_path()))
                .filter(|f| wanted(f.0))
                .collect(),
        };
        let place = fs::canonicalize(self.place()).unwrap_or_else(|_| self.place().into());
        let mut h = Hasher::new("nano4m.data.source.v1");
        h.field(place.as_os_str().as_encoded_bytes());
        for (name, facts) in files.iter().map(|f| f.0).zip(facts(&files)?) {
            h.field(name.as_bytes()).field(&facts);
        }
        Ok(h.finish_hex())
    }

    /// Hands every wanted file to `take`, in batches of bounded size; returns the folders it saw
    /// (whether wanted or not), which is what a message about a missing one can show.
    pub fn read(
        &self,
        wanted: &(dyn Fn(&str) -> bool + Sync),
        take: &mut dyn FnMut(Vec<Entry>) -> Result<()>,
    ) -> Result<BTreeSet<String>> {
        match self {
            Source::Directory { files, folders, .. } => {
                let chosen: Vec<_> = files.iter().filter(|f| wanted(&f.0)).collect();
                for chunk in chosen.chunks(BATCH_FILES) {
                    take(chunk.par_iter().map(|(name, path)| read_file(name, path)).collect::<Result<_>>()?)?;
                }
                Ok(folders.clone())
            }
            Source::Archive { path } => read_archive(path, wanted, take),
        }
    }
}

fn read_file(name: &str, path: &Path) -> Result<Entry> {
    let bytes = fs::read(path).map_err(|e| Fault::io("read the dataset", path, &e))?;
    Ok(Entry { path: name.to_string(), bytes })
}

/// Size, times and inode of every file.
fn facts(files: &[(&str, &Path)]) -> Result<Vec<Vec<u8>>> {
    use std::os::unix::fs::MetadataExt;
    let of = |(_, path): &(&str, &Path)| {
        let m = fs::metadata(path).map_err(|e| Fault::io("read the dataset", path, &e))?;
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

/// Visible entries of a folder, sorted by name; names that are not UTF-8 are no part of the layout.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf, bool)>> {
    let fault = |e: io::Error| Fault::io("read the dataset", folder, &e);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        let kind = entry.file_type().map_err(fault)?;
        let is_dir = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
        found.push((name, entry.path(), is_dir));
    }
    found.sort();
    Ok(found)
}

fn find_root(path: &Path, splits: &[String]) -> Result<PathBuf> {
    let holds = |folder: &Path| match splits {
        [] => looks_like_data(folder),
        _ => splits.iter().any(|s| folder.join(s).is_dir()),
    };
    if holds(path) {
        return Ok(path.to_path_buf());
    }
    let inside: Vec<_> = entries(path)?.into_iter().filter(|(_, p, is_dir)| *is_dir && holds(p)).collect();
    Ok(match &inside[..] {
        [(_, only, _)] => only.clone(),
        _ => path.to_path_buf(),
    })
}

/// Whether any `split/folder/` below holds a token or caption file.
fn looks_like_data(root: &Path) -> bool {
    let folders = |path: &Path| entries(path).unwrap_or_default().into_iter().filter(|e| e.2).map(|e| e.1);
    let is_data = |e: &(String, PathBuf, bool)| !e.2 && (e.0.ends_with(".npy") || e.0.ends_with(".json"));
    folders(root)
        .flat_map(|split| folders(&split))
        .any(|f| entries(&f).unwrap_or_default().iter().any(is_data))
}

/// Files and folders below a root, with their `/`-separated paths.
type Listing = (Vec<(String, PathBuf)>, BTreeSet<String>);

/// `file`, `folder/file` and `split/folder/file` below the root, sorted. A folder that is no split is
/// listed (a labels file may be there), but not what is in its folders.
fn list(root: &Path, splits: &[String]) -> Result<Listing> {
    let (mut files, mut folders) = (Vec::new(), BTreeSet::new());
    for (split, path, is_dir) in entries(root)? {
        if !is_dir {
            files.push((split, path));
            continue;
        }
        for (folder, path, is_dir) in entries(&path)? {
            let name = format!("{split}/{folder}");
            if !is_dir {
                files.push((name, path));
                continue;
            }
            if splits.is_empty() || splits.contains(&split) {
                let inner = entries(&path)?.into_iter().filter(|e| !e.2);
                files.extend(inner.map(|(file, path, _)| (format!("{name}/{file}"), path)));
            }
            folders.insert(name);
        }
        folders.insert(split);
    }
    files.sort();
    Ok((files, folders))
}

/// A file of an archive, or what is wrong with the archive.
type Message = Result<Vec<Entry>>;

/// One thread unpacks, the caller's thread takes; at most four batches exist at a time.
fn read_archive(
    path: &Path,
    wanted: &(dyn Fn(&str) -> bool + Sync),
    take: &mut dyn FnMut(Vec<Entry>) -> Result<()>,
) -> Result<BTreeSet<String>> {
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel::<Message>(2);
        let unpack = scope.spawn(move || unpack(path, wanted, &send));
        for batch in receive {
            take(batch?)?;
        }
        unpack
            .join()
            .unwrap_or_else(|_| Err(Fault::failed("unpacking stopped").at(path.display().to_string())))
    })
}

fn corrupt(path: &Path, error: impl std::fmt::Display) -> Fault {
    Fault::invalid("corrupt archive")
        .at(path.display().to_string())
        .found(error)
        .expected("a complete .tar, .tar.gz or .tar.zst")
        .help("get or pack the archive again; compare its size and checksum with the original")
}

fn unpack(
    path: &Path,
    wanted: &(dyn Fn(&str) -> bool + Sync),
    send: &mpsc::SyncSender<Message>,
) -> Result<BTreeSet<String>> {
    let mut reader = Ending::new(decompress(path)?);
    let mut folders = BTreeSet::new();
    let mut problems = Problems::default();
    let (mut batch, mut size) = (Vec::new(), 0);
    for entry in tar::Archive::new(&mut reader).entries().map_err(|e| corrupt(path, e))? {
        let mut entry = entry.map_err(|e| corrupt(path, e))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.trim_start_matches("./").trim_end_matches('/').to_string();
        let kind = entry.header().entry_type();
        folders.extend(kind.is_dir().then(|| name.clone()));
        folders.extend(name.rsplit_once('/').map(|(folder, _)| folder.to_string()));
        let is_link = kind.is_symlink() || kind.is_hard_link();
        if !wanted(&name) || !(is_link || kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) {
            continue;
        }
        if is_link {
            problems.push(
                Fault::invalid("the archive holds a link instead of a file")
                    .at(name)
                    .found(format!("{kind:?}"))
                    .help("pack it again with `tar --dereference --hard-dereference`"),
            );
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|e| corrupt(path, e))?;
        size += bytes.len();
        batch.push(Entry { path: name, bytes });
        if size >= BATCH_BYTES || batch.len() >= BATCH_FILES {
            size = 0;
            if send.send(Ok(std::mem::take(&mut batch))).is_err() {
                return Ok(folders); // the receiver met an error and reports that
            }
        }
    }
    reader.finish().map_err(|e| corrupt(path, e))?;
    problems.into_result(&path.display().to_string())?;
    let _ = send.send(Ok(batch));
    Ok(folders)
}

/// The archive's bytes, unpacked as its first bytes say (not its name).
fn decompress(path: &Path) -> Result<Box<dyn Read>> {
    let fault = |e: io::Error| Fault::io("read the archive", path, &e);
    let mut file = File::open(path).map_err(fault)?;
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic).map_err(fault)?;
    let file = io::Cursor::new(magic.clone()).chain(file);
    Ok(match magic[..] {
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::Decoder::new(file).map_err(fault)?),
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::new(file))),
        _ => Box::new(BufReader::with_capacity(1 << 20, file)),
    })
}

/// Remembers whether the stream ends with the block of zeros that ends every tar archive: without
/// it, an archive cut between two files would pass for a smaller one.
struct Ending<R> {
    inner: R,
    zeros: usize,
}

impl<R: Read> Ending<R> {
    fn new(inner: R) -> Ending<R> {
        Ending { inner, zeros: 0 }
    }

    /// Reads what follows the archive (compressors keep their checksum there), then judges.
    fn finish(mut self) -> io::Result<()> {
        let complete = self.zeros >= 512;
        io::copy(&mut self.inner, &mut io::sink())?;
        if complete {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the end of the archive is missing"))
    }
}

impl<R: Read> Read for Ending<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        let trailing = buffer[..n].iter().rev().take_while(|&&b| b == 0).count();
        self.zeros = if trailing == n { self.zeros + n } else { trailing };
        Ok(n)
    }
}
