//! Tables read back from their files, and the cells in which two of them differ.

use crate::fault::{Fault, Result};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A cell with two values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellDifference {
    pub table: String,
    /// File it stands in, e.g. `cross_entropy/v0001.csv`.
    pub file: String,
    /// Key columns of the row, or a line of text.
    pub row: String,
    pub column: String,
    pub found: String,
    pub expected: String,
}

impl std::fmt::Display for CellDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let CellDifference { file, row, column, found, expected, .. } = self;
        write!(f, "{file}: row `{row}`, column `{column}`: found `{found}`, expected `{expected}`")
    }
}

/// A grid of texts whose rows are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    pub columns: Vec<String>,
    /// Name and cells; a name that occurs twice is numbered.
    pub rows: Vec<(String, Vec<String>)>,
}

/// What stands in for a row or a column that is not there.
pub const NOTHING: &str = "(nothing)";

/// Reads a table's CSV; rows are named by the columns in `keys`.
pub fn parse_csv(text: &str, keys: &[&str]) -> Result<Grid> {
    let mut reader =
        ::csv::ReaderBuilder::new().comment(Some(b'#')).flexible(true).from_reader(text.as_bytes());
    let failed = |e: ::csv::Error| Fault::failed(format!("not a table: {e}"));
    let columns: Vec<String> = reader.headers().map_err(failed)?.iter().map(Into::into).collect();
    let mut grid = Grid { columns, rows: vec![] };
    for record in reader.records() {
        let cells: Vec<String> = record.map_err(failed)?.iter().map(Into::into).collect();
        grid.push(name(&grid.columns, &cells, keys), cells);
    }
    Ok(grid)
}

/// The pipe table of a Markdown file; rows are named as in [`parse_csv`]. `**` counts.
pub fn parse_markdown(text: &str, keys: &[&str]) -> Grid {
    let mut lines = text.lines().filter(|l| l.starts_with('|'));
    let split = |line: &str| -> Vec<String> {
        let line = line.replace("\\|", "\u{1}");
        let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
        inner.split('|').map(|c| c.trim().replace('\u{1}', "|")).collect()
    };
    let mut grid = Grid { columns: lines.next().map(split).unwrap_or_default(), rows: vec![] };
    for cells in lines.skip(1).map(split) {
        grid.push(name(&grid.columns, &cells, keys), cells);
    }
    grid
}

fn name(columns: &[String], cells: &[String], keys: &[&str]) -> String {
    let cell = |key: &&str| columns.iter().position(|c| c == key).and_then(|i| cells.get(i)).cloned();
    keys.iter().filter_map(cell).collect::<Vec<_>>().join(" / ")
}

impl Grid {
    fn push(&mut self, name: String, cells: Vec<String>) {
        let twice =
            self.rows.iter().filter(|(n, _)| *n == name || n.starts_with(&format!("{name} #"))).count();
        let name = if twice > 0 { format!("{name} #{}", twice + 1) } else { name };
        self.rows.push((name, cells));
    }

    /// Cells in which `self` (found) and `expected` differ: changed, missing and added.
    pub fn differences(&self, expected: &Grid, table: &str, file: &str) -> Vec<CellDifference> {
        let difference = |row: &str, column: &str, found: &str, expected: &str| CellDifference {
            table: table.into(),
            file: file.into(),
            row: row.into(),
            column: column.into(),
            found: found.into(),
            expected: expected.into(),
        };
        let mut cells = Vec::new();
        if self.columns != expected.columns {
            let (found, wanted) = (self.columns.join(","), expected.columns.join(","));
            cells.push(difference("(columns)", "(all)", &found, &wanted));
        }
        let names: BTreeSet<&String> = self.rows.iter().chain(&expected.rows).map(|(n, _)| n).collect();
        let (own, other) = (self.by_name(), expected.by_name());
        for name in names {
            match (own.get(name), other.get(name)) {
                (Some(_), None) => cells.push(difference(name, "(row)", "a row", NOTHING)),
                (None, Some(_)) => cells.push(difference(name, "(row)", NOTHING, "a row")),
                (Some(a), Some(b)) => {
                    for column in union(&self.columns, &expected.columns) {
                        let cell = |g: &Grid, row: &[String]| -> String {
                            let at = g.columns.iter().position(|c| c == column);
                            at.and_then(|i| row.get(i)).cloned().unwrap_or_else(|| NOTHING.into())
                        };
                        let (found, wanted) = (cell(self, a), cell(expected, b));
                        if found != wanted {
                            cells.push(difference(name, column, &found, &wanted));
                        }
                    }
                }
                (None, None) => {}
            }
        }
        cells
    }

    fn by_name(&self) -> BTreeMap<&String, &Vec<String>> {
        self.rows.iter().map(|(n, cells)| (n, cells)).collect()
    }
}

/// Columns of both, in order, each once.
fn union<'a>(a: &'a [String], b: &'a [String]) -> Vec<&'a String> {
    let mut columns: Vec<&String> = a.iter().collect();
    columns.extend(b.iter().filter(|c| !a.contains(c)));
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 2] = ["experiment", "modality"];

    #[test]
    fn a_changed_digit_is_named() {
        let old = parse_csv("# table: t\nexperiment,modality,ce\nx,rgb,6.10\nx,audio,5.92\n", &KEYS).unwrap();
        let new = parse_csv("experiment,modality,ce\nx,rgb,6.11\nx,depth,1\n", &KEYS).unwrap();
        let all: Vec<String> =
            new.differences(&old, "t", "t/v0001.csv").iter().map(ToString::to_string).collect();
        assert_eq!(
            all,
            [
                "t/v0001.csv: row `x / audio`, column `(row)`: found `(nothing)`, expected `a row`",
                "t/v0001.csv: row `x / depth`, column `(row)`: found `a row`, expected `(nothing)`",
                "t/v0001.csv: row `x / rgb`, column `ce`: found `6.11`, expected `6.10`",
            ]
        );
        assert_eq!(old.differences(&old, "t", "f"), []);
    }

    #[test]
    fn markdown_reads_back() {
        let text = "# t\n\n| experiment | modality | CE |\n|---|---|--:|\n| x | a\\|b | **1.0** |\n\nnote\n";
        let grid = parse_markdown(text, &KEYS);
        assert_eq!(grid.columns, ["experiment", "modality", "CE"]);
        assert_eq!(grid.rows, [("x / a|b".to_string(), vec!["x".into(), "a|b".into(), "**1.0**".into()])]);
    }

    #[test]
    fn rows_of_the_same_name_stay_apart() {
        let grid = parse_csv("experiment,ce\nx,1\nx,2\n", &KEYS).unwrap();
        assert_eq!(grid.rows[1].0, "x #2");
    }
}
