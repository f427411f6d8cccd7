//! `SHA256SUMS`: the digest of every file of a finished run, `record.json` and `status.json` included, in the form
//! that `sha256sum -c` reads. What is no line of a file is a comment to it:
//!
//! ```text
//! 9f86d0…  checkpoints/step-00000040.safetensors
//! 60303a…  record.json
//! # removed by gc: fd61a0…  checkpoints/step-00000030.safetensors
//! # being worked on
//! # the lines above: 4b68ab…
//! ```
//! The record says the same whenever and wherever a run is made; times and places are in other files. That is why
//! their digests stand here and not in the record.

use super::parts::{self, is_own, SEAL};
use crate::digest::{sha256_hex, sha256_of};
use crate::fault::{Fault, Result};
use crate::store::{regular, RunDir};
use std::collections::BTreeMap;
use std::io::ErrorKind;

const REMOVED: &str = "# removed by gc: ";
const OPEN: &str = "# being worked on";
const LAST: &str = "# the lines above: ";
/// Bytes that no such file has.
const LIMIT: u64 = 1 << 24;

/// Digests of the files of a finished run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seal {
    /// Path inside the run's folder → SHA-256 of the file, 64 hex digits.
    pub files: BTreeMap<String, String>,
    /// What `gc` removed since, likewise.
    pub removed: BTreeMap<String, String>,
    /// A process works on the run, or was killed while it did: what it may change is not listed.
    pub open: bool,
}

impl Seal {
    /// Of the files as they are now.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn now(run: &RunDir) -> Result<Seal> {
        let digest = |path: String| match digest(run, &path)? {
            Some(digest) => Ok(Some((path, digest))),
            None => Ok(None),
        };
        let own = parts::parts(run)?.own;
        let files = own.into_iter().filter_map(|path| digest(path).transpose()).collect::<Result<_>>()?;
        Ok(Seal { files, ..Seal::default() })
    }

    /// As the run has it; `None` if it has none.
    ///
    /// # Errors
    /// If it cannot be read or has changed since it was written.
    pub fn read(run: &RunDir) -> Result<Option<Seal>> {
        let path = run.file(SEAL);
        let bytes = match regular::read(&path, LIMIT) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Fault::io("read", &path, &e)),
        };
        let parsed = std::str::from_utf8(&bytes).ok().and_then(parse);
        parsed.map(Some).ok_or_else(|| {
            Fault::failed(format!("{SEAL} has changed since it was written"))
                .at(path.display().to_string())
                .help(
                    "put the file back as it was; without it `nano4m resume RUN` lists the files of the run as they \
                     are then",
                )
        })
    }

    /// Replaces that of the run.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn write(&self, run: &RunDir) -> Result<()> {
        run.write(SEAL, self.text().as_bytes())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (path, digest) in &self.files {
            text += &line("", digest, path);
        }
        for (path, digest) in &self.removed {
            text += &line(REMOVED, digest, path);
        }
        if self.open {
            text += &format!("{OPEN}\n");
        }
        let digest = sha256_hex(text.as_bytes());
        text + &format!("{LAST}{digest}\n")
    }
}

fn line(before: &str, digest: &str, path: &str) -> String {
    format!("{before}{digest}  {path}\n")
}

/// `None` unless it is what [`Seal::text`] writes, to the last byte.
fn parse(text: &str) -> Option<Seal> {
    let mut seal = Seal::default();
    for line in text.lines() {
        let entry = |line: &str| {
            let (digest, path) = line.split_once("  ")?;
            (digest.len() == 64 && is_own(path)).then(|| (path.to_string(), digest.to_string()))
        };
        match (line.strip_prefix(REMOVED), line) {
            (Some(removed), _) => seal.removed.extend([entry(removed)?]),
            (None, OPEN) => seal.open = true,
            (None, last) if last.starts_with(LAST) => {}
            (None, file) => seal.files.extend([entry(file)?]),
        }
    }
    (seal.text() == text).then_some(seal)
}

/// SHA-256 of a file of the run; `None` if it is not there.
///
/// # Errors
/// If it is there and cannot be read.
pub fn digest(run: &RunDir, path: &str) -> Result<Option<String>> {
    let file = run.file(path);
    match regular::open(&file).and_then(sha256_of) {
        Ok(digest) => Ok(Some(digest)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Fault::io("read", &file, &e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RunId;

    #[test]
    fn one_changed_byte_is_noticed_wherever_it_is() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDir::create(root.path(), RunId::new("x", "0123456789abcdef", 1)).unwrap();
        assert_eq!(Seal::read(&run), Ok(None));
        run.write("record.json", b"{}\n").unwrap();
        run.write("probes/x.csv", b"1\n").unwrap();
        run.write("notes.md", b"mine").unwrap();
        let mut seal = Seal::now(&run).unwrap();
        assert_eq!(seal.files.keys().collect::<Vec<_>>(), ["probes/x.csv", "record.json"]);
        seal.removed = BTreeMap::from([("checkpoints/step-00000001.safetensors".into(), "0".repeat(64))]);
        for open in [false, true] {
            seal.open = open;
            seal.write(&run).unwrap();
            assert_eq!(Seal::read(&run), Ok(Some(seal.clone())));
            let text = std::fs::read(run.file(SEAL)).unwrap();
            for i in 0..text.len() {
                let mut changed = text.clone();
                changed[i] ^= 1;
                std::fs::write(run.file(SEAL), &changed).unwrap();
                assert!(Seal::read(&run).is_err(), "byte {i}");
                std::fs::write(run.file(SEAL), &text[..i]).unwrap();
                assert!(Seal::read(&run).is_err(), "{i} bytes");
            }
        }
    }

    #[test]
    fn the_layout_is_what_sha256sum_checks() {
        let text = Seal {
            files: BTreeMap::from([("log.txt".into(), sha256_hex(b""))]),
            removed: BTreeMap::new(),
            open: true,
        }
        .text();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let above = format!("{empty}  log.txt\n# being worked on\n");
        assert_eq!(text, format!("{above}# the lines above: {}\n", sha256_hex(above.as_bytes())));
    }
}
