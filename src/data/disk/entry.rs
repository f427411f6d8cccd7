//! What a source hands over, and what an archive and a folder alike make of a name.

use super::names::{inside, is_hidden, name, Name};
use crate::fault::{Fault, Result};
use std::collections::BTreeSet;

/// A batch is handed over when it holds this many bytes or files: the bound on memory.
pub const BATCH_BYTES: u64 = 8 << 20;
pub const BATCH_FILES: usize = 512;

/// One file: its path inside the source (`/`-separated), and its content or why that is not taken.
pub struct Entry {
    pub path: String,
    pub bytes: Result<Vec<u8>>,
}

/// Which files are wanted: the largest size each may have, `None` for one that is not wanted.
pub type Wanted<'a> = &'a (dyn Fn(&str) -> Option<u64> + Sync);

/// What was met beside the wanted files, for messages about missing ones.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub folders: BTreeSet<String>,
    /// Links of an archive, which are not followed.
    pub links: BTreeSet<String>,
}

/// What an archive and a folder alike make of a name: `None` for a file that is not wanted, else its
/// path and the bound of its size, or the entry that says why it is refused.
pub fn choose(raw: &[u8], wanted: Wanted) -> Option<std::result::Result<(String, u64), Entry>> {
    match name(raw) {
        Name::Good(path) | Name::Bad { like: path, outside: false, .. } if is_hidden(&path) => None,
        Name::Good(path) => wanted(&path).map(|bound| Ok((path, bound))),
        Name::Bad { fault, outside, like } => {
            // The folder that holds a dataset may have any name, as nothing is called by it. Who wants
            // everything has no layout that would tell which folder that is.
            if wanted("").is_none() {
                if let Some(path) = inside(raw, &|path| wanted(path).is_some()) {
                    return wanted(&path).map(|bound| Ok((path, bound)));
                }
            }
            (outside || wanted(&like).is_some()).then_some(Err(Entry { path: like, bytes: Err(fault) }))
        }
    }
}

/// A file that is larger than any file of its folder can be.
pub fn too_large(path: &str, size: u64, bound: u64) -> Entry {
    let fault = Fault::invalid("a file larger than the manifest allows")
        .at(path)
        .found(format!("{size} bytes"))
        .expected(format!("at most {bound} bytes"))
        .help("is it a file of this modality? its rows have the `length` (or `data.stored`) of the manifest");
    Entry { path: path.into(), bytes: Err(fault) }
}
