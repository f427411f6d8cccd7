//! Files of results that a report knows.

use nano4m::digest::sha256_hex;
use nano4m::store::write_atomic;
use nano4m::{Fault, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// Writes `files` into `folder`; where the folder above has a `SHA256SUMS`, their lines of it too, so that
/// `nano4m report --check` knows them.
///
/// # Errors
/// If a file cannot be written.
pub fn write(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Fault::io("make", folder, &e))?;
    for (file, bytes) in files {
        let path = folder.join(file);
        write_atomic(&path, bytes)?;
        eprintln!("written: {}", path.display());
    }
    let (Some(above), Some(own)) = (folder.parent(), folder.file_name()) else { return Ok(()) };
    let sums = above.join("SHA256SUMS");
    let Ok(text) = std::fs::read_to_string(&sums) else { return Ok(()) };
    let mut lines: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(digest, file)| (file.to_string(), digest.to_string()))
        .collect();
    for (file, bytes) in files {
        lines.insert(format!("{}/{file}", own.to_string_lossy()), sha256_hex(bytes));
    }
    let text: String = lines.iter().map(|(file, digest)| format!("{digest}  {file}\n")).collect();
    write_atomic(&sums, text.as_bytes())
}
