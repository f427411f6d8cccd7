//! The terminal: the same cells with plain rules, then the notes; no line wider than asked for.

use super::definition::Table;
use super::grid::Grid;
use super::heading::ColumnKind;
use super::shown::{texts, Shown};
use super::wrap::wrap;

/// Title, table and notes in lines no wider than `room`; `*` marks what is bold elsewhere.
pub fn terminal(table: &Table, room: usize) -> String {
    let Shown { headings, rows, right } = texts(table, |t| format!("*{t}"));
    let names = table.columns.iter().take_while(|c| c.kind == ColumnKind::Key).count();
    let grid = Grid { headings, rows, right, names };
    let title = wrap(&table.title, room, "", "  ").join("\n");
    let notes: String =
        table.notes.iter().map(|n| format!("\n{}", wrap(n, room, "- ", "  ").join("\n"))).collect();
    format!("{title}\n\n{}\n{notes}\n", grid.lines(room))
}
