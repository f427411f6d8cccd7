//! One table: typed columns, rows, notes. What a column is named, its unit and its digits are fixed
//! by the table, never by the data.

use crate::record::Direction;
use crate::stats::{Estimable, Estimate, NotEstimable};
use std::borrow::Cow;

/// What a column holds; decides how many CSV columns it takes and how cells are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text that names the row, with the other key columns.
    Key,
    /// Other text.
    Text,
    Count,
    /// One number.
    Number,
    /// A value and its interval: three CSV columns (`name`, `name_low`, `name_high`).
    Estimate,
    /// A p-value.
    P,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name in CSV, unit included: `ce_nats_per_token`.
    pub name: &'static str,
    /// Name for people.
    pub label: &'static str,
    /// Unit for people; empty where there is none.
    pub unit: &'static str,
    /// Digits after the point.
    pub digits: usize,
    pub kind: Kind,
    /// Which way is better.
    pub direction: Direction,
    /// Left out of Markdown and the terminal.
    pub csv_only: bool,
    /// Keeps its digits in rows that have their own.
    pub own_digits: bool,
}

impl Column {
    fn new(kind: Kind, name: &'static str, label: &'static str) -> Column {
        let (unit, digits, direction) = ("", 0, Direction::Neither);
        Column { name, label, unit, digits, kind, direction, csv_only: false, own_digits: false }
    }

    pub fn key(name: &'static str) -> Column {
        Column::new(Kind::Key, name, name)
    }

    pub fn text(name: &'static str, label: &'static str) -> Column {
        Column::new(Kind::Text, name, label)
    }

    pub fn count(name: &'static str) -> Column {
        Column::new(Kind::Count, name, name)
    }

    pub fn p(name: &'static str, label: &'static str) -> Column {
        Column::new(Kind::P, name, label)
    }

    pub fn number(name: &'static str, label: &'static str, unit: &'static str, digits: usize) -> Column {
        Column { unit, digits, ..Column::new(Kind::Number, name, label) }
    }

    pub fn estimate(name: &'static str, label: &'static str, unit: &'static str, digits: usize) -> Column {
        Column { unit, digits, ..Column::new(Kind::Estimate, name, label) }
    }

    pub fn lower(self) -> Column {
        Column { direction: Direction::Lower, ..self }
    }

    pub fn higher(self) -> Column {
        Column { direction: Direction::Higher, ..self }
    }

    pub fn csv_only(self) -> Column {
        Column { csv_only: true, ..self }
    }

    pub fn own_digits(self) -> Column {
        Column { own_digits: true, ..self }
    }

    /// Digits after the point in a row.
    pub fn digits_in(&self, row: Option<usize>) -> usize {
        row.filter(|_| !self.own_digits).unwrap_or(self.digits)
    }
}

/// One cell. Absent is a reason, never 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Count(u64),
    Number(f64),
    Estimate(Estimate),
    P(f64),
    /// Not estimable, and why.
    Absent(NotEstimable),
    /// Does not apply to this row.
    Empty,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::Text(text.into())
    }

    /// A number, where there is one.
    pub fn number(value: Option<f64>) -> Cell {
        match value {
            Some(v) if v.is_finite() => Cell::Number(v),
            Some(_) => Cell::Absent(NotEstimable::NotFinite),
            None => Cell::Empty,
        }
    }

    pub fn estimate(value: Estimable<Estimate>) -> Cell {
        match value {
            Ok(e) if e.value.is_finite() => Cell::Estimate(e),
            Ok(_) => Cell::Absent(NotEstimable::NotFinite),
            Err(why) => Cell::Absent(why),
        }
    }

    pub fn p(value: Estimable<f64>) -> Cell {
        value.map_or_else(Cell::Absent, Cell::P)
    }
}

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
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// Methods and caveats, one sentence or two each.
    pub notes: Vec<String>,
}

impl Table {
    /// The row's key columns, joined.
    pub fn row_name(&self, row: &Row) -> String {
        let keys = self.columns.iter().zip(&row.cells).filter(|(c, _)| c.kind == Kind::Key);
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
