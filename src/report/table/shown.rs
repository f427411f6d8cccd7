//! What people see of a table, before it is Markdown, HTML or a terminal's lines.

use super::definition::Table;
use super::format::{heading, shown};
use super::heading::ColumnKind;

/// Texts of the columns that are shown.
pub struct Shown {
    pub headings: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Columns of numbers stand to the right.
    pub right: Vec<bool>,
}

/// Headings and cells for people; bold cells wrapped by `bold`.
pub fn texts(table: &Table, bold: impl Fn(String) -> String) -> Shown {
    let kept: Vec<usize> = (0..table.columns.len()).filter(|&i| !table.columns[i].csv_only).collect();
    let headings = kept.iter().map(|&i| heading(&table.columns[i])).collect();
    let right =
        kept.iter().map(|&i| !matches!(table.columns[i].kind, ColumnKind::Key | ColumnKind::Text)).collect();
    let rows = table.rows.iter().map(|row| {
        let cell = |&i: &usize| {
            let text = shown(&row.cells[i], &table.columns[i], row.digits);
            if row.bold.contains(&i) {
                bold(text)
            } else {
                text
            }
        };
        kept.iter().map(cell).collect()
    });
    Shown { headings, rows: rows.collect(), right }
}
