//! Tables of several sources as one.

use crate::data::disk::limits;
use crate::fault::{Fault, Result};
use crate::store::regular;
use std::collections::BTreeSet;
use std::path::PathBuf;

const HELP: &str = "save it as CSV in UTF-8, with commas between the columns";

/// CSV files with a column `stem` and the same columns as one: of every stem the first line. `None` for
/// a single file, and for others, of which the first stands for all.
///
/// # Errors
/// If a file cannot be read.
pub fn merged(paths: &[&PathBuf]) -> Result<Option<Vec<u8>>> {
    if paths.len() < 2 || paths[0].extension().is_none_or(|e| e != "csv") {
        return Ok(None);
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut columns: Option<Vec<String>> = None;
    let mut stems = BTreeSet::new();
    for path in paths {
        let bytes =
            regular::read(path, limits::LABELS).map_err(|e| regular::fault("read a table", path, &e))?;
        let bad = |e: csv::Error| {
            Fault::invalid("cannot read a table").at(path.display().to_string()).found(e).help(HELP)
        };
        let mut reader = csv::Reader::from_reader(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
        let header = reader.headers().map_err(bad)?.clone();
        let names = || header.iter().map(|column| column.trim().to_string()).collect::<Vec<_>>();
        let stem = names().iter().position(|column| column == "stem");
        match &columns {
            None if stem.is_none() => return Ok(None),
            None => writer.write_record(&header).map_err(bad)?,
            Some(first) if *first != names() => {
                return Err(Fault::invalid("tables of different columns cannot be one")
                    .at(path.display().to_string())
                    .found(names().join(", "))
                    .expected(first.join(", "))
                    .help("give the tables of all sources the same columns"));
            }
            Some(_) => {}
        }
        columns = Some(names());
        let stem = stem.unwrap_or_default();
        for record in reader.records() {
            let record = record.map_err(bad)?;
            if stems.insert(record.get(stem).unwrap_or_default().to_string()) {
                writer.write_record(&record).map_err(bad)?;
            }
        }
    }
    writer.into_inner().map(Some).map_err(|e| Fault::failed(format!("cannot write a table: {e}")))
}
