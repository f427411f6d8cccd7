//! Where two texts differ.

use crate::report::archive::{CellDifference, NOTHING};

/// Characters shown of a line, from a little before the first one that differs.
const SHOWN: usize = 80;
const BEFORE: usize = 20;

/// A difference of a whole file.
pub fn whole(table: &str, file: &str, found: &str, expected: &str) -> CellDifference {
    CellDifference {
        table: table.into(),
        file: file.into(),
        row: "(all)".into(),
        column: "(all)".into(),
        found: found.into(),
        expected: expected.into(),
    }
}

/// Every line that differs.
pub fn lines(table: &str, file: &str, found: &str, expected: &str) -> Vec<CellDifference> {
    let (found, expected): (Vec<&str>, Vec<&str>) =
        (found.split('\n').collect(), expected.split('\n').collect());
    let differs = |i: &usize| found.get(*i) != expected.get(*i);
    let difference = |i: usize| {
        let (found, expected) = around(found.get(i).copied(), expected.get(i).copied());
        CellDifference {
            row: format!("line {}", i + 1),
            column: "(text)".into(),
            ..whole(table, file, &found, &expected)
        }
    };
    (0..found.len().max(expected.len())).filter(differs).map(difference).collect()
}

/// The first line that differs; `None`: the same.
pub fn first(table: &str, file: &str, found: &str, expected: &str) -> Option<CellDifference> {
    lines(table, file, found, expected).into_iter().next()
}

/// Two lines near the first character that differs.
fn around(found: Option<&str>, expected: Option<&str>) -> (String, String) {
    let same = found.unwrap_or_default().chars().zip(expected.unwrap_or_default().chars());
    let from = same.take_while(|(a, b)| a == b).count().saturating_sub(BEFORE);
    let part = |line: Option<&str>| match line {
        None => NOTHING.to_string(),
        Some(line) => {
            let mut rest = line.chars().skip(from);
            let start = if from > 0 { "…" } else { "" };
            let shown: String = rest.by_ref().take(SHOWN).collect();
            format!("{start}{shown}{}", if rest.next().is_some() { "…" } else { "" })
        }
    };
    (part(found), part(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_shown_where_it_does() {
        assert_eq!(first("t", "f", "a\nb\n", "a\nb\n"), None);
        let long = "x".repeat(300);
        let found = format!("a\n{long}1{long}\n");
        let difference = first("t", "f", &found, &format!("a\n{long}2{long}\n")).unwrap();
        assert_eq!(difference.row, "line 2");
        assert_eq!(difference.found, format!("…{}1{}…", "x".repeat(20), "x".repeat(59)));
        let end = first("t", "f", "a", "a\n").unwrap();
        assert_eq!((end.row.as_str(), end.found.as_str(), end.expected.as_str()), ("line 2", NOTHING, ""));
    }
}
