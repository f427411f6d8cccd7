//! Bytes ↔ lines and columns.

/// 1-based line and column (in characters) of byte `at`.
pub fn position(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Byte of a 1-based line and column; the end of the text when it is shorter.
pub fn offset(text: &str, (line, column): (usize, usize)) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let within = text[start..].char_indices().nth(column.saturating_sub(1)).map(|(i, _)| i);
    within.map_or(text.len(), |i| start + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        assert_eq!(position("é\naé b", "é\naé b".len() - 1), (2, 4));
        assert_eq!(position("", 9), (1, 1));
        assert_eq!(offset("é\naé b", (2, 4)), "é\naé ".len());
        assert_eq!(offset("ab", (7, 1)), 2);
    }
}
