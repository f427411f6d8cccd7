//! Append-only CSV whose first column is the step.
//!
//! Every row is one write, so a crash leaves at most one incomplete last line. Opening keeps the
//! complete rows up to the checkpointed step and drops the rest: a resumed run writes them again.

use super::atomic::write_atomic;
use super::rows::{Rows, RowsDigest};
use crate::fault::{Fault, Result};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A table: its columns, and whether the last of them is a time.
#[derive(Clone, Debug)]
pub struct Columns {
    pub names: Vec<String>,
    /// The last column does not count where rows are compared.
    pub timed: bool,
}

/// An open append-only table.
pub struct CsvLog {
    file: File,
    path: PathBuf,
    digest: RowsDigest,
}

impl CsvLog {
    /// Opens or creates `path` and cuts it back to the rows whose step is at most `through`.
    ///
    /// # Errors
    /// If rows are to be kept that stand under another header, or the file cannot be written.
    pub fn open(path: &Path, columns: &Columns, through: u64) -> Result<CsvLog> {
        let old = bytes(path)?;
        let header = line(&columns.names)?;
        let lines = kept(&old, &header, through);
        if through > 0 && !old.is_empty() && lines.len() == 1 && !old.starts_with(&header) {
            return Err(Fault::failed("the columns of an unfinished run's table have changed")
                .at(path.display().to_string())
                .found(String::from_utf8_lossy(old.split(|&b| b == b'\n').next().unwrap_or_default()))
                .expected(String::from_utf8_lossy(&header).trim_end())
                .help("move the file away, or start over with --force"));
        }
        let kept = lines.concat();
        if kept != old {
            write_atomic(path, &kept)?;
        }
        let file =
            OpenOptions::new().append(true).open(path).map_err(|e| Fault::io("append to", path, &e))?;
        Ok(CsvLog { file, path: path.to_path_buf(), digest: digest(&lines, columns.timed) })
    }

    /// What the file holds up to the rows of step `through`, beside times.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn holds(path: &Path, columns: &Columns, through: u64) -> Result<Rows> {
        Ok(digest(&kept(&bytes(path)?, &line(&columns.names)?, through), columns.timed).rows())
    }

    /// As [`CsvLog::holds`], every byte of it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn holds_with_times(path: &Path, columns: &Columns, through: u64) -> Result<Rows> {
        Ok(digest(&kept(&bytes(path)?, &line(&columns.names)?, through), false).rows())
    }

    /// Appends one row; the first cell is the step.
    pub fn push(&mut self, cells: &[String]) -> Result<()> {
        let bytes = line(cells)?;
        self.file.write_all(&bytes).map_err(|e| Fault::io("append to", &self.path, &e))?;
        self.digest.add(&bytes);
        Ok(())
    }

    /// What has been written so far, beside times.
    pub fn rows(&self) -> Rows {
        self.digest.rows()
    }

    /// Makes every row durable. Called before a checkpoint is committed.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| Fault::io("sync", &self.path, &e))
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    match super::regular::read_own(path) {
        Ok(bytes) => Ok(bytes),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(Fault::io("read", path, &e)),
    }
}

fn digest(lines: &[&[u8]], timed: bool) -> RowsDigest {
    let mut digest = RowsDigest::new(timed);
    lines.iter().for_each(|line| digest.add(line));
    digest
}

/// One CSV line with its newline.
fn line(cells: &[String]) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    let failed = |e: String| Fault::failed(format!("cannot format a row: {e}"));
    writer.write_record(cells).map_err(|e| failed(e.to_string()))?;
    writer.into_inner().map_err(|e| failed(e.to_string()))
}

/// The header and the complete rows of `old` up to step `through`; none of what stands under another header.
fn kept<'a>(old: &'a [u8], header: &'a [u8], through: u64) -> Vec<&'a [u8]> {
    let mut lines = old.split_inclusive(|&b| b == b'\n').filter(|l| l.ends_with(b"\n"));
    let mut kept = vec![header];
    if lines.next() == Some(header) {
        // Steps never decrease, so the first later row ends what is kept.
        kept.extend(lines.take_while(|l| step_of(l).is_some_and(|s| s <= through)));
    }
    kept
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

    fn columns(names: &[&str]) -> Columns {
        Columns { names: cells(names), timed: false }
    }

    #[test]
    fn resume_cuts_back_to_the_checkpoint_and_drops_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        let header = columns(&["step", "loss"]);
        let mut rows = CsvLog::open(&path, &header, 0).unwrap();
        for s in 1..=5 {
            rows.push(&cells(&[&s.to_string(), "0.5"])).unwrap();
        }
        rows.sync().unwrap();
        assert_eq!(rows.rows(), CsvLog::holds(&path, &header, 5).unwrap());
        drop(rows);
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend_from_slice(b"6,0.");
        std::fs::write(&path, torn).unwrap();

        let at_three = CsvLog::holds(&path, &header, 3).unwrap();
        let mut rows = CsvLog::open(&path, &header, 3).unwrap();
        assert_eq!((rows.rows().rows, rows.rows()), (3, at_three));
        rows.push(&cells(&["4", "0.25"])).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "step,loss\n1,0.5\n2,0.5\n3,0.5\n4,0.25\n");
    }

    #[test]
    fn other_columns_are_refused_where_rows_are_to_be_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        CsvLog::open(&path, &columns(&["step", "loss"]), 0).unwrap();
        let fault = CsvLog::open(&path, &columns(&["step", "ce"]), 1).err().unwrap();
        assert_eq!((fault.found.as_deref(), fault.expected.as_deref()), (Some("step,loss"), Some("step,ce")));
        CsvLog::open(&path, &columns(&["step", "ce"]), 0).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "step,ce\n", "from the start nothing is kept");
    }
}
