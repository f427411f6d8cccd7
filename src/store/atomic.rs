//! Whole files, all or nothing: temporary file in the same folder, fsync, rename, fsync of the folder.

use crate::fault::{Fault, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// How the names of files begin that are on their way to a final name; after a crash one may be left.
pub const TEMPORARY: [&str; 2] = [".tmp-", ".lock-"];

/// Replaces `path` by `bytes`. A reader sees the old file or the new one, never a part.
///
/// # Errors
/// Whatever the file system refuses; the old file is then untouched and the temporary one gone.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomic_with(path, |out| out.write_all(bytes))
}

/// As [`write_atomic`], for content that is produced piece by piece.
pub fn write_atomic_with(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut File>) -> std::io::Result<()>,
) -> Result<()> {
    replace(path, fill).map_err(|e| Fault::io("write", path, &e))
}

fn replace(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut File>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let folder = folder_of(path);
    let mut temporary = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder)?;
    // Temporary files are private by default; results are meant to be read by the group.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    let mut out = BufWriter::new(temporary.as_file_mut());
    fill(&mut out)?;
    out.flush()?;
    drop(out);
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;
    sync_folder(folder)
}

/// The folder a file is in; `.` for a bare name.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

/// Makes a rename or a new name durable.
pub(super) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_half_way_keeps_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write_atomic(&path, b"old").unwrap();
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let fault = write_atomic_with(&path, |out| {
            out.write_all(b"ne")?;
            Err(full())
        })
        .unwrap_err();
        assert!(fault.to_string().contains("the disk is full"), "{fault}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
