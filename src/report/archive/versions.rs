//! `reports/<table>/v0001.csv` and `.md`: a new version only when content changed.

use crate::fault::{Fault, Result};
use crate::store::write_atomic;
use std::path::{Path, PathBuf};

/// File stem of a version: `v0001`.
pub fn stem(version: u32) -> String {
    format!("v{version:04}")
}

/// The number in `v0001` or `0001`, `1`.
pub fn parse(stem: &str) -> Option<u32> {
    let digits = stem.strip_prefix('v').unwrap_or(stem);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

/// Path of one file of a version.
pub fn path(reports: &Path, table: &str, version: u32, extension: &str) -> PathBuf {
    reports.join(table).join(format!("{}.{extension}", stem(version)))
}

/// Versions of a table, ascending; a version is its CSV.
pub fn list(reports: &Path, table: &str) -> Vec<u32> {
    let entries = std::fs::read_dir(reports.join(table)).into_iter().flatten().flatten();
    let mut versions: Vec<u32> = entries
        .filter_map(|e| {
            let name = e.file_name();
            let stem = name.to_str()?.strip_suffix(".csv")?;
            parse(stem.strip_prefix('v').filter(|d| d.len() >= 4)?)
        })
        .collect();
    versions.sort_unstable();
    versions
}

/// Tables that have a version, by name.
pub fn tables(reports: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(reports).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|e| e.file_name().into_string().ok()).collect();
    names.retain(|n| !list(reports, n).is_empty());
    names.sort();
    names
}

/// Whether there is a table in the folder.
pub fn has_tables(reports: &Path) -> bool {
    !tables(reports).is_empty()
}

/// Writes the next version unless the latest has the same content. Returns its number and whether
/// it is new. The CSV comes last: it is what makes the version exist.
pub fn write(reports: &Path, table: &str, csv: &str, markdown: &str) -> Result<(u32, bool)> {
    let latest = list(reports, table).last().copied();
    if let Some(version) = latest {
        let same = |extension, content: &str| {
            crate::store::regular::read_own(path(reports, table, version, extension))
                .is_ok_and(|old| old == content.as_bytes())
        };
        if same("csv", csv) && same("md", markdown) {
            return Ok((version, false));
        }
    }
    let version = latest.unwrap_or(0) + 1;
    let folder = reports.join(table);
    std::fs::create_dir_all(&folder).map_err(|e| Fault::io("create", &folder, &e))?;
    write_atomic(&path(reports, table, version, "md"), markdown.as_bytes())?;
    write_atomic(&path(reports, table, version, "csv"), csv.as_bytes())?;
    Ok((version, true))
}

/// Writes a file without versions if its content changed.
pub fn write_if_changed(path: &Path, content: &str) -> Result<bool> {
    if crate::store::regular::read_own(path).is_ok_and(|old| old == content.as_bytes()) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Fault::io("create", folder, &e))?;
    }
    write_atomic(path, content.as_bytes()).map(|()| true)
}

/// The text of a version's file.
pub fn read(reports: &Path, table: &str, version: u32, extension: &str) -> Result<String> {
    let path = path(reports, table, version, extension);
    crate::store::regular::read_own_text(&path).map_err(|e| Fault::io("read", &path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_is_the_same_version() {
        let dir = tempfile::tempdir().unwrap();
        let write = |csv, md| write(dir.path(), "t", csv, md).unwrap();
        assert_eq!(write("a", "b"), (1, true));
        assert_eq!(write("a", "b"), (1, false));
        assert_eq!(write("a", "c"), (2, true));
        assert_eq!(write("a", "b"), (3, true));
        assert_eq!((list(dir.path(), "t"), tables(dir.path())), (vec![1, 2, 3], vec!["t".to_string()]));
        assert_eq!([parse("v0012"), parse("3"), parse("vx"), parse("v")], [Some(12), Some(3), None, None]);
    }
}
