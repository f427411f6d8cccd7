//! A caption file: a JSON list of texts, one for each row.

use super::limits::MOST_ROWS;
use crate::data::text::{into_composed, is_blank};
use crate::fault::{Fault, Result};
use crate::store::regular;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::Deserialize;

/// The captions of a file, at least one, composed (NFC), each of at most `longest` characters and none
/// of them blank. A byte order mark is passed over.
///
/// # Errors
/// If the bytes are no such list; the fault names no place.
pub fn parse(bytes: &[u8], longest: usize) -> Result<Vec<String>> {
    let bad = |found: String| {
        Fault::invalid("not a list of captions")
            .found(found)
            .expected(r#"a JSON list of strings, one for each row, such as ["cat meowing"]"#)
            .help("export the captions again")
    };
    let text = regular::text(bytes.to_vec()).map_err(|fault| Fault {
        what: "not a list of captions".into(),
        expected: Some("a JSON list of strings in UTF-8".into()),
        ..fault
    })?;
    if text.trim().is_empty() {
        return Err(bad("an empty file".into()));
    }
    let Captions(captions) = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
    if captions.is_empty() {
        return Err(bad("an empty list".into()));
    }
    for (row, caption) in captions.iter().enumerate() {
        if is_blank(caption) {
            return Err(Fault::invalid("an empty caption")
                .found(format!("nothing in row {row}"))
                .expected("a text for every row: it is what the model is to say, and the class of the clip")
                .help("write the caption, or remove the clip from every modality"));
        }
        let length = caption.chars().count();
        if length > longest {
            return Err(Fault::invalid("too long a caption")
                .found(format!("{length} characters in row {row}"))
                .expected(format!("at most {longest}"))
                .help("shorten it; the model sees its first tokens only"));
        }
    }
    Ok(captions.into_iter().map(into_composed).collect())
}

/// The captions of a file of which no manifest tells.
///
/// # Errors
/// As [`parse`].
pub fn captions(bytes: &[u8]) -> Result<Vec<String>> {
    parse(bytes, super::limits::caption(None))
}

/// A list that is no longer than a clip may have rows.
struct Captions(Vec<String>);

impl<'de> Deserialize<'de> for Captions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Captions, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Captions;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a list of strings")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Captions, A::Error> {
                let mut captions = Vec::new();
                while let Some(caption) = list.next_element::<String>()? {
                    if captions.len() == MOST_ROWS {
                        return Err(A::Error::custom(format!("more than {MOST_ROWS} captions")));
                    }
                    captions.push(caption);
                }
                Ok(Captions(captions))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_composed_texts() {
        assert_eq!(parse(b"\xef\xbb\xbf[\"cat\", \"e\\u0301\"]", 9).unwrap(), ["cat", "é"]);
        assert_eq!(parse("[\"e\u{301}\"]\n".as_bytes(), 9).unwrap(), ["é"]);
    }

    #[test]
    fn everything_else_is_named() {
        let fault = |bytes: &[u8]| parse(bytes, 9).unwrap_err();
        let found = |bytes: &[u8]| fault(bytes).found.unwrap();
        for blank in [&b"[\"\"]"[..], b"[\" \\n\"]", "[\"\u{200b}\"]".as_bytes()] {
            assert_eq!(fault(blank).what, "an empty caption");
        }
        assert_eq!(found(b"[\"cat\", \"\"]"), "nothing in row 1");
        assert_eq!(found(b"[\"0123456789\"]"), "10 characters in row 0");
        assert_eq!(found(b""), "an empty file");
        assert_eq!(found(b"[]"), "an empty list");
        assert_eq!(found(b"\xff\xfe[\0\"\0"), "text in UTF-16");
        assert_eq!(found(b"<html>"), "an HTML page");
        assert_eq!(found(b"[\"caf\xe9\"]"), "a byte 0xe9 in line 1 that is no UTF-8");
        assert!(found(b"{\"a\": 1}").starts_with("invalid type: map, expected a list of strings"));
        let many = format!("[{}\"x\"]", "\"x\",".repeat(MOST_ROWS));
        assert!(found(many.as_bytes()).starts_with("more than 10000 captions"));
    }
}
