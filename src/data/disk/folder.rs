//! What lies in a directory, at the depths of the layout.

use crate::fault::{Fault, Result};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Files and folders below a root.
#[derive(Debug, Default)]
pub struct Listing {
    /// Their `/`-separated paths in the bytes of the file system, and where they are; sorted.
    pub files: Vec<(Vec<u8>, PathBuf)>,
    /// Folders at those depths, empty ones included.
    pub folders: BTreeSet<String>,
}

/// `file`, `folder/file` and `split/folder/file` below the root. A folder that is no split is listed
/// (a labels file may be there), but not what is in its folders.
///
/// # Errors
/// If a folder cannot be listed.
pub fn list(root: &Path, splits: &[String]) -> Result<Listing> {
    let mut found = Listing::default();
    for (split, path, is_dir) in entries(root)? {
        if !is_dir {
            found.files.push((split.into_vec(), path));
            continue;
        }
        for (folder, path, is_dir) in entries(&path)? {
            let name = [split.as_bytes(), b"/", folder.as_bytes()].concat();
            if !is_dir {
                found.files.push((name, path));
                continue;
            }
            if splits.is_empty() || splits.iter().any(|s| is_called(s, &split)) {
                let inner = entries(&path)?.into_iter().filter(|e| !e.2);
                let below = |file: OsString| [&name, b"/".as_slice(), file.as_bytes()].concat();
                found.files.extend(inner.map(|(file, path, _)| (below(file), path)));
            }
            found.folders.insert(text(&name));
        }
        found.folders.insert(text(split.as_bytes()));
    }
    found.files.sort();
    Ok(found)
}

/// Folders in folders that hold nothing else, followed to a dataset.
const DEEPEST: usize = 16;

/// The folder that holds the splits: the one given, or the only one in it that does, or such a one in the
/// only folder that is there.
///
/// # Errors
/// If it cannot be listed.
pub fn find_root(path: &Path, splits: &[String]) -> Result<PathBuf> {
    let holds = |folder: &Path| match splits {
        [] => looks_like_data(folder),
        _ => folders(folder).iter().any(|(name, _)| splits.iter().any(|s| is_called(s, name))),
    };
    let mut here = path.to_path_buf();
    for _ in 0..DEEPEST {
        if holds(&here) {
            return Ok(here);
        }
        let inside: Vec<PathBuf> = entries(&here)?.into_iter().filter(|e| e.2).map(|e| e.1).collect();
        match (&inside.iter().filter(|p| holds(p)).collect::<Vec<_>>()[..], &inside[..]) {
            ([root], _) => return Ok(root.to_path_buf()),
            ([], [only]) => here = only.clone(),
            _ => break,
        }
    }
    Ok(path.to_path_buf())
}

/// Whether any `split/folder/` below holds a token or caption file.
fn looks_like_data(root: &Path) -> bool {
    let is_data = |name: &OsString| name.as_bytes().ends_with(b".npy") || name.as_bytes().ends_with(b".json");
    let inside = folders(root).into_iter().flat_map(|(_, split)| folders(&split));
    inside.into_iter().any(|(_, f)| entries(&f).unwrap_or_default().iter().any(|e| !e.2 && is_data(&e.0)))
}

fn folders(path: &Path) -> Vec<(OsString, PathBuf)> {
    let all = entries(path).unwrap_or_default().into_iter();
    all.filter(|e| e.2).map(|(name, path, _)| (name, path)).collect()
}

/// Whether a folder has this name, composed or not.
fn is_called(name: &str, found: &OsString) -> bool {
    found.to_str().is_some_and(|found| crate::data::text::composed(found) == name)
}

/// A path as text that messages show.
fn text(bytes: &[u8]) -> String {
    crate::data::text::composed(&String::from_utf8_lossy(bytes)).into_owned()
}

/// Visible entries of a folder, sorted by name, and whether each is a folder.
fn entries(folder: &Path) -> Result<Vec<(OsString, PathBuf, bool)>> {
    let fault = |e: io::Error| Fault::io("read the dataset", folder, &e);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let name = entry.file_name();
        if name.as_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type().map_err(fault)?;
        let is_dir = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
        found.push((name, entry.path(), is_dir));
    }
    found.sort();
    Ok(found)
}
