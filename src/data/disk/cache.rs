//! Which token store belongs to a source: `{fingerprint}.index` names `{name}.tokens`.
//!
//! Two sources with the same content (a directory and its archive) share one store. Both files
//! appear by rename, so two processes may build at once: the last one wins, with the same bytes' worth.
//! Each says inside whose it is, so that one put in the place of another is noticed: the index its
//! fingerprint, and a digest of that and the name it leads to; the store its name, which is the digest of
//! its content hash and form.

use super::store::{self, Mapped, Refused};
use crate::data::contents::Contents;
use crate::digest::Hasher;
use crate::fault::{Fault, Result};
use crate::store::regular;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Bytes of an index: three hashes, two spaces and a line's end.
const INDEX: u64 = 195;

/// Stores under one folder.
pub struct Cache<'a> {
    pub folder: &'a Path,
}

/// What the cache has for a source.
pub enum Found {
    Store(Contents, Mapped),
    Nothing,
    /// A file that is not what it should be, and why.
    Wrong(PathBuf, &'static str),
}

impl Cache<'_> {
    /// The store of the source with this fingerprint, read in this form.
    pub fn load(&self, fingerprint: &str, form: &str) -> Found {
        match self.led_to(fingerprint) {
            // An index may lead to a store that is whole, but of another dataset or form.
            Ok((said, contents, _)) if said != name(&contents.hash, form) => {
                Found::Wrong(self.index(fingerprint), "it leads to the tokens of another manifest")
            }
            Ok((_, contents, mapped)) => Found::Store(contents, mapped),
            Err(other) => other,
        }
    }

    /// The store that an index leads to, with its name.
    fn led_to(&self, fingerprint: &str) -> std::result::Result<(String, Contents, Mapped), Found> {
        let name = self.index_says(fingerprint)?;
        let path = self.tokens(&name);
        match store::read(&path) {
            Ok((contents, mapped)) => Ok((name, contents, mapped)),
            Err(Refused::Absent) => Err(Found::Nothing),
            Err(Refused::Damaged) => Err(Found::Wrong(path, "it is damaged")),
            Err(Refused::Another) => Err(Found::Wrong(path, "it holds the tokens of another dataset")),
        }
    }

    /// The name of the store that an index leads to.
    fn index_says(&self, fingerprint: &str) -> std::result::Result<String, Found> {
        let path = self.index(fingerprint);
        if path.symlink_metadata().is_err() {
            return Err(Found::Nothing);
        }
        let text = regular::read(&path, INDEX).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.unwrap_or_default();
        let is_hash = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
        match text.trim_end().split(' ').collect::<Vec<_>>()[..] {
            [own, name, sum] if is_hash(own) && is_hash(name) && sum == bond(own, name) => {
                if own == fingerprint {
                    Ok(name.to_string())
                } else {
                    Err(Found::Wrong(path, "it is the index of another dataset"))
                }
            }
            _ => Err(Found::Wrong(path, "it is damaged")),
        }
    }

    /// Puts a finished store in its place and opens it. `form` is what of the manifest shapes the store.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn keep(
        &self,
        fingerprint: &str,
        form: &str,
        writer: store::Writer,
        contents: &Contents,
    ) -> Result<(Contents, Mapped)> {
        let name = name(&contents.hash, form);
        let path = self.tokens(&name);
        let fault = |e| Fault::io("write the token store", &path, &e);
        writer.finish(&name, contents)?.persist(&path).map_err(|e| fault(e.error))?;
        let mut index = store::temporary().tempfile_in(self.folder).map_err(fault)?;
        writeln!(index, "{fingerprint} {name} {}", bond(fingerprint, &name))
            .and_then(|()| index.as_file().sync_all())
            .map_err(fault)?;
        index.persist(self.index(fingerprint)).map_err(|e| fault(e.error))?;
        store::read(&path).map_err(|_| {
            Fault::failed("the token store is not what was written").at(path.display().to_string())
        })
    }

    fn index(&self, fingerprint: &str) -> PathBuf {
        self.folder.join(format!("{fingerprint}.index"))
    }

    fn tokens(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.tokens"))
    }
}

/// Name of the store of this content in this form.
fn name(hash: &str, form: &str) -> String {
    let mut h = Hasher::new("nano4m.data.store");
    h.number(u64::from(store::VERSION)).field(hash.as_bytes()).field(form.as_bytes());
    h.finish_hex()
}

/// Digest of an index: which store belongs to which source.
fn bond(fingerprint: &str, name: &str) -> String {
    let mut h = Hasher::new("nano4m.data.store");
    h.field(b"index").field(fingerprint.as_bytes()).field(name.as_bytes());
    h.finish_hex()
}

/// What a file of the cache is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Tokens, or an index that leads to them, of the dataset with this content hash.
    Dataset(String),
    /// Damaged, of another version, or an index that leads to nothing.
    Broken,
    /// Being built, or left by a build that was killed.
    Unfinished,
}

/// A file of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    pub content: Content,
}

/// The cache's files, by name; those of anyone else are not listed. A missing folder has none.
///
/// # Errors
/// If the folder cannot be listed.
pub fn entries(folder: &Path) -> Result<Vec<Entry>> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Fault::io("list", folder, &e)),
    };
    let mut paths: Vec<PathBuf> = listed.flatten().map(|e| e.path()).filter(|p| p.is_file()).collect();
    paths.sort();
    let cache = Cache { folder };
    let known = |contents: Option<Contents>| {
        contents.map_or(Content::Broken, |contents| Content::Dataset(contents.hash))
    };
    let entry = |path: PathBuf| {
        let name = path.file_name()?.to_str()?;
        let content = match name.rsplit_once('.') {
            _ if name.starts_with(store::UNFINISHED) => Content::Unfinished,
            Some((_, "tokens")) => known(store::read(&path).ok().map(|found| found.0)),
            Some((fingerprint, "index")) => known(cache.led_to(fingerprint).ok().map(|found| found.1)),
            _ => return None,
        };
        Some(Entry { path, content })
    };
    Ok(paths.into_iter().filter_map(entry).collect())
}
