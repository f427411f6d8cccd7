//! Markdown: title, origin, the table, notes.

use super::definition::Table;
use super::header::{Header, Origin};
use super::shown::{texts, Shown};
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Style};

/// The whole file of one table.
pub fn markdown(table: &Table, header: &Header) -> String {
    let mut text = format!("# {}\n\n", table.title);
    text += &format!("table `{}` · schema {} · {}\n\n", table.name, header.schema, header.statistics);
    text += &body(table);
    text += "\n## Made from\n\n";
    text += &origins(header);
    text
}

/// The table and its notes.
pub fn body(table: &Table) -> String {
    let mut text = pipes(table);
    text.push('\n');
    for note in &table.notes {
        text += &format!("\n- {note}");
    }
    text.push('\n');
    text
}

/// The table itself; numbers to the right.
fn pipes(table: &Table) -> String {
    let Shown { headings, rows, right } = texts(table, |t| format!("**{t}**"));
    let escape = |cells: Vec<String>| cells.into_iter().map(|c| c.replace('|', "\\|"));
    let mut builder = Builder::default();
    builder.push_record(escape(headings));
    for row in rows {
        builder.push_record(escape(row));
    }
    let mut grid = builder.build();
    grid.with(Style::markdown());
    for i in (0..right.len()).filter(|&i| right[i]) {
        grid.modify(Columns::one(i), Alignment::right());
    }
    // The divider says the alignment to readers of the rendered page.
    let text = grid.to_string();
    let mark = |(i, part): (usize, &str)| match part.len() {
        n if n > 2 && i > 0 && right.get(i - 1) == Some(&true) => format!("{}:", &part[..n - 1]),
        _ => part.to_string(),
    };
    let divider = |line: &str| line.split('|').enumerate().map(mark).collect::<Vec<_>>().join("|");
    let lines =
        text.lines().enumerate().map(|(i, l)| if i == 1 { divider(l) } else { l.trim_end().to_string() });
    lines.collect::<Vec<_>>().join("\n")
}

/// The runs, one line each.
pub fn origins(header: &Header) -> String {
    let line = |o: &Origin| {
        let drift =
            if o.drift == "none" { String::new() } else { format!(" · **drift allowed: {}**", o.drift) };
        format!(
            "- `{}` · seeds {} · code `{}` · data `{}` · manifest `{}`{drift}\n",
            o.run, o.seeds, o.code, o.data, o.manifest
        )
    };
    header.origins.iter().map(line).collect()
}
