//! The last line of `record.json`: the SHA-256 of every byte before it.
//!
//! ```text
//!   "files": [ … ],
//!   "digest": "<64 hex digits>"
//! }
//! ```
//! A record can thus be held against itself wherever it is, and says the same on every machine: nothing of
//! the time or the place enters it.

use crate::digest::sha256_hex;

const BEFORE: &[u8] = b"  \"digest\": \"";
const BEHIND: &[u8] = b"\"\n}\n";
/// What an object ends with that has no such line.
const END: &[u8] = b"\n}\n";
const FILES_END: &[u8] = b"]\n}\n";

/// What the last line says of the bytes before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastLine {
    /// They are as they were written.
    Holds,
    /// They are not, or the line itself was changed: what was found, what it says.
    Differs { found: String, expected: String },
    /// There is none: the record is of a version before there were any.
    Absent,
}

/// An object as `pretty` writes it, with the line.
pub fn add(mut json: Vec<u8>) -> Vec<u8> {
    if json.ends_with(END) {
        json.truncate(json.len() - END.len());
        json.extend_from_slice(b",\n");
        let digest = sha256_hex(&json);
        json.extend_from_slice(&[BEFORE, digest.as_bytes(), BEHIND].concat());
    }
    json
}

/// Holds a file against its last line.
pub fn check(bytes: &[u8]) -> LastLine {
    let Some(start) = bytes.windows(BEFORE.len()).rposition(|window| window == BEFORE) else {
        // Before there was the line, the list of files came last.
        let ends_with_files = bytes.ends_with(FILES_END);
        return if ends_with_files {
            LastLine::Absent
        } else {
            differs("another last line".into(), "a digest")
        };
    };
    let said = &bytes[start + BEFORE.len()..];
    let said = said.strip_suffix(BEHIND).map(String::from_utf8_lossy);
    let found = sha256_hex(&bytes[..start]);
    match said {
        Some(said) if said == found => LastLine::Holds,
        Some(said) => differs(found, &said),
        None => differs("more, or less, behind its last line".into(), "nothing"),
    }
}

fn differs(found: String, expected: &str) -> LastLine {
    LastLine::Differs { found, expected: expected.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;
    use crate::record::Record;

    #[test]
    fn one_changed_byte_of_a_record_is_noticed_wherever_it_is() {
        let bytes = sample().to_json().unwrap();
        assert_eq!(check(&bytes), LastLine::Holds);
        for i in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[i] ^= 1;
            let unreadable = serde_json::from_slice::<Record>(&changed).is_err();
            assert!(unreadable || matches!(check(&changed), LastLine::Differs { .. }), "byte {i}");
        }
        for longer in [&b"\n"[..], b" ", b"}"] {
            assert_ne!(check(&[&bytes[..], longer].concat()), LastLine::Holds);
        }
        for length in 0..bytes.len() {
            assert_ne!(check(&bytes[..length]), LastLine::Holds, "{length} bytes");
        }
    }

    #[test]
    fn a_record_of_before_has_none() {
        let old = crate::store::json::pretty(&sample()).unwrap();
        assert_eq!(check(&old), LastLine::Absent);
        assert_eq!(check(&add(old.clone())), LastLine::Holds);
        assert!(add(old.clone()).starts_with(&old[..old.len() - 3]));
        assert_ne!(check(b""), LastLine::Absent);
    }
}
