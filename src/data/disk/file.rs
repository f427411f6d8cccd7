//! One file of a clip: its tokens or its captions, checked and digested.

use super::layout::Folder;
use super::npy::Array;
use crate::data::content::{self, ItemDigest, Key};
use crate::fault::{Fault, Result};
use crate::modality::Modality;

/// What a file holds.
pub enum Parsed {
    Tokens { rows: usize, values: Vec<u32>, digest: ItemDigest },
    Captions { captions: Vec<String>, digest: ItemDigest },
}

/// Reads one file of `folder`; `modality` is the one the folder belongs to.
pub fn parse(bytes: &[u8], folder: &Folder, modality: Option<&Modality>, key: Key) -> Result<Parsed> {
    match modality {
        Some(m) if !folder.captions => {
            let (rows, values) = Array::parse(bytes)?.into_tokens(folder.stored, m.vocab)?;
            let digest = content::tokens(key, folder.stored, &values);
            Ok(Parsed::Tokens { rows, values: firsts(values, folder.stored, m.length), digest })
        }
        _ => {
            let captions = captions(bytes)?;
            let digest = content::captions(key, &captions);
            Ok(Parsed::Captions { captions, digest })
        }
    }
}

/// The first `length` of every `stored` values.
fn firsts(values: Vec<u32>, stored: usize, length: usize) -> Vec<u32> {
    if stored == length {
        return values;
    }
    values.chunks(stored.max(1)).flat_map(|row| &row[..length.min(row.len())]).copied().collect()
}

/// A JSON list of strings, at least one.
pub fn captions(bytes: &[u8]) -> Result<Vec<String>> {
    let bad = |found: String| {
        Fault::invalid("not a list of captions")
            .found(found)
            .expected(r#"a JSON list of strings, one for each row, such as ["cat meowing"]"#)
            .help("export the captions again")
    };
    let list: Vec<String> = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
    if list.is_empty() {
        return Err(bad("an empty list".into()));
    }
    Ok(list)
}
