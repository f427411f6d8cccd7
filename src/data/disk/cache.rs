//! Which token store belongs to a source: `{fingerprint}.index` names `{content}.tokens`.
//!
//! Two sources with the same content (a directory and its archive) share one store. Both files
//! appear by rename, so two processes may build at once: the last one wins, with the same bytes' worth.

use super::store::{self, Mapped};
use crate::data::split::Contents;
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
