//! Files as they stream in: parsed in parallel, tokens appended to the store, facts kept.

use super::entry::Entry;
use super::file::{self, Parsed};
use super::layout::{Layout, Slot};
use super::problems::Problems;
use super::sink::Sink;
use crate::data::content::{ItemDigest, Key};
use crate::data::part::Part;
use crate::fault::{Fault, Result};
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
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn take(&mut self, batch: Vec<Entry>, store: &mut Sink) -> Result<()> {
        let (layout, modalities) = (self.layout, self.modalities);
        let parsed = batch.into_par_iter().map(|entry| parse(entry, layout, modalities));
        for file in parsed.collect::<Vec<_>>() {
            self.roots.extend(file.root);
            match file.content {
                Content::Clip(record, parsed) => self.record(record, parsed, store)?,
                Content::Labels(bytes) => self.labels = Some(bytes),
                Content::Refused(record, fault) => {
                    self.problems.push(fault);
                    self.records.extend(record);
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, mut record: Record, parsed: Result<Parsed>, store: &mut Sink) -> Result<()> {
        match parsed {
            Ok(Parsed::Tokens { rows, values, digest }) => {
                record.rows = Some(rows);
                record.offset = store.append(&values)?;
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

/// A file of a batch.
struct Taken {
    /// Folder above its split; absent where its name is not of the layout.
    root: Option<String>,
    content: Content,
}

enum Content {
    Clip(Record, Result<Parsed>),
    Labels(Vec<u8>),
    /// Why it was not read, and the place of the clip that it stands at.
    Refused(Option<Record>, Fault),
}

fn parse(entry: Entry, layout: &Layout, modalities: &[Modality]) -> Taken {
    let known = layout.classify(&entry.path);
    let root = known.as_ref().map(|(root, _)| root.to_string());
    let slot = known.map(|(_, slot)| slot);
    let record = |part, stem: &str, folder| Record {
        part,
        stem: stem.to_string(),
        folder,
        rows: None,
        offset: 0,
        captions: Vec::new(),
    };
    let content = match (slot, entry.bytes) {
        (Some(Slot::Clip { part, folder, stem }), Ok(bytes)) => {
            let f = &layout.folders[folder];
            let key = Key { part, modality: &f.name, stem: &stem };
            let parsed = file::parse(&bytes, f, f.modality.map(|m| &modalities[m]), key);
            Content::Clip(record(part, &stem, folder), parsed)
        }
        (Some(Slot::Clip { part, folder, stem }), Err(fault)) => {
            Content::Refused(Some(record(part, &stem, folder)), fault)
        }
        (Some(Slot::Labels), Ok(bytes)) => Content::Labels(bytes),
        (Some(Slot::Labels), Err(fault)) => Content::Refused(None, fault),
        (None, Err(fault)) => Content::Refused(None, fault),
        (None, Ok(_)) => {
            let fault = Fault::failed("a file that the layout does not know was read");
            Content::Refused(None, fault.at(entry.path))
        }
    };
    Taken { root, content }
}
