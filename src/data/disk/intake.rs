//! Files as they stream in: parsed in parallel, tokens appended to the store, facts kept.

use super::file::{self, Parsed};
use super::layout::{Layout, Slot};
use super::problems::Problems;
use super::source::Entry;
use super::store::Writer;
use crate::data::content::{ItemDigest, Key};
use crate::data::part::Part;
use crate::fault::Result;
use crate::modality::Modality;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// One file of a clip.
#[derive(Debug)]
pub struct Record {
    pub part: Part,
    pub stem: String,
    /// Index in `Layout::folders`.
    pub folder: usize,
    /// Rows, or captions; absent when the file has a problem of its own.
    pub rows: Option<usize>,
    /// Where its tokens start in the store.
    pub offset: usize,
    pub captions: Vec<String>,
}

/// Everything learnt from the files so far.
pub struct Intake<'a> {
    pub layout: &'a Layout,
    pub modalities: &'a [Modality],
    pub records: Vec<Record>,
    pub items: Vec<ItemDigest>,
    pub labels: Option<Vec<u8>>,
    /// Folders above the splits: more than one means more than one dataset.
    pub roots: BTreeSet<String>,
    pub problems: Problems,
}

impl<'a> Intake<'a> {
    pub fn new(layout: &'a Layout, modalities: &'a [Modality]) -> Intake<'a> {
        let (records, items, labels) = (Vec::new(), Vec::new(), None);
        let (roots, problems) = (BTreeSet::new(), Problems::default());
        Intake { layout, modalities, records, items, labels, roots, problems }
    }

    /// Takes one batch of files. Problems of files are collected; only failed writes end it.
    pub fn take(&mut self, batch: Vec<Entry>, writer: &mut Writer) -> Result<()> {
        let (layout, modalities) = (self.layout, self.modalities);
        let parse = |entry: Entry| {
            let (root, slot) = layout.classify(&entry.path)?;
            let root = root.to_string();
            let Slot::Clip { part, folder, stem } = slot else { return Some((root, None, entry, None)) };
            let f = &layout.folders[folder];
            let key = Key { part, modality: &f.name, stem: &stem };
            let parsed = file::parse(&entry.bytes, f, f.modality.map(|m| &modalities[m]), key);
            Some((root, Some((part, folder, stem)), entry, Some(parsed)))
        };
        for file in batch.into_par_iter().map(parse).collect::<Vec<_>>() {
            let Some((root, slot, entry, parsed)) = file else { continue };
            self.roots.insert(root);
            match (slot, parsed) {
                (Some((part, folder, stem)), Some(parsed)) => {
                    let record = Record { part, stem, folder, rows: None, offset: 0, captions: Vec::new() };
                    self.record(record, parsed, writer)?;
                }
                _ => self.labels = Some(entry.bytes),
            }
        }
        Ok(())
    }

    fn record(&mut self, mut record: Record, parsed: Result<Parsed>, writer: &mut Writer) -> Result<()> {
        match parsed {
            Ok(Parsed::Tokens { rows, values, digest }) => {
                record.rows = Some(rows);
                record.offset = writer.append(&values)?;
                self.items.push(digest);
            }
            Ok(Parsed::Captions { captions, digest }) => {
                record.rows = Some(captions.len());
                record.captions = captions;
                self.items.push(digest);
            }
            Err(fault) => {
                let place = self.layout.path(record.part, record.folder, &record.stem);
                self.problems.push(fault.at(place));
            }
        }
        self.records.push(record);
        Ok(())
    }
}
