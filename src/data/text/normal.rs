//! One form for what looks the same: composed characters everywhere, and one spelling of a class.

use std::borrow::Cow;
use unicode_normalization::{is_nfc, UnicodeNormalization};

/// Unicode's composed form (NFC): `e` with a combining accent and `é` are the same text.
pub fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// As [`composed`], of a text that is owned.
pub fn into_composed(text: String) -> String {
    match composed(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(composed) => composed,
    }
}

/// What makes two captions or labels one class: composed, in lower case, each run of white space one
/// space and none at the ends, without characters that show nothing.
pub fn class_key(text: &str) -> String {
    let visible: String = composed(text).chars().filter(|c| !is_invisible(*c)).collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    into_composed(words.join(" ").to_lowercase())
}

/// A class as it is shown: a label or caption on one line.
pub fn class_name(text: &str) -> String {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    composed(&words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")).into_owned()
}

/// Soft hyphen, zero-width space, word joiner, byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

/// Whether nothing of a text can be seen.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_one_class() {
        for other in [
            "ÉTÉ chaud",
            " été  chaud\n",
            "e\u{301}te\u{301} chaud",
            "été\u{a0}chaud",
            "\u{feff}été ch\u{ad}aud",
        ] {
            assert_eq!(class_key(other), "été chaud", "{other:?}");
        }
        assert_ne!(class_key("ete chaud"), class_key("été chaud"));
        assert!(is_blank(" \u{200b}\n") && is_blank("") && !is_blank("."));
        assert_eq!(into_composed("e\u{301}".into()), "é");
    }
}
