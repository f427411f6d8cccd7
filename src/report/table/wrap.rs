//! Text no wider than a terminal.

use tabled::grid::util::string::get_string_width;

/// Columns of a terminal that a text without line ends takes.
pub fn width(text: &str) -> usize {
    get_string_width(text)
}

/// Lines of words no wider than `room`; the first begins with `first`, the others with `rest`. A word that is wider
/// is cut.
pub fn wrap(text: &str, room: usize, first: &str, rest: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = first.to_string();
    let mut empty = true;
    for word in text.split_whitespace() {
        for part in parts(word, room.saturating_sub(width(rest).max(width(first))).max(1)) {
            let blank = usize::from(!empty);
            if !empty && width(&line) + blank + width(&part) > room {
                lines.push(std::mem::replace(&mut line, rest.to_string()));
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line += &part;
            empty = false;
        }
    }
    lines.push(line);
    lines
}

/// A word in pieces no wider than `room`.
fn parts(word: &str, room: usize) -> Vec<String> {
    if width(word) <= room {
        return vec![word.to_string()];
    }
    let mut parts = vec![String::new()];
    for c in word.chars() {
        let last = parts.len() - 1;
        if !parts[last].is_empty() && width(&parts[last]) + width(c.encode_utf8(&mut [0; 4])) > room {
            parts.push(String::new());
        }
        let last = parts.len() - 1;
        parts[last].push(c);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 9, "- ", "  "), ["- one two", "  three"]);
        assert_eq!(wrap("", 9, "- ", "  "), ["- "]);
        assert_eq!(wrap("abcdefgh ij", 5, "", " "), ["abcd", " efgh", " ij"]);
        assert_eq!(wrap("any width at all", usize::MAX, "", ""), ["any width at all"]);
    }
}
