//! The modalities of a dataset that no manifest describes.

use super::entry::Entry;
use super::limits;
use super::npy::Array;
use super::source::Source;
use crate::fault::{Fault, Result};
use crate::manifest::check::bounds::VOCAB;
use crate::manifest::schema::Splits;
use crate::modality::{Modality, Strategy, Text};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// The published modalities (REFERENCE §2): name, length, vocabulary, codebooks.
const PUBLISHED: [(&str, usize, usize, usize); 5] = [
    ("tok_rgb@196", 196, 16384, 1),
    ("tok_audio@512", 512, 2048, 2),
    ("tok_depth@196", 196, 8192, 1),
    ("tok_normal@196", 196, 8192, 1),
    ("scene_desc", 64, 50304, 1),
];

/// What the files of one folder show.
enum Shown {
    /// Length of a row and the largest id.
    Tokens {
        length: usize,
        largest: i64,
    },
    Captions,
}

/// The modalities found in a dataset: published names first, in their order, then the others by name.
/// The length is that of the files. The vocabulary is the published one where every id fits, else the
/// next power of two, at most what a manifest may ask for; captions are read as `Gpt2`. Files of other shapes or
/// with larger ids are left for `open` to refuse.
pub fn discover(path: &Path, splits: &Splits) -> Result<Vec<Modality>> {
    let splits = [splits.train.clone(), splits.eval.clone(), splits.test.clone()];
    let source = Source::open(path, &splits)?;
    let wanted = |path: &str| folder(path, &splits).map(|_| limits::UNKNOWN);
    let mut folders: BTreeMap<String, Shown> = BTreeMap::new();
    source.read(&wanted, &mut |batch| {
        let shown: Vec<_> =
            batch.par_iter().filter_map(|e| Some((folder(&e.path, &splits)?, show(e)?))).collect();
        for (name, shown) in shown {
            merge(&mut folders, name, shown);
        }
        Ok(())
    })?;
    if folders.is_empty() {
        return Err(Fault::invalid("no dataset in the published layout")
            .at(source.place())
            .expected(format!("{{{}}}/{{modality}}/{{stem}}.npy or .json", splits.join(",")))
            .help("name the split folders in a manifest (`data.splits`) and inspect that"));
    }
    let mut found: Vec<Modality> = folders.into_iter().map(|(name, shown)| modality(name, &shown)).collect();
    found.sort_by_key(|m| PUBLISHED.iter().position(|p| p.0 == m.name).unwrap_or(PUBLISHED.len()));
    Ok(found)
}

/// The modality folder of a file in the layout.
fn folder<'a>(path: &'a str, splits: &[String; 3]) -> Option<&'a str> {
    let (above, name) = path.rsplit_once('/')?;
    let (above, folder) = above.rsplit_once('/')?;
    let split = above.rsplit('/').next()?;
    let ours = (name.ends_with(".npy") || name.ends_with(".json")) && !name.starts_with('.');
    (ours && splits.iter().any(|s| s == split)).then_some(folder)
}

fn show(entry: &Entry) -> Option<Shown> {
    if entry.path.ends_with(".json") {
        return Some(Shown::Captions);
    }
    let array = Array::parse(entry.bytes.as_ref().ok()?).ok()?;
    let (_, length) = array.rows_and_length()?;
    let largest = array.values().max()?;
    Some(Shown::Tokens { length, largest })
}

fn merge(folders: &mut BTreeMap<String, Shown>, name: &str, shown: Shown) {
    match (folders.get_mut(name), shown) {
        (Some(Shown::Tokens { largest, .. }), Shown::Tokens { largest: other, .. }) => {
            *largest = other.max(*largest);
        }
        (Some(_), _) => {}
        (None, shown) => {
            folders.insert(name.to_string(), shown);
        }
    }
}

fn modality(name: String, shown: &Shown) -> Modality {
    let published = PUBLISHED.iter().find(|p| p.0 == name);
    let codebooks = published.map_or(1, |p| p.3);
    let (length, vocab, text) = match *shown {
        Shown::Captions => (64, 50304, Some(Text::Gpt2)),
        Shown::Tokens { length, largest } => {
            let needed = usize::try_from(largest).unwrap_or(0) + 1;
            let vocab = published
                .map(|p| p.2)
                .filter(|v| *v >= needed)
                .unwrap_or_else(|| needed.min(VOCAB).next_power_of_two());
            (length, vocab, None)
        }
    };
    Modality { name, length, vocab, codebooks, grid: None, text, masking: Strategy::Random }
}
