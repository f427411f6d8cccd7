//! Tables made again, and where they differ from those on disk.

use super::gathered::Gathered;
use super::heads::Head;
use super::texts::{lines, whole};
use crate::fault::Result;
use crate::report::archive::{parse_csv, parse_markdown, versions, CellDifference, NOTHING};
use crate::report::build::{build, Options, Report};
use crate::report::comparison;
use crate::report::table::{self, ColumnKind, Header, Table};
use std::path::Path;

/// What tables on disk should be, and what that was made from: ablation, runs, statistics.
struct Made {
    origin: Origin,
    report: std::result::Result<Report, String>,
}

type Origin = (Option<String>, Vec<String>, String);

/// Reports made again, each once for all its tables.
#[derive(Default)]
pub struct Recomputed {
    made: Vec<Made>,
}

impl Recomputed {
    /// The report that `head` is a table of.
    ///
    /// # Errors
    /// In words, if it cannot be made.
    pub fn report(&mut self, gathered: &Gathered, head: &Head) -> std::result::Result<&Report, String> {
        let origin = origin(gathered, head);
        let at = match self.made.iter().position(|made| made.origin == origin) {
            Some(at) => at,
            None => {
                let report = again(gathered, head).map_err(|fault| fault.to_string().replace('\n', " "));
                self.made.push(Made { origin, report });
                self.made.len() - 1
            }
        };
        self.made[at].report.as_ref().map_err(Clone::clone)
    }

    /// The report, if [`Recomputed::report`] made it.
    pub fn already(&self, gathered: &Gathered, head: &Head) -> Option<&Report> {
        let origin = origin(gathered, head);
        self.made.iter().find(|made| made.origin == origin)?.report.as_ref().ok()
    }
}

fn origin(gathered: &Gathered, head: &Head) -> Origin {
    let ablation = gathered.ablation(&head.table).map(|record| record.name.clone());
    (ablation, head.runs(), head.header.statistics.clone())
}

fn again(gathered: &Gathered, head: &Head) -> Result<Report> {
    let options: Options = head.options();
    let Some(record) = gathered.ablation(&head.table) else { return build(gathered.path(), &options) };
    let compared = comparison::ablation(gathered.path(), record, &options.plan)?;
    Ok(Report { tables: compared.tables, plots: compared.plots, left_out: vec![], needed: vec![] })
}

/// Where the two files of a table differ from `report`'s.
///
/// # Errors
/// If a file cannot be read.
pub fn differences(reports: &Path, head: &Head, report: &Report) -> Result<Vec<CellDifference>> {
    match report.tables.iter().find(|(table, _)| table.name == head.table.as_str()) {
        Some((table, header)) => compare(reports, head, table, header),
        None => Ok(vec![whole(&head.table, &head.file("csv"), "a table", NOTHING)]),
    }
}

fn compare(reports: &Path, head: &Head, table: &Table, header: &Header) -> Result<Vec<CellDifference>> {
    let keys: Vec<&str> =
        table.columns.iter().filter(|c| c.kind == ColumnKind::Key).map(|c| c.name).collect();
    let (file, expected) = (head.file("csv"), table::csv(table, header));
    let mut differences = Vec::new();
    if head.csv != expected {
        let cells = match parse_csv(&head.csv, &keys) {
            Ok(found) => found.differences(&parse_csv(&expected, &keys)?, &table.name, &file),
            Err(_) => vec![],
        };
        differences.extend(or_lines(cells, &head.csv, &expected, &table.name, &file));
    }
    let (found, expected) =
        (versions::read(reports, &table.name, head.version, "md"), table::markdown(table, header));
    match found {
        Ok(found) if found != expected => {
            differences.extend(markdown(&found, &expected, table, &head.file("md")));
        }
        Ok(_) => {}
        Err(fault) => differences.push(whole(&table.name, &head.file("md"), &fault.what, "a text")),
    }
    Ok(differences)
}

/// Where two Markdown files of a table differ.
pub fn markdown(found: &str, expected: &str, table: &Table, file: &str) -> Vec<CellDifference> {
    let keys: Vec<&str> =
        table.columns.iter().filter(|c| c.kind == ColumnKind::Key).map(|c| c.label).collect();
    let cells = parse_markdown(found, &keys).differences(&parse_markdown(expected, &keys), &table.name, file);
    or_lines(cells, found, expected, &table.name, file)
}

/// The cells that differ, or, where the difference is outside the cells, the lines.
fn or_lines(
    cells: Vec<CellDifference>,
    found: &str,
    expected: &str,
    table: &str,
    file: &str,
) -> Vec<CellDifference> {
    if cells.is_empty() {
        lines(table, file, found, expected)
    } else {
        cells
    }
}

/// Digits in the cells of a table's CSV.
pub fn digits(csv: &str) -> usize {
    let rows = csv.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.flat_map(str::bytes).filter(u8::is_ascii_digit).count()
}
