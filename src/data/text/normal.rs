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

/// What makes two captions or labels one class: composed, in lower case, each run of white space or
/// control characters one space and none at the ends, without characters that show nothing.
pub fn class_key(text: &str) -> String {
    let visible: String = composed(text).chars().filter(|c| !is_invisible(*c)).collect();
    let words: Vec<&str> = visible.split(is_space).filter(|word| !word.is_empty()).collect();
    into_composed(words.join(" ").to_lowercase())
}

/// A class as it is shown: a label or caption on one line.
pub fn class_name(text: &str) -> String {
    let words: Vec<&str> = text.split(is_space).collect();
    composed(&words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")).into_owned()
}

/// White space, or a control character, which stands for no more than that in a text.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// Characters without a shape of their own: Unicode's `Default_Ignorable_Code_Point` (soft hyphen, joiners,
/// marks of direction, fillers, variation selectors, tags, byte order mark), and the empty Braille pattern.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether nothing of a text can be seen.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| is_space(c) || is_invisible(c))
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
            "\u{202a}été\u{200e} cha\u{200d}ud\u{202c}",
            "été\u{7}chaud\u{fe0f}\u{180e}",
        ] {
            assert_eq!(class_key(other), "été chaud", "{other:?}");
        }
        assert_ne!(class_key("ete chaud"), class_key("été chaud"));
        assert!(is_blank(" \u{200b}\n") && is_blank("") && !is_blank("."));
        assert!(is_blank("\0\u{1b}") && is_blank("\u{200d}\u{3164}\u{2800}\u{e0041}"));
        assert_eq!(into_composed("e\u{301}".into()), "é");
    }
}
