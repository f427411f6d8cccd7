//! CSV: header as `# ` comments, then fixed columns; an absent number is an empty field and its
//! reason stands in the last column.

use super::cell::Cell;
use super::definition::{Row, Table};
use super::format::{fixed, p_exact};
use super::header::Header;
use super::heading::{ColumnKind, Heading};

/// The whole file.
pub fn csv(table: &Table, header: &Header) -> String {
    let mut text: String = header.lines().iter().map(|l| format!("# {l}\n")).collect();
    text += &line(table.columns.iter().flat_map(names).chain(["not_estimable".into()]));
    for row in &table.rows {
        let cells = table.columns.iter().zip(&row.cells).flat_map(|(c, cell)| fields(c, cell, row.digits));
        text += &line(cells.chain([reasons(table, row)]));
    }
    text
}

fn names(column: &Heading) -> Vec<String> {
    match column.kind {
        ColumnKind::Estimate => ["", "_low", "_high"].iter().map(|s| format!("{}{s}", column.name)).collect(),
        _ => vec![column.name.into()],
    }
}

fn fields(column: &Heading, cell: &Cell, digits: Option<usize>) -> Vec<String> {
    let digits = column.digits_in(digits);
    let field = match cell {
        Cell::Text(t) => t.clone(),
        Cell::Count(n) => n.to_string(),
        Cell::Number(v) => fixed(*v, digits),
        Cell::P(p) => p_exact(*p),
        Cell::Estimate(e) => {
            let (low, high) = match e.interval {
                Ok(i) => (fixed(i.low, digits), fixed(i.high, digits)),
                Err(_) => Default::default(),
            };
            return vec![fixed(e.value, digits), low, high];
        }
        Cell::Absent(_) | Cell::Empty => String::new(),
    };
    let mut fields = vec![field];
    fields.resize(names(column).len(), String::new());
    fields
}

/// Why numbers of the row are missing: `column: reason`, joined by `; `.
fn reasons(table: &Table, row: &Row) -> String {
    let reason = |(column, cell): (&Heading, &Cell)| match cell {
        Cell::Absent(why) => Some(format!("{}: {why}", column.name)),
        Cell::Estimate(e) => e.interval.err().map(|why| format!("{} interval: {why}", column.name)),
        _ => None,
    };
    let all: Vec<String> = table.columns.iter().zip(&row.cells).filter_map(reason).collect();
    all.join("; ")
}

/// One line, quoted only where needed (RFC 4180).
fn line(fields: impl Iterator<Item = String>) -> String {
    let quote = |f: String| {
        // A leading # would make the line a comment.
        if f.contains([',', '"', '\n', '\r']) || f.starts_with('#') {
            format!("\"{}\"", f.replace('"', "\"\""))
        } else {
            f
        }
    };
    fields.map(quote).collect::<Vec<_>>().join(",") + "\n"
}
