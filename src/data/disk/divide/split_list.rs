//! `splits.json`: the stems of train, val and test, as the reference publishes them.
//!
//! ```text
//! {"seed": 42, "proportions": [0.8, 0.1, 0.1], "stratification": "class x source",
//!  "n_train": 8, "n_val": 1, "n_test": 1,
//!  "splits": {"train": ["as_x_000030", …], "val": […], "test": […]}}
//! ```
//! Only the lists are read, below `splits` or on their own.

use super::assign::{Division, Parts};
use crate::data::disk::limits;
use crate::data::disk::stem::clip_id;
use crate::data::text::into_composed;
use crate::fault::{Fault, Result};
use crate::store::regular;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Name of the file that a division leaves beside its splits.
pub const FILE: &str = "splits.json";

const FORM: &str = r#"{"splits": {"train": [stems], "val": [stems], "test": [stems]}}"#;

/// The published form.
#[derive(Deserialize)]
struct Published {
    splits: Lists,
}

/// Whether there is an entry `splits`.
#[derive(Deserialize)]
struct Looked {
    splits: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Serialize)]
struct Lists {
    train: Vec<String>,
    #[serde(alias = "eval", alias = "valid", alias = "validation")]
    val: Vec<String>,
    test: Vec<String>,
}

/// The part of every stem that the file names.
///
/// # Errors
/// If it cannot be read, is no such file, or has a stem or a clip in two parts.
pub fn read(path: &Path) -> Result<Parts> {
    let place = || path.display().to_string();
    let text = regular::read_text("read the list of splits", path, limits::LABELS)?;
    let published = serde_json::from_str::<Looked>(&text).map(|looked| looked.splits.is_some());
    let splits = match published {
        Ok(true) => serde_json::from_str::<Published>(&text).map(|document| document.splits),
        Ok(false) => serde_json::from_str::<Lists>(&text),
        Err(e) => Err(e),
    };
    let splits = splits.map_err(|e| {
        Fault::invalid("no list of splits").at(place()).found(e).expected(FORM).help("see docs/dataset.md")
    })?;
    let mut parts = Parts::new();
    let mut clips: BTreeMap<String, usize> = BTreeMap::new();
    for (part, stems) in [splits.train, splits.val, splits.test].into_iter().enumerate() {
        for stem in stems.into_iter().map(into_composed) {
            let of_clip = *clips.entry(clip_id(&stem).to_string()).or_insert(part);
            if parts.insert(stem.clone(), part).is_some() || of_clip != part {
                return Err(Fault::invalid("a clip is listed twice")
                    .at(place())
                    .found(format!("{stem} (clip `{}`)", clip_id(&stem)))
                    .expected("every stem once, and all stems of a clip in one part")
                    .help("remove it from one of the lists"));
            }
        }
    }
    Ok(parts)
}

#[derive(Serialize)]
struct Written<'a> {
    /// Absent when the parts came from a list.
    seed: Option<u64>,
    proportions: [f64; 3],
    stratification: &'static str,
    n_train: usize,
    n_val: usize,
    n_test: usize,
    incomplete: Vec<&'a str>,
    splits: Lists,
}

/// The file of a division.
///
/// # Errors
/// None that can be met.
pub fn to_json(parts: &Parts, division: &Division, seed: Option<u64>) -> Result<Vec<u8>> {
    let of = |part: usize| parts.iter().filter(|(_, p)| **p == part).map(|(stem, _)| stem.clone()).collect();
    let [n_train, n_val, n_test] = division.stems;
    crate::store::json::pretty(&Written {
        seed,
        proportions: [0.8, 0.1, 0.1],
        stratification: "class x source",
        n_train,
        n_val,
        n_test,
        incomplete: division.incomplete.iter().map(|i| i.stem.as_str()).collect(),
        splits: Lists { train: of(0), val: of(1), test: of(2) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_what_is_twice_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.json");
        let parts = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read(&path)
        };
        let lists = r#"{"train": ["as_x_000030", "as_x_000040"], "val": ["b"], "test": ["e\u0301"]}"#;
        let expected: Parts =
            [("as_x_000030", 0), ("as_x_000040", 0), ("b", 1), ("é", 2)].map(|(s, p)| (s.into(), p)).into();
        assert_eq!(parts(lists).unwrap(), expected);
        assert_eq!(parts(&format!(r#"{{"seed": 42, "splits": {lists}}}"#)).unwrap(), expected);
        let twice = r#"{"train": ["as_x_000030"], "val": [], "test": ["as_x_000040"]}"#;
        assert_eq!(parts(twice).unwrap_err().found.unwrap(), "as_x_000040 (clip `as_x`)");
        for (bad, found) in [
            ("", "EOF while parsing a value"),
            ("{", "EOF while parsing an object"),
            ("[]", "invalid length 0"),
            (r#"{"splits": {"train": [], "test": []}}"#, "missing field `val`"),
            (r#"{"train": [], "val": [], "eval": [], "test": []}"#, "duplicate field `val`"),
            (r#"{"splits": {"train": [1], "val": [], "test": []}}"#, "invalid type: integer `1`"),
        ] {
            let fault = parts(bad).unwrap_err();
            assert_eq!(fault.what, "no list of splits", "{bad}");
            assert!(fault.found.as_ref().unwrap().starts_with(found), "{bad}: {fault}");
        }
        assert_eq!(parts("<html>").unwrap_err().found.unwrap(), "an HTML page");
    }
}
