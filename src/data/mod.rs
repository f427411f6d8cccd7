//! Datasets: reading the published layout, checking it, hashing its content, packing it, making synthetic ones.
//!
//! ```text
//! {root}/{split}/{modality}/{stem}.npy     tokens [K, length] or [length]
//! {root}/{split}/{caption}/{stem}.json     K caption strings
//! {root}/labels.csv                        optional: a column `stem` and class columns
//! ```
//! as a directory, `.tar`, `.tar.gz` or `.tar.zst` (the root folder inside an archive may have any
//! name, or none). Whatever the form, the same content has the same hash (`content`), and tokens
//! are read from a packed, memory-mapped store built once (`cache`).

mod content;
mod disk;
mod inspect;
mod parts;
mod split;
pub mod synthetic;
pub mod text;
mod write;

pub use disk::{cached, CacheContent, CacheEntry};
pub use disk::{clip_id, clip_source, discover, divide, Division, Stratum, CAPTIONS};
pub use inspect::{ClassSummary, ModalitySummary, SplitSummary, Summary};
pub use parts::ClipData;
pub use split::{Clip, Split};
pub use text::Vocabulary;

use crate::fault::Result;
use crate::modality::Modality;
use split::Storage;
use std::sync::Arc;

/// Role of a split; its folder name is the manifest's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Train,
    Eval,
    Test,
}

impl Part {
    /// All parts, in the order of every list of three.
    pub const ALL: [Part; 3] = [Part::Train, Part::Eval, Part::Test];

    /// The role's name; hashed, so it never changes.
    pub fn name(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Eval => "eval",
            Part::Test => "test",
        }
    }
}

/// Tokens, captions and labels of three splits; cheap to share between threads.
pub struct Dataset {
    /// SHA-256 (hex) of the canonical content, whatever form it was read from.
    pub hash: String,
    modalities: Vec<Modality>,
    splits: [Split; 3],
    classes: Vec<String>,
    vocabularies: Vec<Option<Box<dyn Vocabulary>>>,
}

impl Dataset {
    /// The modalities, in the manifest's order.
    pub fn modalities(&self) -> &[Modality] {
        &self.modalities
    }

    /// Clips of one role.
    pub fn split(&self, part: Part) -> &Split {
        &self.splits[part as usize]
    }

    /// The distinct labels: in the published order when all of them are published classes, else sorted.
    /// Empty when the dataset has no labels.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Vocabulary of modality number `modality`, when it is a caption.
    pub fn text(&self, modality: usize) -> Option<&dyn Vocabulary> {
        self.vocabularies.get(modality)?.as_deref()
    }

    /// Puts index and tokens together.
    fn assemble(modalities: &[Modality], contents: split::Contents, storage: Storage) -> Dataset {
        let storage = Arc::new(storage);
        let lengths: Vec<usize> = modalities.iter().map(|m| m.length).collect();
        let vocabularies = text::vocabularies(modalities, contents.words);
        let classes = split::classes(&contents.parts);
        let splits = contents.parts.map(|clips| Split::new(clips, lengths.clone(), storage.clone()));
        Dataset { hash: contents.hash, modalities: modalities.to_vec(), splits, classes, vocabularies }
    }

    /// Keeps the first `rows` rows of every clip when given. Hash, classes and word lists stay those of
    /// the whole dataset.
    fn first_rows(mut self, rows: Option<usize>) -> Result<Dataset> {
        if let Some(rows) = rows {
            self.splits.iter_mut().try_for_each(|split| split.first_rows(rows))?;
        }
        Ok(self)
    }
}
