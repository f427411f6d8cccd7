//! Append-only CSV whose first column is the step.
//!
//! Every row is one write, so a crash leaves at most one incomplete last line. Opening keeps the
//! complete rows up to the checkpointed step and drops the rest: a resumed run writes them again.

use super::atomic::write_atomic;
use crate::fault::{Fault, Result};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// An open append-only table.
pub struct CsvLog {
    file: File,
    path: PathBuf,
}

impl CsvLog {
    /// Opens or creates `path` and cuts it back to the rows whose step is at most `through`.
    ///
    /// # Errors
    /// If the file exists with other columns than `header`, or cannot be written.
    pub fn open(path: &Path, header: &[String], through: u64) -> Result<CsvLog> {
        let old = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(Fault::io("read", path, &e)),
        };
        let kept = kept(&old, &line(header)?, through, path)?;
        if kept != old {
            write_atomic(path, &kept)?;
        }
        let file =
            OpenOptions::new().append(true).open(path).map_err(|e| Fault::io("append to", path, &e))?;
        Ok(CsvLog { file, path: path.to_path_buf() })
    }

    /// Appends one row; the first cell is the step.
    pub fn push(&mut self, cells: &[String]) -> Result<()> {
        let bytes = line(cells)?;
        self.file.write_all(&bytes).map_err(|e| Fault::io("append to", &self.path, &e))
    }

    /// Makes every row durable. Called before a checkpoint is committed.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| Fault::io("sync", &self.path, &e))
    }
}

/// One CSV line with its newline.
fn line(cells: &[String]) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    let failed = |e: String| Fault::failed(format!("cannot format a row: {e}"));
    writer.write_record(cells).map_err(|e| failed(e.to_string()))?;
    writer.into_inner().map_err(|e| failed(e.to_string()))
}

/// The header and the complete rows of `old` up to step `through`.
fn kept(old: &[u8], header: &[u8], through: u64, path: &Path) -> Result<Vec<u8>> {
    let mut lines = old.split_inclusive(|&b| b == b'\n').filter(|l| l.ends_with(b"\n"));
    match lines.next() {
        None => return Ok(header.to_vec()),
        Some(first) if first == header => {}
        Some(first) => {
            return Err(Fault::failed("the columns of an unfinished run's table have changed")
                .at(path.display().to_string())
                .found(String::from_utf8_lossy(first).trim_end())
                .expected(String::from_utf8_lossy(header).trim_end())
                .help("move the file away, or start over with --force"))
        }
    }
    let mut kept = header.to_vec();
    // Steps never decrease, so the first later row ends what is kept.
    for row in lines.take_while(|l| step_of(l).is_some_and(|s| s <= through)) {
        kept.extend_from_slice(row);
    }
    Ok(kept)
}

fn step_of(row: &[u8]) -> Option<u64> {
    let cell = row.split(|&b| b == b',' || b == b'\n').next()?;
    std::str::from_utf8(cell).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(c: &[&str]) -> Vec<String> {
        c.iter().map(|s| s.to_string()).collect()
    }

    #[test]
    fn resume_cuts_back_to_the_checkpoint_and_drops_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        let header = cells(&["step", "loss"]);
        let mut rows = CsvLog::open(&path, &header, 0).unwrap();
        for s in 1..=5 {
            rows.push(&cells(&[&s.to_string(), "0.5"])).unwrap();
        }
        rows.sync().unwrap();
        drop(rows);
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend_from_slice(b"6,0.");
        std::fs::write(&path, torn).unwrap();

        let mut rows = CsvLog::open(&path, &header, 3).unwrap();
        rows.push(&cells(&["4", "0.25"])).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "step,loss\n1,0.5\n2,0.5\n3,0.5\n4,0.25\n");
    }

    #[test]
    fn other_columns_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        CsvLog::open(&path, &cells(&["step", "loss"]), 0).unwrap();
        let fault = CsvLog::open(&path, &cells(&["step", "ce"]), 0).err().unwrap();
        assert_eq!((fault.found.as_deref(), fault.expected.as_deref()), (Some("step,loss"), Some("step,ce")));
    }
}
