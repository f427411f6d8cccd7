//! Exporters: pure functions from a table and its header to text.

mod csv;
pub(super) mod html;
mod json;
mod markdown;
mod summary;
mod terminal;

pub use self::csv::csv;

pub use json::json;
pub use markdown::{front, front_without_runs, markdown, with_links};
pub use summary::summary;
pub use terminal::terminal;

use super::format::heading;
pub use super::format::shown;
use super::table::{Kind, Table};

/// Headings and cells for people: columns that are shown, bold cells wrapped by `bold`.
fn grid(table: &Table, bold: impl Fn(String) -> String) -> (Vec<String>, Vec<Vec<String>>, Vec<bool>) {
    let kept: Vec<usize> = (0..table.columns.len()).filter(|&i| !table.columns[i].csv_only).collect();
    let headings = kept.iter().map(|&i| heading(&table.columns[i])).collect();
    let right = kept.iter().map(|&i| !matches!(table.columns[i].kind, Kind::Key | Kind::Text)).collect();
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
    (headings, rows.collect(), right)
}
