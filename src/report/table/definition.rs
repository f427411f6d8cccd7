//! One table: headings, rows, notes.

use super::cell::Cell;
use super::column::Column;
use super::heading::{ColumnKind, Heading};
use std::borrow::Cow;

/// One row; `bold` and `digits` are decisions of the table's author.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// One per column.
    pub cells: Vec<Cell>,
    /// Columns in bold.
    pub bold: Vec<usize>,
    /// Digits of this row instead of the columns' (front page: one unit per row).
    pub digits: Option<usize>,
}

impl Row {
    pub fn new(cells: Vec<Cell>) -> Row {
        Row { cells, ..Row::default() }
    }
}

/// A table ready to be exported.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Folder name under `reports/`.
    pub name: Cow<'static, str>,
    pub title: Cow<'static, str>,
    /// Version of columns and definitions.
    pub schema: u32,
    pub columns: Vec<Heading>,
    pub rows: Vec<Row>,
    /// Methods and caveats, one sentence or two each.
    pub notes: Vec<String>,
}

impl Table {
    /// Lays lines out in columns.
    pub fn new<L>(
        name: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
        schema: u32,
        columns: Vec<Column<L>>,
        lines: &[L],
        notes: Vec<String>,
    ) -> Table {
        let rows = lines.iter().map(|line| row(&columns, line)).collect();
        let columns = columns.into_iter().map(|column| column.heading).collect();
        Table { name: name.into(), title: title.into(), schema, columns, rows, notes }
    }

    /// The same with rows that have their own digits.
    pub fn with_digits<L>(mut self, lines: &[L], digits: impl Fn(&L) -> usize) -> Table {
        for (row, line) in self.rows.iter_mut().zip(lines) {
            row.digits = Some(digits(line));
        }
        self
    }

    /// The row's key columns, joined.
    pub fn row_name(&self, row: &Row) -> String {
        let keys = self.columns.iter().zip(&row.cells).filter(|(c, _)| c.kind == ColumnKind::Key);
        let texts: Vec<&str> = keys
            .map(|(_, cell)| match cell {
                Cell::Text(t) => t.as_str(),
                _ => "",
            })
            .collect();
        texts.join(" / ")
    }

    /// Index of the column with that CSV name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

fn row<L>(columns: &[Column<L>], line: &L) -> Row {
    let bold =
        columns.iter().enumerate().filter(|(_, column)| column.is_bold(line)).map(|(i, _)| i).collect();
    Row { cells: columns.iter().map(|column| column.cell(line)).collect(), bold, digits: None }
}
