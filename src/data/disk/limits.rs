//! How large the files of a dataset may be. Everything is looked at before it is read, so that a file
//! that is not what its name says costs nothing.

use crate::modality::Modality;

/// Rows of a clip.
pub const MOST_ROWS: usize = 10_000;
/// Header of an npy file.
pub const NPY_HEADER: usize = 64 << 10;
/// A file of captions, bytes.
pub const CAPTIONS: u64 = 16 << 20;
/// A labels file, bytes.
pub const LABELS: u64 = 64 << 20;
/// A file of a dataset of which no manifest tells, bytes.
pub const UNKNOWN: u64 = 64 << 20;

/// An npy file of rows of `stored` tokens: [`MOST_ROWS`] of them in the widest type.
pub fn tokens(stored: usize) -> u64 {
    (MOST_ROWS as u64).saturating_mul(stored as u64).saturating_mul(8).saturating_add(NPY_HEADER as u64)
}

/// Characters of one caption: far more than `length` tokens can hold.
pub fn caption(modality: Option<&Modality>) -> usize {
    modality.map_or(0, |m| m.length.saturating_mul(32)).max(4096)
}
