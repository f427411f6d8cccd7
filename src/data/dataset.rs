//! A dataset in memory, wherever its tokens came from.

use super::classes;
use super::contents::Contents;
use super::part::Part;
use super::split::{Split, Storage};
use super::text::{self, Vocabulary};
use crate::fault::Result;
use crate::modality::Modality;
use std::sync::Arc;

/// Tokens, captions and labels of three splits; cheap to share between threads.
pub struct Dataset {
    /// SHA-256 (hex) of the canonical content, whatever form it was read from.
    pub hash: String,
    modalities: Vec<Modality>,
    splits: [Split; 3],
    classes: Vec<String>,
    notes: Vec<String>,
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

    /// What is worth a line to whoever uses it: a cache that was not as it should be or cannot be
    /// written; classes in several spellings or without a training clip, clips without a class.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Vocabulary of modality number `modality`, when it is a caption.
    pub fn text(&self, modality: usize) -> Option<&dyn Vocabulary> {
        self.vocabularies.get(modality)?.as_deref()
    }

    /// Puts index and tokens together; `notes` are on how they were read.
    pub(super) fn assemble(
        modalities: &[Modality],
        mut contents: Contents,
        storage: Storage,
        mut notes: Vec<String>,
    ) -> Dataset {
        let storage = Arc::new(storage);
        let lengths: Vec<usize> = modalities.iter().map(|m| m.length).collect();
        let vocabularies = text::vocabularies(modalities, contents.words);
        let classes = classes::settle(&mut contents.parts);
        notes.extend(classes.notes);
        let splits = contents.parts.map(|clips| Split::new(clips, lengths.clone(), storage.clone()));
        let (hash, classes) = (contents.hash, classes.names);
        Dataset { hash, modalities: modalities.to_vec(), splits, classes, notes, vocabularies }
    }

    /// Keeps the first `rows` rows of every clip when given. Hash, classes and word lists stay those of
    /// the whole dataset.
    pub(super) fn first_rows(mut self, rows: Option<usize>) -> Result<Dataset> {
        if let Some(rows) = rows {
            self.splits.iter_mut().try_for_each(|split| split.first_rows(rows))?;
        }
        Ok(self)
    }
}
