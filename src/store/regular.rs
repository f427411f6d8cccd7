//! Files that somebody else wrote: opened only when they are regular files, read only up to a bound.
//!
//! A named pipe, a device or a socket where a file is expected would be waited for, without an end;
//! a file of any size would be read into memory before anything looks at it. Every path that a user
//! gives or that lies in a folder of his is read through here.

use super::sniff::Nature;
use crate::fault::{Fault, Result};
use std::fs::{File, FileType, OpenOptions};
use std::io::{Error, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Bound of a file that a person writes: manifests, grids, profiles, configurations, 16 MiB.
pub const WRITTEN_BY_HAND: u64 = 16 << 20;

/// Bound of a file that this program wrote itself, 4 GiB: tables and scores of a run.
const OWN: u64 = 4 << 30;

/// Opens a regular file for reading, without waiting for anything; links are followed.
///
/// # Errors
/// What the file system refuses; [`ErrorKind::IsADirectory`] for a folder and
/// [`ErrorKind::InvalidInput`] for anything else that is no regular file, named.
pub fn open(path: &Path) -> std::io::Result<File> {
    // Looked at before it is opened: to open a device may already do something.
    expect_regular(std::fs::metadata(path)?.file_type())?;
    // Should it have become a pipe in between, this does not wait for a writer.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    expect_regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// All of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open`]; [`ErrorKind::FileTooLarge`] for a longer file, of which nothing is kept.
pub fn read(path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    let too_large = |length: u64| {
        Error::new(
            ErrorKind::FileTooLarge,
            format!("it has {length} bytes or more; at most {limit} belong here"),
        )
    };
    if length > limit {
        return Err(too_large(length));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit + 1));
    }
    Ok(bytes)
}

/// All of a regular file that this program wrote itself, wherever it lies now.
///
/// # Errors
/// As [`read`].
pub fn read_own(path: impl AsRef<Path>) -> std::io::Result<Vec<u8>> {
    read(path.as_ref(), OWN)
}

/// As [`read_own`], as text.
///
/// # Errors
/// As there; [`ErrorKind::InvalidData`] for what is no UTF-8.
pub fn read_own_text(path: impl AsRef<Path>) -> std::io::Result<String> {
    String::from_utf8(read_own(path)?).map_err(|e| Error::new(ErrorKind::InvalidData, e.utf8_error()))
}

/// As [`read`], as text of UTF-8; a byte order mark at its start is left out. `doing` completes
/// "cannot …", such as `read the manifest`.
///
/// # Errors
/// As [`fault`] makes them; what is no text is told by what its first bytes say that it is.
pub fn read_text(doing: &str, path: &Path, limit: u64) -> Result<String> {
    let bytes = read(path, limit).map_err(|e| fault(doing, path, &e))?;
    text(bytes).map_err(|fault| fault.at(path.display().to_string()))
}

/// Bytes as text of UTF-8 without its byte order mark; the fault names no place.
///
/// # Errors
/// If they are no UTF-8, or begin as something that is no text.
pub fn text(mut bytes: Vec<u8>) -> Result<String> {
    if let Some(nature) = Nature::of(&bytes).filter(|nature| !nature.is_text()) {
        return Err(Fault::invalid("not a text file").found(nature.name()).help(nature.help()));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let line = 1 + e.as_bytes()[..at].iter().filter(|&&b| b == b'\n').count();
        Fault::invalid("not a text file")
            .found(format!("a byte {:#04x} in line {line} that is no UTF-8", e.as_bytes()[at]))
            .expected("text in UTF-8")
            .help("save the file as UTF-8")
    })
}

/// The fault of an error of [`open`] or [`read`]: exit 2 for what is no regular file or too large,
/// else as [`Fault::io`].
pub fn fault(doing: &str, path: &Path, error: &Error) -> Fault {
    let help = match error.kind() {
        ErrorKind::IsADirectory | ErrorKind::InvalidInput => "name a regular file",
        ErrorKind::FileTooLarge => "is this the file you mean?",
        _ => return Fault::io(doing, path, error),
    };
    Fault::invalid(format!("cannot {doing}")).at(path.display().to_string()).found(error).help(help)
}

fn expect_regular(kind: FileType) -> std::io::Result<()> {
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(Error::new(ErrorKind::IsADirectory, "a folder, not a file"));
    }
    let name = match kind {
        k if k.is_fifo() => "a named pipe",
        k if k.is_socket() => "a socket",
        k if k.is_char_device() || k.is_block_device() => "a device",
        _ => "something else",
    };
    Err(Error::new(ErrorKind::InvalidInput, format!("{name}, not a regular file")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn only_regular_files_are_opened_and_nothing_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        let name = std::ffi::CString::new(pipe.as_os_str().as_bytes()).unwrap();
        // SAFETY: a path that ends in a zero byte.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        for (path, found) in [
            (pipe.as_path(), "a named pipe, not a regular file"),
            (&link, "a named pipe, not a regular file"),
            (&socket, "a socket, not a regular file"),
            (Path::new("/dev/zero"), "a device, not a regular file"),
            (dir.path(), "a folder, not a file"),
        ] {
            let error = open(path).unwrap_err();
            let fault = fault("read the manifest", path, &error);
            assert_eq!((fault.exit as i32, fault.what.as_str()), (2, "cannot read the manifest"));
            assert_eq!(fault.found.as_deref(), Some(found));
        }
        assert_eq!(open(&dir.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_file_over_the_bound_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().kind(), ErrorKind::FileTooLarge);
        // 2^40 bytes without a block behind them.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read(&path, WRITTEN_BY_HAND).unwrap_err().kind(), ErrorKind::FileTooLarge);
        // Files of the kernel say that they are empty.
        assert!(!read(Path::new("/proc/self/stat"), 4096).unwrap().is_empty());
        assert_eq!(read(Path::new("/proc/self/stat"), 3).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn text_is_utf8_and_what_is_none_is_named() {
        let fault = |bytes: &[u8]| text(bytes.to_vec()).unwrap_err();
        assert_eq!(text(b"\xef\xbb\xbfa\n".to_vec()).unwrap(), "a\n");
        assert_eq!(fault(b"a\nb\xffc").found.unwrap(), "a byte 0xff in line 2 that is no UTF-8");
        assert_eq!(fault(b"PK\x03\x04abc").found.unwrap(), "a zip archive");
        assert_eq!(fault(b"\xff\xfea\0b\0").found.unwrap(), "text in UTF-16");
    }
}
