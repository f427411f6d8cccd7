//! One split: clips in the order of their stems, and their tokens inside one block of memory.

use super::contents::Clip;
use super::disk::Mapped;
use crate::fault::{Fault, Result};
use std::sync::Arc;

/// The block of memory that holds all tokens.
pub(super) enum Storage {
    Owned(Vec<u32>),
    Mapped(Mapped),
}

impl Storage {
    fn tokens(&self) -> &[u32] {
        match self {
            Storage::Owned(tokens) => tokens,
            Storage::Mapped(map) => map.tokens(),
        }
    }
}

/// Clips of one role, in the order of their stems.
pub struct Split {
    clips: Vec<Clip>,
    lengths: Vec<usize>,
    storage: Arc<Storage>,
}

impl Split {
    pub(super) fn new(clips: Vec<Clip>, lengths: Vec<usize>, storage: Arc<Storage>) -> Split {
        Split { clips, lengths, storage }
    }

    /// Forgets all rows but the first `rows`; refuses when a clip has fewer.
    pub(super) fn first_rows(&mut self, rows: usize) -> Result<()> {
        for clip in &mut self.clips {
            if rows == 0 || rows > clip.rows {
                return Err(Fault::invalid("the manifest asks for rows that the data does not have")
                    .at(format!("data.rows: {rows}, clip {}", clip.stem))
                    .found(format!("{} rows in the clip", clip.rows))
                    .expected(format!("`data.rows` from 1 to {}", clip.rows))
                    .help("change `data.rows`, or leave it out to use every row"));
            }
            clip.rows = rows;
            clip.captions.truncate(rows);
        }
        Ok(())
    }

    /// Number of clips.
    pub fn len(&self) -> usize {
        self.clips.len()
    }

    pub fn is_empty(&self) -> bool {
        self.clips.is_empty()
    }

    /// All clips.
    pub fn clips(&self) -> &[Clip] {
        &self.clips
    }

    /// File name of a clip, without extension.
    pub fn stem(&self, clip: usize) -> &str {
        &self.clips[clip].stem
    }

    /// Rows (K) of a clip.
    pub fn rows(&self, clip: usize) -> usize {
        self.clips[clip].rows
    }

    /// Caption of every row; empty when the dataset has none.
    pub fn captions(&self, clip: usize) -> &[String] {
        &self.clips[clip].captions
    }

    /// Class of a clip; empty when the dataset has none.
    pub fn label(&self, clip: usize) -> &str {
        &self.clips[clip].label
    }

    /// Tokens of one row of one modality, `[length]`. Panics when an index is out of range.
    pub fn tokens(&self, clip: usize, modality: usize, row: usize) -> &[u32] {
        let c = &self.clips[clip];
        assert!(row < c.rows, "row {row} of a clip with {} rows", c.rows);
        let length = self.lengths[modality];
        let start = c.offsets[modality] + row * length;
        &self.storage.tokens()[start..start + length]
    }

    /// One row of every modality, in the manifest's order.
    pub fn sample(&self, clip: usize, row: usize) -> Vec<&[u32]> {
        (0..self.lengths.len()).map(|m| self.tokens(clip, m, row)).collect()
    }
}
