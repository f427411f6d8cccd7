//! A running digest of the rows of a table: what it must hold, and nothing else, for a run to go on from there.

use crate::digest::Hasher;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Seek, SeekFrom};
use std::path::PathBuf;

/// What a table holds up to some row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Rows under the header.
    pub rows: u64,
    /// Over the header and the rows, 64 hex digits.
    pub digest: String,
}

/// What each table holds, by its file's name.
pub type Tables = BTreeMap<String, Rows>;

/// A digest that goes on with each line.
#[derive(Clone, Debug)]
pub struct RowsDigest {
    hasher: Hasher,
    lines: u64,
    /// The last column is a time, and does not count.
    timed: bool,
}

impl RowsDigest {
    /// Of no line yet.
    pub fn new(timed: bool) -> RowsDigest {
        RowsDigest { hasher: Hasher::new("nano4m.rows.v1"), lines: 0, timed }
    }

    /// One line with its end, the header first.
    pub fn add(&mut self, line: &[u8]) {
        let last = line.iter().rposition(|&b| b == b',').filter(|_| self.timed);
        self.hasher.field(&line[..last.unwrap_or(line.len())]);
        self.lines += 1;
    }

    /// So far.
    pub fn rows(&self) -> Rows {
        Rows { rows: self.lines.saturating_sub(1), digest: self.hasher.clone().finish_hex() }
    }
}

/// Follows a table that grows: only what is new is read. Every byte counts, times too.
pub struct Follower {
    path: PathBuf,
    read: u64,
    digest: RowsDigest,
}

impl Follower {
    pub fn new(path: PathBuf) -> Follower {
        Follower { path, read: 0, digest: RowsDigest::new(false) }
    }

    /// What the table holds now; what is not there holds nothing.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn now(&mut self) -> std::io::Result<Rows> {
        let mut file = match super::regular::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(self.digest.rows()),
            Err(e) => return Err(e),
        };
        file.seek(SeekFrom::Start(self.read))?;
        let mut lines = BufReader::new(file);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            self.digest.add(&line);
            self.read += line.len() as u64;
            line.clear();
        }
        Ok(self.digest.rows())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_follower_reads_what_is_new_and_sees_what_a_digest_of_all_lines_sees() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        let mut follower = Follower::new(path.clone());
        assert_eq!(follower.now().unwrap().rows, 0);
        let mut file = std::fs::File::create(&path).unwrap();
        let mut whole = RowsDigest::new(false);
        for line in ["step,x\n", "1,a\n", "2,b\n"] {
            file.write_all(line.as_bytes()).unwrap();
            whole.add(line.as_bytes());
            assert_eq!(follower.now().unwrap(), whole.rows());
        }
        file.write_all(b"3,").unwrap();
        assert_eq!(follower.now().unwrap().rows, 2, "a line that is not complete is none");
        file.write_all(b"c\n").unwrap();
        assert_eq!(follower.now().unwrap().rows, 3);
    }

    #[test]
    fn every_cell_counts_but_a_time() {
        let of = |timed: bool, lines: [&str; 2]| {
            let mut digest = RowsDigest::new(timed);
            lines.iter().for_each(|line| digest.add(line.as_bytes()));
            digest.rows()
        };
        let base = of(true, ["step,x,speed\n", "1,2,3.5\n"]);
        assert_eq!(base, of(true, ["step,x,speed\n", "1,2,\n"]));
        assert_eq!(base.rows, 1);
        for other in [["step,x,speed\n", "1,3,3.5\n"], ["step,y,speed\n", "1,2,3.5\n"]] {
            assert_ne!(base, of(true, other));
        }
        assert_ne!(of(false, ["a,b\n", "1,2\n"]), of(false, ["a,b\n", "1,3\n"]));
    }
}
