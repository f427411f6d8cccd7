//! The files of one run that tables are made from, as one archive: `reports/scores/<run>.tar.gz`.
//!
//! A plain tar under gzip, so that `tar`, Python's `tarfile` and a spreadsheet read it. Its bytes are a
//! function of the files alone: names in order, no times, no owners.

use crate::fault::{Fault, Result};
use crate::store::{regular, write_atomic, RunDir};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde_json::{json, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Folder of the archives inside the reports.
pub const FOLDER: &str = "scores";
/// Which class of machine a run was made on; bits are promised within one.
pub const MACHINE: &str = "machine.json";

/// Bound of an archive, and of everything in it.
const ARCHIVE: u64 = 64 << 20;
const UNPACKED: u64 = 512 << 20;

/// Files of a run by their path inside its directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    files: BTreeMap<String, Vec<u8>>,
}

impl Packed {
    /// Of `wanted` what the run has, and its machine; `None` where that is more than an archive may hold.
    ///
    /// # Errors
    /// If one of them is no regular file, or cannot be read.
    pub fn of_run(run: &RunDir, wanted: &BTreeSet<String>) -> Result<Option<Packed>> {
        let (mut files, mut room) = (BTreeMap::new(), UNPACKED);
        for name in wanted.iter().filter(|name| may_be(name)) {
            let path = run.file(name);
            match regular::read(&path, room) {
                Ok(bytes) => {
                    room -= bytes.len() as u64;
                    files.insert(name.clone(), bytes);
                }
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) if e.kind() == ErrorKind::FileTooLarge => return Ok(None),
                Err(e) => return Err(regular::fault("read", &path, &e)),
            }
        }
        files.insert(MACHINE.into(), machine(run)?);
        Ok(Some(Packed { files }))
    }

    /// The archive at `path`; `None` where there is none.
    ///
    /// # Errors
    /// If it is no such archive, or declares more than fits the bounds: nothing is kept then.
    pub fn read(path: &Path) -> Result<Option<Packed>> {
        let bytes = match regular::read(path, ARCHIVE) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(regular::fault("read committed scores", path, &e)),
        };
        parse(&bytes).map(Some).map_err(|fault| fault.at(path.display().to_string()))
    }

    /// Replaces the archive at `path`, all or nothing; `false`: it would be larger than [`Packed::read`] takes, and
    /// nothing is written.
    pub fn write(&self, path: &Path) -> Result<bool> {
        let failed = |e: std::io::Error| Fault::io("pack scores", path, &e);
        // The time stays 0 and the system unnamed: the same files are the same bytes.
        let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
        let mut archive = tar::Builder::new(gzip);
        for (name, bytes) in &self.files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, bytes.as_slice()).map_err(failed)?;
        }
        let bytes = archive.into_inner().and_then(|gzip| gzip.finish()).map_err(failed)?;
        if bytes.len() as u64 > ARCHIVE {
            return Ok(false);
        }
        write_atomic(path, &bytes).map(|()| true)
    }

    /// Writes the files into `folder`.
    pub fn unpack(&self, folder: &Path) -> Result<()> {
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            let parent = path.parent().unwrap_or(folder);
            std::fs::create_dir_all(parent).map_err(|e| Fault::io("create", parent, &e))?;
            std::fs::write(&path, bytes).map_err(|e| Fault::io("write", &path, &e))?;
        }
        Ok(())
    }

    /// The content of one file.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// Names of the files, ascending.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.files.keys()
    }
}

/// Whether an archive may have a file of that name: what a report uses of a run, and nothing outside it.
fn may_be(name: &str) -> bool {
    const FILES: [&str; 5] = ["record.json", "resolved.ron", "metrics.csv", "eval.csv", MACHINE];
    let plain = |name: &str| {
        name.strip_suffix(".csv").is_some_and(|stem| {
            !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        })
    };
    FILES.contains(&name) || name.strip_prefix("probes/").is_some_and(plain)
}

