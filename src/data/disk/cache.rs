//! Which token store belongs to a source: `{fingerprint}.index` names `{content}.tokens`.
//!
//! Two sources with the same content (a directory and its archive) share one store. Both files
//! appear by rename, so two processes may build at once: the last one wins, with the same bytes' worth.

use super::store::{self, Mapped};
use crate::data::contents::Contents;
use crate::digest::Hasher;
use crate::fault::{Fault, Result};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Stores under one folder.
pub struct Cache<'a> {
    pub folder: &'a Path,
}

impl Cache<'_> {
    /// The store of the source with this fingerprint; `None` when there is none or it is damaged.
    pub fn load(&self, fingerprint: &str) -> Option<(Contents, Mapped)> {
        let name = fs::read_to_string(self.index(fingerprint)).ok()?;
        let name = name.trim();
        let is_hash = name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then(|| store::read(&self.tokens(name)))?
    }

    /// Puts a finished store in its place and opens it. `form` is what of the manifest shapes the store.
    pub fn keep(
        &self,
        fingerprint: &str,
        form: &str,
        writer: store::Writer,
        contents: &Contents,
    ) -> Result<(Contents, Mapped)> {
        let mut h = Hasher::new("nano4m.data.store");
        h.number(u64::from(store::VERSION)).field(contents.hash.as_bytes()).field(form.as_bytes());
        let name = h.finish_hex();
        let path = self.tokens(&name);
        let fault = |e| Fault::io("write the token store", &path, &e);
        writer.finish(contents)?.persist(&path).map_err(|e| fault(e.error))?;
        let mut index = store::temporary().tempfile_in(self.folder).map_err(fault)?;
        writeln!(index, "{name}").and_then(|()| index.as_file().sync_all()).map_err(fault)?;
        index.persist(self.index(fingerprint)).map_err(|e| fault(e.error))?;
        store::read(&path).ok_or_else(|| {
            Fault::failed("the token store is not what was written")
                .at(path.display().to_string())
                .help("check the disk, or choose another folder for the cache")
        })
    }

    fn index(&self, fingerprint: &str) -> PathBuf {
        self.folder.join(format!("{fingerprint}.index"))
    }

    fn tokens(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.tokens"))
    }
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
    let known = |found: Option<(Contents, Mapped)>| {
        found.map_or(Content::Broken, |(contents, _)| Content::Dataset(contents.hash))
    };
    let entry = |path: PathBuf| {
        let name = path.file_name()?.to_str()?;
        let content = match name.rsplit_once('.') {
            _ if name.starts_with(store::UNFINISHED) => Content::Unfinished,
            Some((_, "tokens")) => known(store::read(&path)),
            Some((fingerprint, "index")) => known(cache.load(fingerprint)),
            _ => return None,
        };
        Some(Entry { path, content })
    };
    Ok(paths.into_iter().filter_map(entry).collect())
}
