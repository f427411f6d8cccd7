//! JSON files that carry the version of their layout in a field `schema`: written and read in one way.

use super::atomic::write_atomic;
use super::regular;
use crate::fault::{Fault, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Bound of such a file, bytes.
const LONGEST: u64 = 64 << 20;

/// A kind of versioned file: what messages call it, and the version that is written and read.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// With its article: `a record`, `an ablation's record`.
    pub what: &'static str,
    /// Whose schema it is: `record` in "record schema 2".
    pub short: &'static str,
    pub schema: u32,
    /// What to do about a file of another version.
    pub help: Option<&'static str>,
}

/// The one field every version has.
#[derive(Deserialize)]
struct Version {
    schema: u32,
}

impl Format {
    /// Reads the file at `path`. Its version is looked at first, so that a file of another one is not
    /// called damaged for the fields it lacks.
    ///
    /// # Errors
    /// If it is missing, is no such file or has another version.
    pub fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<T> {
        let bytes = regular::read(path, LONGEST).map_err(|e| regular::fault("read", path, &e))?;
        self.parse(&bytes).map_err(|fault| fault.at(path.display().to_string()))
    }

    /// As [`Format::read`], of bytes; the fault names no place.
    ///
    /// # Errors
    /// If they are no such file or have another version.
    pub fn parse<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        let damaged = |e: serde_json::Error| Fault::failed(format!("not {}: {e}", self.what));
        let Version { schema } = serde_json::from_slice(bytes).map_err(damaged)?;
        if schema != self.schema {
            let fault = Fault::failed(format!("{} of another version of nano4m", self.what))
                .found(format!("{} schema {schema}", self.short))
                .expected(format!("{} schema {}", self.short, self.schema));
            return Err(match self.help {
                Some(help) => fault.help(help),
                None => fault,
            });
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    /// Whether these bytes are of another version of such a file; what is no such file is none.
    pub fn other_version(&self, bytes: &[u8]) -> bool {
        serde_json::from_slice::<Version>(bytes).is_ok_and(|found| found.schema != self.schema)
    }

    /// Replaces the file at `path`, all or nothing.
    ///
    /// # Errors
    /// As [`pretty`], or if the file system refuses.
    pub fn write<T: Serialize>(&self, path: &Path, value: &T) -> Result<()> {
        write_atomic(path, &pretty(value)?)
    }
}

/// A value as an indented JSON file with a newline at its end.
///
/// # Errors
/// If it has a map whose keys are no strings.
pub fn pretty<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut bytes =
        serde_json::to_vec_pretty(value).map_err(|e| Fault::failed(format!("cannot format JSON: {e}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        schema: u32,
        text: String,
    }

    const NOTE: Format = Format { what: "a note", short: "note", schema: 2, help: Some("write it again") };

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("note.json");
        let note = Note { schema: 2, text: "x".into() };
        NOTE.write(&path, &note).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"{\n  \"schema\": 2,\n  \"text\": \"x\"\n}\n");
        assert_eq!(NOTE.read::<Note>(&path).unwrap(), note);
    }

    #[test]
    fn another_version_is_told_from_a_damaged_file() {
        let fault = NOTE.parse::<Note>(br#"{"schema": 1, "words": []}"#).unwrap_err();
        assert_eq!(fault.what, "a note of another version of nano4m");
        assert_eq!(
            (fault.found.as_deref(), fault.help.as_deref()),
            (Some("note schema 1"), Some("write it again"))
        );
        assert!(NOTE.other_version(br#"{"schema": 1, "words": []}"#));
        assert!(!NOTE.other_version(br#"{"schema": 2}"#) && !NOTE.other_version(b"{"));
        for damaged in ["", "{", "[]", r#"{"schema": 2}"#, r#"{"text": "x"}"#] {
            let fault = NOTE.parse::<Note>(damaged.as_bytes()).unwrap_err();
            assert!(fault.what.starts_with("not a note: "), "{damaged}: {fault}");
        }
    }
}
