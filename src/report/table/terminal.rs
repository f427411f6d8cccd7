//! The terminal: the same cells with plain rules, then the notes.

use super::definition::Table;
use super::shown::{texts, Shown};
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Style};

/// Title, table and notes; `*` marks what is bold elsewhere.
pub fn terminal(table: &Table) -> String {
    let Shown { headings, rows, right } = texts(table, |t| format!("*{t}"));
    let mut builder = Builder::default();
    builder.push_record(headings);
    for row in rows {
        builder.push_record(row);
    }
    let mut grid = builder.build();
    grid.with(Style::psql());
    for i in (0..right.len()).filter(|&i| right[i]) {
        grid.modify(Columns::one(i), Alignment::right());
    }
    let lines: Vec<String> = grid.to_string().lines().map(|l| l.trim_end().to_string()).collect();
    let notes: String = table.notes.iter().map(|n| format!("\n- {n}")).collect();
    format!("{}\n\n{}\n{notes}\n", table.title, lines.join("\n"))
}