fn parse(bytes: &[u8]) -> Result<Packed> {
    let broken = |e: std::io::Error| Fault::failed(format!("not an archive of scores: {e}"));
    let refused =
        |what: String| Err(Fault::failed(what).help("restore the file, or run `nano4m report` again"));
    let mut archive = tar::Archive::new(GzDecoder::new(bytes));
    let (mut files, mut total) = (BTreeMap::new(), 0u64);
    // Raw: no member is read as part of another's name, whatever it declares.
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let entry = entry.map_err(broken)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let size = entry.size();
        if entry.header().entry_type() != tar::EntryType::Regular || !may_be(&name) {
            return refused("a member of an archive of scores is no file of a run".into());
        }
        total = total.saturating_add(size);
        if total > UNPACKED {
            return refused(format!(
                "an archive of scores declares {total} bytes; at most {UNPACKED} belong here"
            ));
        }
        let mut content = Vec::with_capacity(size as usize);
        entry.take(size).read_to_end(&mut content).map_err(broken)?;
        if content.len() as u64 != size {
            return refused("an archive of scores ends in the middle of a file".into());
        }
        if files.insert(name, content).is_some() {
            return refused("an archive of scores has a file twice".into());
        }
    }
    // To the end of the stream, where its checksum stands.
    let rest =
        std::io::copy(&mut archive.into_inner().take(1 << 20), &mut std::io::sink()).map_err(broken)?;
    if rest == 1 << 20 {
        return refused("an archive of scores goes on after its end".into());
    }
    Ok(Packed { files })
}

/// The classes of machine in the run's `provenance.json`, whatever its version.
fn machine(run: &RunDir) -> Result<Vec<u8>> {
    let mut classes = BTreeSet::new();
    let path = run.file("provenance.json");
    if path.exists() {
        let bytes = regular::read(&path, regular::WRITTEN_BY_HAND);
        let bytes = bytes.map_err(|e| regular::fault("read", &path, &e))?;
        if let Ok(value) = serde_json::from_slice::<Value>(&bytes) {
            find_classes(&value, &mut classes);
        }
    }
    crate::store::json::pretty(&json!({ "classes": classes }))
}

fn find_classes(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("class").and_then(Value::as_str).map(String::from));
            map.values().for_each(|inner| find_classes(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| find_classes(inner, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn sample() -> Packed {
        let files = [("record.json", "{}\n"), ("probes/a.csv", "clip\nx\n"), (MACHINE, "{}")];
        Packed { files: files.map(|(name, text)| (name.to_string(), text.into())).into() }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    /// A header that declares `size` bytes of a member called `name`, and nothing behind it.
    fn header(name: &str, kind: tar::EntryType, size: u64) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_cksum();
        header.as_bytes().to_vec()
    }

    #[test]
    fn what_is_packed_is_read_and_the_bytes_are_a_function_of_the_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.tar.gz");
        assert_eq!(Packed::read(&path).unwrap(), None);
        sample().write(&path).unwrap();
        let first = std::fs::read(&path).unwrap();
        sample().write(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
        let read = Packed::read(&path).unwrap().unwrap();
        assert_eq!(read, sample());
        read.unpack(&dir.path().join("run")).unwrap();
        assert_eq!(std::fs::read(dir.path().join("run/probes/a.csv")).unwrap(), b"clip\nx\n");
    }

    #[test]
    fn a_flipped_bit_anywhere_is_no_archive_or_changes_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.tar.gz");
        sample().write(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        // Behind the ten bytes of the gzip header, of which some say nothing.
        for at in 10..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            // A stream has bits that say nothing; the digest of the archive holds them, too.
            assert!(parse(&flipped).map_or(true, |read| read == sample()), "{at}");
        }
        for end in [0, 5, 20, bytes.len() / 2, bytes.len() - 1] {
            assert!(parse(&bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn what_does_not_belong_is_refused_before_it_is_read() {
        use tar::EntryType as Kind;
        for (name, kind, size, said) in [
            ("../../etc/passwd", Kind::Regular, 1, "no file of a run"),
            ("probes/../x.csv", Kind::Regular, 1, "no file of a run"),
            ("record.json", Kind::Symlink, 0, "no file of a run"),
            ("record.json", Kind::GNUSparse, 1 << 40, "no file of a run"),
            ("record.json", Kind::GNULongName, 1 << 40, "no file of a run"),
            ("record.json", Kind::Regular, 1 << 40, "at most"),
            // Refused by the reader of archives.
            ("record.json", Kind::Regular, u64::MAX, "overflow"),
        ] {
            let fault = parse(&gzip(&header(name, kind, size))).unwrap_err();
            assert!(fault.what.contains(said), "{name}: {fault}");
        }
        let endless = [header("record.json", Kind::Regular, 0), vec![0; 4 << 20]].concat();
        assert!(parse(&gzip(&endless)).unwrap_err().what.contains("goes on"));
    }
}
