//! One file of a clip: its tokens or its captions, checked and digested.

use super::layout::Folder;
use super::npy::Array;
use super::{captions, limits};
use crate::data::content::{self, ItemDigest, Key};
use crate::fault::Result;
use crate::modality::Modality;

/// What a file holds.
pub enum Parsed {
    Tokens { rows: usize, values: Vec<u32>, digest: ItemDigest },
    Captions { captions: Vec<String>, digest: ItemDigest },
}

/// Reads one file of `folder`; `modality` is the one the folder belongs to.
///
/// # Errors
/// If it is not what the folder's files are; the fault names no place.
pub fn parse(bytes: &[u8], folder: &Folder, modality: Option<&Modality>, key: Key) -> Result<Parsed> {
    match modality {
        Some(m) if !folder.captions => {
            let (rows, values) = Array::parse(bytes)?.into_tokens(folder.stored, m.vocab)?;
            let digest = content::tokens(key, folder.stored, &values);
            Ok(Parsed::Tokens { rows, values: firsts(values, folder.stored, m.length), digest })
        }
        _ => {
            let captions = captions::parse(bytes, limits::caption(modality))?;
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
