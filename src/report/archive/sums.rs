//! `SHA256SUMS`: the digest of every file of a report, in the form that `sha256sum -c` reads.
//!
//! What a report writes replaces its own lines; the others stay, so that a file changed by hand is not
//! taken for one that a report wrote.

use super::read::{CellDifference, NOTHING};
use crate::digest::sha256_hex;
use crate::fault::{Fault, Result};
use crate::store::{regular, write_atomic, TEMPORARY};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Name of the file.
pub const FILE: &str = "SHA256SUMS";
/// Bound of one file of a report.
pub const LARGEST: u64 = 256 << 20;

/// Path inside the reports → 64 hex digits.
type Digests = BTreeMap<String, String>;

/// Every file under `reports` but the index itself, relative to it, ascending.
///
/// # Errors
/// If a folder cannot be listed, or something in it is no regular file or larger than [`LARGEST`].
pub fn files(reports: &Path) -> Result<Vec<String>> {
    let (mut files, mut open) = (Vec::new(), vec![String::new()]);
    while let Some(folder) = open.pop() {
        let path = reports.join(&folder);
        for entry in std::fs::read_dir(&path).map_err(|e| Fault::io("list", &path, &e))? {
            let entry = entry.map_err(|e| Fault::io("list", &path, &e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == FILE && folder.is_empty() || TEMPORARY.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            let relative = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let kind = entry.file_type().map_err(|e| Fault::io("look at", &entry.path(), &e))?;
            if kind.is_dir() {
                open.push(relative);
                continue;
            }
            let file = regular::open(&entry.path());
            let length = file.and_then(|file| file.metadata()).map(|data| data.len());
            match length {
                Ok(length) if length <= LARGEST => files.push(relative),
                Ok(length) => {
                    return Err(Fault::invalid("a file among the reports is larger than any report's")
                        .at(entry.path().display().to_string())
                        .found(format!("{length} bytes"))
                        .expected(format!("at most {LARGEST}")))
                }
                Err(e) => return Err(regular::fault("read a file among the reports", &entry.path(), &e)),
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Renews the lines of `written`; where there is no index yet, of every file that is there.
///
/// # Errors
/// If a file cannot be read, or the index cannot be written.
pub fn update(reports: &Path, written: &[String]) -> Result<()> {
    let path = reports.join(FILE);
    let (mut digests, mut stale) = match read(reports)? {
        Some(text) => (lines(&text).flatten().collect(), written.to_vec()),
        None => (Digests::new(), files(reports)?),
    };
    stale.dedup();
    for file in stale {
        let digest = digest(reports, &file)?;
        digests.insert(file, digest);
    }
    let text = text(&digests);
    if read(reports)?.as_ref() == Some(&text) {
        return Ok(());
    }
    write_atomic(&path, text.as_bytes())
}

/// What the index says of the files, and how many it holds. A file that is in `told` has its differences named
/// already; one in `held` is known to be right, so that a line which contradicts it is wrong itself.
///
/// # Errors
/// If a file cannot be read.
pub fn differences(
    reports: &Path,
    held: &BTreeSet<String>,
    told: &BTreeSet<String>,
) -> Result<(Vec<CellDifference>, BTreeSet<String>)> {
    let Some(found) = read(reports)? else {
        let help = "the digest of every file; `nano4m report` writes it";
        return Ok((vec![difference(FILE, "(all)", NOTHING, help)], BTreeSet::new()));
    };
    let (mut all, mut same) = (Vec::new(), BTreeSet::new());
    let listed: Digests = lines(&found).flatten().collect();
    for file in files(reports)? {
        let digest = digest(reports, &file)?;
        match listed.get(&file) {
            Some(recorded) if *recorded == digest => drop(same.insert(file)),
            _ if told.contains(&file) => {}
            Some(recorded) if held.contains(&file) => all.push(difference(FILE, &file, recorded, &digest)),
            Some(recorded) => all.push(difference(&file, "(all)", &format!("sha256 {digest}"), recorded)),
            None => all.push(difference(&file, "(all)", "a file that no report wrote", NOTHING)),
        }
    }
    let gone = listed.iter().filter(|(file, _)| !reports.join(file).exists() && !told.contains(*file));
    all.extend(gone.map(|(file, recorded)| difference(file, "(all)", NOTHING, recorded)));
    let expected = text(&listed);
    if all.is_empty() && found != expected {
        let at = found.lines().zip(expected.lines()).position(|(a, b)| a != b);
        let at = at.unwrap_or(found.lines().count().min(expected.lines().count()));
        let line = |text: &str| text.lines().nth(at).unwrap_or(NOTHING).to_string();
        all.push(difference(FILE, &format!("line {}", at + 1), &line(&found), &line(&expected)));
    }
    Ok((all, same))
}

fn difference(file: &str, row: &str, found: &str, expected: &str) -> CellDifference {
    CellDifference {
        table: file.split('/').next().unwrap_or_default().into(),
        file: file.into(),
        row: row.into(),
        column: "(all)".into(),
        found: found.into(),
        expected: expected.into(),
    }
}

fn read(reports: &Path) -> Result<Option<String>> {
    let path = reports.join(FILE);
    match regular::read(&path, LARGEST) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(regular::fault("read", &path, &e)),
    }
}

fn digest(reports: &Path, file: &str) -> Result<String> {
    let path = reports.join(file);
    let bytes = regular::read(&path, LARGEST).map_err(|e| regular::fault("read", &path, &e))?;
    Ok(sha256_hex(&bytes))
}

/// Path and digest of each line; `None` for a line that is none.
fn lines(text: &str) -> impl Iterator<Item = Option<(String, String)>> + '_ {
    text.lines().map(|line| {
        let (digest, file) = line.split_once("  ")?;
        let hex = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| (file.to_string(), digest.to_string()))
    })
}

fn text(digests: &Digests) -> String {
    digests.iter().map(|(file, digest)| format!("{digest}  {file}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("t")).unwrap();
        for (file, text) in [("t/v0001.csv", "a\n"), ("index.html", "b\n")] {
            std::fs::write(dir.path().join(file), text).unwrap();
        }
        update(dir.path(), &[]).unwrap();
        dir
    }

    fn found(reports: &Path) -> Vec<String> {
        let none = BTreeSet::new();
        differences(reports, &none, &none).unwrap().0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn any_byte_of_any_file_is_named_with_the_file() {
        let dir = folder();
        assert_eq!(found(dir.path()), [""; 0]);
        for file in ["t/v0001.csv", "index.html", FILE] {
            let path = dir.path().join(file);
            let bytes = std::fs::read(&path).unwrap();
            for at in 0..bytes.len() {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1;
                std::fs::write(&path, flipped).unwrap();
                assert!(!found(dir.path()).is_empty(), "{file} {at}");
            }
            std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
            assert!(!found(dir.path()).is_empty(), "{file} cut");
            std::fs::write(&path, bytes).unwrap();
        }
    }

    #[test]
    fn files_more_and_less_are_named_and_a_new_report_adopts_neither() {
        let dir = folder();
        std::fs::write(dir.path().join("t/notes.txt"), "mine").unwrap();
        std::fs::write(dir.path().join("t/v0001.csv"), "changed\n").unwrap();
        update(dir.path(), &["index.html".into()]).unwrap();
        let all = found(dir.path());
        assert_eq!(all.len(), 2, "{all:?}");
        assert!(all[0].starts_with("t/notes.txt") && all[0].contains("no report wrote"), "{all:?}");
        assert!(all[1].starts_with("t/v0001.csv"), "{all:?}");
        std::fs::remove_file(dir.path().join("t/v0001.csv")).unwrap();
        assert!(found(dir.path())[1].contains("(nothing)"));
    }

    #[test]
    fn a_line_that_contradicts_a_file_known_to_be_right_is_the_wrong_one() {
        let dir = folder();
        let path = dir.path().join(FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        let digit = if text.starts_with('0') { "1" } else { "0" };
        std::fs::write(&path, format!("{digit}{}", &text[1..])).unwrap();
        let held: BTreeSet<String> = ["index.html".to_string()].into();
        let all = differences(dir.path(), &held, &BTreeSet::new()).unwrap().0;
        assert_eq!((all.len(), all[0].file.as_str(), all[0].row.as_str()), (1, FILE, "index.html"));
    }

    #[test]
    fn a_pipe_among_the_reports_is_refused_and_not_waited_for() {
        let dir = folder();
        let made = std::process::Command::new("mkfifo").arg(dir.path().join("t/v0002.csv")).status();
        assert!(made.unwrap().success());
        assert!(files(dir.path()).unwrap_err().to_string().contains("a named pipe"));
    }
}
