//! Plain tables on a terminal, no wider than it.

use crate::report::table::{wrap, Grid};
use std::io::IsTerminal;
use tabled::builder::Builder;

/// Columns of what is printed where stdout is no terminal.
pub const PIPED: usize = 100;
/// No terminal is taken for narrower.
const NARROWEST: usize = 40;

/// Columns of the terminal that stdout is, else [`PIPED`].
pub fn width() -> usize {
    if !std::io::stdout().is_terminal() {
        return PIPED;
    }
    // SAFETY: `size` is plain data that the call fills in.
    let columns = unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        (libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &mut size) == 0).then_some(size.ws_col)
    };
    columns.filter(|columns| *columns > 0).map_or(PIPED, |columns| usize::from(columns).max(NARROWEST))
}

/// A plain table: names left, the columns from `numbers` on right.
pub fn style(builder: Builder, numbers: usize) -> String {
    table(builder, numbers, width())
}

fn table(builder: Builder, numbers: usize, room: usize) -> String {
    let mut rows: Vec<Vec<String>> = builder.into();
    rows.iter_mut().flatten().for_each(|cell| *cell = cell.replace(['\n', '\r', '\t'], " "));
    let headings = if rows.is_empty() { vec![] } else { rows.remove(0) };
    let right = (0..headings.len()).map(|i| i >= numbers).collect();
    let names = if numbers == usize::MAX { 1 } else { numbers };
    Grid { names, headings, rows, right }.lines(room)
}

/// Names to the left of what they stand for, which continues below itself.
pub fn facts(lines: &[(&str, String)]) -> String {
    let column = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(12);
    let line = |(name, value): &(&str, String)| {
        let (first, rest) = (format!("{name:>column$}  "), " ".repeat(column + 2));
        wrap(value, width(), &first, &rest).join("\n") + "\n"
    };
    lines.iter().map(line).collect()
}

/// Lines of text, each broken where it is too wide.
pub fn text(text: &str) -> String {
    let lines = text.lines().map(|line| {
        if line.chars().count() <= width() {
            return line.to_string();
        }
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        wrap(line, width(), &indent, &format!("{indent}  ")).join("\n")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_a_command_is_no_wider_than_its_terminal() {
        let builder = || {
            let mut builder = Builder::default();
            builder.push_record(["id", "name", "state"]);
            builder.push_record(["0123456789", "a\nname", "finished"]);
            builder
        };
        assert!(table(builder(), usize::MAX, 40).starts_with(" id         | name   | state"));
        let narrow = table(builder(), usize::MAX, 20);
        assert!(narrow.lines().all(|line| line.chars().count() <= 20), "{narrow}");
    }
}
