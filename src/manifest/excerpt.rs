//! The line of a text that a problem is about, with the part that is underlined.

use super::syntax;
use crate::fault::commands;
use std::ops::Range;

/// Characters shown, and how many of them at most before the underlined part.
const SHOWN: usize = 86;
const BEFORE: usize = 48;

/// One line, cut to what fits and harmless to a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    pub text: String,
    /// Bytes of `text` that are underlined.
    pub span: Range<usize>,
    /// Whether something before it is left out.
    pub is_cut: bool,
}

impl Excerpt {
    /// The line where `span` of `source` begins, and its place: 1-based line and column in characters.
    pub fn of(source: &str, span: Range<usize>) -> (Excerpt, (usize, usize)) {
        let at = floor(source, span.start);
        let place = syntax::position(source, at);
        let begin = source[..at].rfind('\n').map_or(0, |i| i + 1);
        let end = source[at..].find('\n').map_or(source.len(), |i| at + i);
        let line = source[begin..end].trim_end_matches('\r');
        let at = (at - begin).min(line.len());
        let until = floor(line, span.end.saturating_sub(begin).min(line.len())).max(at);
        (Excerpt::cut(line, at..until), place)
    }

    fn cut(line: &str, span: Range<usize>) -> Excerpt {
        let from = line[..span.start].char_indices().rev().nth(BEFORE).map_or(0, |(i, _)| i);
        let behind = SHOWN - line[from..span.start].chars().count();
        let to = line[span.start..].char_indices().nth(behind).map_or(line.len(), |(i, _)| span.start + i);
        let mut text = if from > 0 { "…".to_owned() } else { String::new() };
        visible(&mut text, &line[from..span.start]);
        let start = text.len();
        visible(&mut text, &line[span.start..span.end.min(to)]);
        let end = text.len();
        visible(&mut text, &line[span.end.min(to)..to]);
        if to < line.len() {
            text.push('…');
        }
        Excerpt { text, span: start..end, is_cut: from > 0 }
    }
}

/// One visible character for each.
fn visible(out: &mut String, text: &str) {
    out.extend(text.chars().map(|c| match c {
        '\t' => ' ',
        c if commands(c) => '\u{fffd}',
        c => c,
    }));
}

fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_line_is_cut_around_its_problem() {
        let line = format!("{}WRONG{}", "é".repeat(200), "b".repeat(200));
        let (cut, place) = Excerpt::of(&format!("first\n{line}"), 6 + 400..6 + 405);
        assert_eq!((&cut.text[cut.span.clone()], place), ("WRONG", (2, 201)));
        assert_eq!(cut.text, format!("…{}WRONG{}…", "é".repeat(49), "b".repeat(32)));
    }

    #[test]
    fn escape_codes_of_the_source_are_shown_harmlessly() {
        let (cut, _) = Excerpt::of("a: \"\x1b[31m\", b\u{202e}", 3..10);
        assert_eq!(cut.text, "a: \"\u{fffd}[31m\", b\u{fffd}");
        assert_eq!(&cut.text[cut.span], "\"\u{fffd}[31m\"");
    }

    proptest! {
        #[test]
        fn any_span_of_any_text_has_an_excerpt(text in "[a-é\n\r\t\u{1b}]{0,300}", a in 0..400usize, b in 0..400usize) {
            let (cut, place) = Excerpt::of(&text, a..b);
            prop_assert!(cut.text.get(cut.span).is_some());
            prop_assert!(cut.text.chars().count() <= 90 && place.0 >= 1 && place.1 >= 1);
        }
    }
}
