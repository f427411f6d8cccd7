//! What the code is: a hash of everything that decides a result, and versions from `Cargo.lock`.
//!
//! This file is also compiled into the build script; it imports only `digest`.

use crate::digest::Hasher;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Hash of the sources under `root/src` and of `root/Cargo.lock` (when there is one): for each file,
/// in the order of its path, the path with `/` and the content with line ends as `\n`.
///
/// Snapshots of tests, hidden files and editors' backups decide nothing and are left out.
/// Errors: a file that cannot be read.
pub fn code_hash(root: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    collect(&root.join("src"), "src", &mut files)?;
    let lock = root.join("Cargo.lock");
    if lock.is_file() {
        files.push(("Cargo.lock".to_owned(), lock));
    }
    files.sort();
    let mut hasher = Hasher::new("nano4m.code.v1");
    for (name, path) in files {
        let content = fs::read(path)?;
        hasher.field(name.as_bytes()).field(&unix_lines(&content));
    }
    Ok(hasher.finish_hex())
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let decides = !name.starts_with('.')
            && !name.ends_with('~')
            && !name.ends_with(".snap")
            && !name.ends_with(".snap.new");
        let name = format!("{prefix}/{name}");
        if path.is_dir() && decides {
            collect(&path, &name, files)?;
        } else if decides {
            files.push((name, path));
        }
    }
    Ok(())
}

/// A checkout on another system may differ in line ends only.
fn unix_lines(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    for (i, &byte) in content.iter().enumerate() {
        if byte != b'\r' || content.get(i + 1) != Some(&b'\n') {
            out.push(byte);
        }
    }
    out
}

/// `(name, version)` of every package in a `Cargo.lock`'s text, in its (sorted) order.
pub fn packages(lock: &str) -> Vec<(String, String)> {
    let quoted = |line: &str, key: &str| {
        let value = line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')?;
        Some(value.to_owned())
    };
    let mut name = None;
    let mut out = Vec::new();
    for line in lock.lines() {
        if let Some(found) = quoted(line, "name") {
            name = Some(found);
        } else if let (Some(version), Some(name)) = (quoted(line, "version"), name.take()) {
            out.push((name, version));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    fn hash(files: &[(&str, &str)]) -> String {
        code_hash(tree(files).path()).unwrap()
    }

    #[test]
    fn names_contents_and_lock_count() {
        let base = hash(&[("src/a.rs", "x\n"), ("src/m/b.rs", "y"), ("Cargo.lock", "1")]);
        for other in [
            vec![("src/a.rs", "x\n"), ("src/m/b.rs", "z"), ("Cargo.lock", "1")],
            vec![("src/a.rs", "x\n"), ("src/m/c.rs", "y"), ("Cargo.lock", "1")],
            vec![("src/a.rs", "x\n"), ("src/m/b.rs", "y"), ("Cargo.lock", "2")],
            vec![("src/a.rs", "x\n"), ("src/m/b.rs", "y")],
        ] {
            assert_ne!(base, hash(&other));
        }
    }

    #[test]
    fn what_decides_nothing_does_not_count() {
        let base = hash(&[("src/a.rs", "x\ny\n")]);
        let same = hash(&[
            ("src/a.rs", "x\r\ny\r\n"),
            ("src/.a.rs.swp", "junk"),
            ("src/a.rs~", "junk"),
            ("src/snapshots/t.snap", "junk"),
            ("src/snapshots/t.snap.new", "junk"),
            ("README.md", "junk"),
        ]);
        assert_eq!(base, same);
        assert!(code_hash(Path::new("no such folder")).is_err());
    }

    #[test]
    fn packages_of_a_lock_file() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"b\"\nversion = \"2.1.0\"\nsource = \"x\"\n";
        assert_eq!(packages(lock), [("a".into(), "1.0.0".into()), ("b".into(), "2.1.0".into())]);
    }
}
