//! Texts in rows and columns on a terminal: no line is wider than it, and nothing is left out for that.
//!
//! A grid where it fits; without the columns that say the same in every row, which are told once; else one block for
//! each row.

use super::wrap::{width, wrap};
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Style};

/// What stands where there is nothing to say.
const NOTHING: &str = "–";

/// Texts of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    pub headings: Vec<String>,
    /// As many cells as headings.
    pub rows: Vec<Vec<String>>,
    /// Which columns stand to the right.
    pub right: Vec<bool>,
    /// How many of the first columns name the row.
    pub names: usize,
}

impl Grid {
    /// The lines, each no wider than `room`.
    pub fn lines(&self, room: usize) -> String {
        let whole = self.grid();
        if fits(&whole, room) {
            return whole;
        }
        let (varying, told) = self.told_once();
        let grid = varying.grid();
        let body = if fits(&grid, room) { grid } else { varying.blocks(room) };
        if told.is_empty() {
            return body;
        }
        let told = flow(&told, room, "in every row: ", "  ");
        format!("{}\n\n{body}", told.join("\n"))
    }

    fn grid(&self) -> String {
        let mut builder = Builder::default();
        builder.push_record(self.headings.clone());
        self.rows.iter().for_each(|row| builder.push_record(row.clone()));
        let mut table = builder.build();
        table.with(Style::psql());
        for i in (0..self.right.len()).filter(|&i| self.right[i]) {
            table.modify(Columns::one(i), Alignment::right());
        }
        table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// Without the columns whose rows all say the same, and what these say.
    fn told_once(&self) -> (Grid, Vec<String>) {
        let same = |i: usize| self.rows.len() > 1 && self.rows.iter().all(|row| row[i] == self.rows[0][i]);
        // Some column has to name the rows, even where all are called alike.
        let (told, mut kept): (Vec<usize>, Vec<usize>) = (0..self.headings.len()).partition(|&i| same(i));
        if kept.is_empty() {
            kept.push(0);
        }
        let said = told.iter().filter(|i| !kept.contains(i) && self.rows[0][**i] != NOTHING);
        let said = said.map(|&i| field(&self.headings[i], &self.rows[0][i])).collect();
        let pick = |cells: &Vec<String>| kept.iter().map(|&i| cells[i].clone()).collect::<Vec<_>>();
        let grid = Grid {
            headings: pick(&self.headings),
            rows: self.rows.iter().map(pick).collect(),
            right: kept.iter().map(|&i| self.right[i]).collect(),
            names: kept.iter().filter(|&&i| i < self.names).count(),
        };
        (grid, said)
    }

    /// One block for each row: its names, then what it says, as many to a line as there is room for.
    fn blocks(&self, room: usize) -> String {
        let block = |row: &Vec<String>| {
            let said = row[..self.names].iter().filter(|name| !name.is_empty());
            let names = said.map(String::as_str).collect::<Vec<_>>().join(" · ");
            let mut lines = if self.names == 0 { vec![] } else { wrap(&names, room, "", "  ") };
            let said = (self.names..row.len()).filter(|&i| row[i] != NOTHING && !row[i].is_empty());
            let said: Vec<String> = said.map(|i| field(&self.headings[i], &row[i])).collect();
            if !said.is_empty() {
                lines.extend(flow(&said, room, "    ", "    "));
            }
            lines.join("\n")
        };
        self.rows.iter().map(block).collect::<Vec<_>>().join("\n")
    }
}

fn fits(text: &str, room: usize) -> bool {
    text.lines().all(|line| width(line) <= room)
}

fn field(heading: &str, text: &str) -> String {
    format!("{heading}: {text}")
}

/// Fields side by side; one that is too wide for a line breaks between its words.
fn flow(fields: &[String], room: usize, first: &str, rest: &str) -> Vec<String> {
    const BETWEEN: &str = " · ";
    let mut lines: Vec<String> = Vec::new();
    let mut line = first.to_string();
    let mut empty = true;
    for field in fields {
        if !empty && width(&line) + width(BETWEEN) + width(field) <= room {
            line += BETWEEN;
            line += field;
            continue;
        }
        if !empty {
            lines.push(std::mem::replace(&mut line, rest.to_string()));
        }
        let mut wrapped = wrap(field, room, &line, &format!("{rest}  "));
        line = wrapped.pop().unwrap_or_default();
        lines.extend(wrapped);
        empty = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let row = |cells: [&str; 4]| cells.map(String::from).to_vec();
        Grid {
            headings: row(["name", "value", "unit", "note"]),
            rows: vec![row(["a", "1.25", "nats", "–"]), row(["b", "11.5", "nats", "longer than most"])],
            right: vec![false, true, false, false],
            names: 1,
        }
    }

    #[test]
    fn a_grid_where_it_fits() {
        let text = grid().lines(80);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], " name | value | unit | note");
        assert_eq!(lines[3], " b    |  11.5 | nats | longer than most");
    }

    #[test]
    fn what_every_row_says_is_told_once() {
        let text = grid().lines(34);
        assert!(text.starts_with("in every row: unit: nats\n\n name | value | note"), "{text}");
        assert!(fits(&text, 34), "{text}");
    }

    #[test]
    fn a_name_that_is_empty_leaves_no_mark() {
        let mut named_by_two = Grid { names: 2, ..grid() };
        named_by_two.rows[0][1].clear();
        let text = named_by_two.lines(30);
        assert!(text.lines().any(|line| line == "a") && text.contains("b · 11.5"), "{text}");
    }

    #[test]
    fn else_a_block_for_each_row() {
        let text = grid().lines(30);
        let expected =
            "in every row: unit: nats\n\na\n    value: 1.25\nb\n    value: 11.5\n    note: longer than most";
        assert_eq!(text, expected);
        for room in [24, 26, 40] {
            assert!(fits(&grid().lines(room), room), "{}", grid().lines(room));
        }
    }

    #[test]
    fn rows_that_are_all_alike_keep_their_name() {
        let row: Vec<String> = vec!["a".into(), "1".into()];
        let grid = Grid {
            headings: vec!["name".into(), "a heading that is wide".into()],
            rows: vec![row.clone(), row],
            right: vec![false; 2],
            names: 1,
        };
        assert!(grid.lines(20).contains("in every row: a"), "{}", grid.lines(20));
        assert!(grid.lines(20).ends_with("\n a\n a"), "{:?}", grid.lines(20));
    }
}
