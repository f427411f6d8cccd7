//! The last line of a JSON file: the SHA-256 of every byte before it.
//!
//! ```text
//!   "updated": "…",
//!   "digest": "<64 hex digits>"
//! }
//! ```
//! What carries such a line can be held against itself wherever it is.

use crate::digest::sha256_hex;

const BEFORE: &[u8] = b"  \"digest\": \"";
const BEHIND: &[u8] = b"\"\n}\n";
/// What an object ends with that has no such line.
const END: &[u8] = b"\n}\n";

/// What the last line says of the bytes before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastLine {
    /// They are as they were written.
    Holds,
    /// They are not, or the line itself was changed: what was found, what it says.
    Differs { found: String, expected: String },
    /// There is none: the file is of a version before there were any.
    Absent,
}

/// An object as [`pretty`](super::json::pretty) writes it, with the line.
pub fn add(mut json: Vec<u8>) -> Vec<u8> {
    if json.ends_with(END) {
        json.truncate(json.len() - END.len());
        json.extend_from_slice(b",\n");
        let digest = sha256_hex(&json);
        json.extend_from_slice(&[BEFORE, digest.as_bytes(), BEHIND].concat());
    }
    json
}

/// Holds a file against its last line. That a line which should be there is missing is the reader's to notice.
pub fn check(bytes: &[u8]) -> LastLine {
    let Some(start) = bytes.windows(BEFORE.len()).rposition(|window| window == BEFORE) else {
        return LastLine::Absent;
    };
    let said = bytes[start + BEFORE.len()..].strip_suffix(BEHIND).map(String::from_utf8_lossy);
    let found = sha256_hex(&bytes[..start]);
    match said {
        Some(said) if said == found => LastLine::Holds,
        Some(said) => LastLine::Differs { found, expected: said.into_owned() },
        None => LastLine::Differs {
            found: "more, or less, behind its last line".into(),
            expected: "nothing".into(),
        },
    }
}
