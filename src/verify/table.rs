//! A CSV file of a run in memory.

use crate::fault::{Fault, Result};
use crate::store::{regular, Rows, RowsDigest, RunDir};
use std::io::{BufRead, BufReader};

/// Bytes that no table of a run has.
const LIMIT: u64 = 1 << 32;

/// Header and rows of a table whose first column is the step.
pub struct Table {
    pub file: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// `None` where the run has no such file.
    ///
    /// # Errors
    /// If it cannot be read or is no table.
    pub fn read(run: &RunDir, file: &str) -> Result<Option<Table>> {
        let path = run.file(file);
        let bytes = match regular::read(&path, LIMIT) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Fault::io("read", &path, &e)),
        };
        let damaged =
            |e: csv::Error| Fault::failed(format!("not a table: {e}")).at(path.display().to_string());
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let cells = |record: &csv::StringRecord| record.iter().map(String::from).collect::<Vec<_>>();
        let header = cells(reader.headers().map_err(damaged)?);
        let rows: std::result::Result<Vec<_>, _> = reader.records().map(|r| r.map(|r| cells(&r))).collect();
        let table = Table { file: file.into(), header, rows: rows.map_err(damaged)? };
        table.steps().map(|_| Some(table))
    }

    /// The step of every row.
    ///
    /// # Errors
    /// If one is none.
    pub fn steps(&self) -> Result<Vec<u64>> {
        let step = |row: &Vec<String>| {
            let cell = row.first().map_or("", |cell| cell.as_str());
            cell.parse()
                .map_err(|_| Fault::failed("not a step").at(self.file.clone()).found(format!("`{cell}`")))
        };
        self.rows.iter().map(step).collect()
    }

    /// Index of the column of that name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }
}

/// What a table holds, as a checkpoint says it; `None` where it cannot be read.
pub fn held_by(run: &RunDir, file: &str) -> Option<Rows> {
    let mut lines = BufReader::new(regular::open(&run.file(file)).ok()?);
    let mut digest: Option<RowsDigest> = None;
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).ok()? > 0 {
        digest.get_or_insert_with(|| RowsDigest::new(line.ends_with(b",tokens_per_s\n"))).add(&line);
        line.clear();
    }
    digest.map(|digest| digest.rows())
}
