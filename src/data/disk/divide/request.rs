//! The whole of a division.

use super::assign::{assign, count, refuse_empty, Division};
use super::merge::Merged;
use super::split_list;
use crate::data::target::refuse_existing;
use crate::fault::{Fault, Result};
use crate::manifest::schema::{Labels, Splits};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What is divided, and how.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Datasets in the published layout; of a stem that several have, the first is taken.
    pub sources: &'a [PathBuf],
    /// Folder to make; must not exist.
    pub target: &'a Path,
    /// Where classes come from.
    pub labels: &'a Labels,
    /// A published list of the stems of each part, instead of the rule.
    pub splits: Option<&'a Path>,
    pub seed: u64,
}

/// Divides all clips of the sources (whatever splits they are in) and writes them to the target. Files
/// are hard links where the file system allows it, else copies.
///
/// # Errors
/// If a source is no dataset, a clip has no class, or a part would be empty; nothing is then left behind.
pub fn divide(request: &Request) -> Result<Division> {
    let target = request.target;
    refuse_existing(target)?;
    let io = |path: &Path, e: std::io::Error| Fault::io("write the divided dataset", path, &e);
    let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|e| io(parent, e))?;
    let work = tempfile::Builder::new().prefix(".dividing-").tempdir_in(parent).map_err(|e| io(parent, e))?;
    let merged = Merged::of(request.sources, work.path())?;
    let (mut division, parts) = match request.splits {
        None => assign(&merged.classes(request.labels, &|_| true)?, request.seed),
        Some(list) => listed(&merged, request.labels, list)?,
    };
    refuse_empty(&division, request.splits)?;
    division.unlisted = merged.stems().filter(|stem| !parts.contains_key(*stem)).count();
    let new = work.path().join("new");
    let splits = Splits::default();
    merged.write(&new, &[splits.train, splits.eval, splits.test], &parts)?;
    division.repeated = merged.repeated;
    division.incomplete = merged.incomplete;
    let seed = request.splits.is_none().then_some(request.seed);
    let list = new.join(split_list::FILE);
    fs::write(&list, split_list::to_json(&parts, &division, seed)?).map_err(|e| io(&list, e))?;
    fs::rename(&new, target).map_err(|e| io(target, e))?;
    Ok(division)
}

/// The parts of a list, every stem of which must be there.
fn listed(merged: &Merged, labels: &Labels, list: &Path) -> Result<(Division, BTreeMap<String, usize>)> {
    const SHOWN: usize = 5;
    let parts = split_list::read(list)?;
    let there: std::collections::BTreeSet<&String> = merged.stems().collect();
    let absent: Vec<&str> = parts.keys().filter(|s| !there.contains(s)).map(String::as_str).collect();
    if !absent.is_empty() {
        let shown = absent[..absent.len().min(SHOWN)].join(", ");
        let more = if absent.len() > SHOWN { ", …" } else { "" };
        return Err(Fault::invalid("the list names stems that no source has complete")
            .at(list.display().to_string())
            .found(format!("{} of {} stems: {shown}{more}", absent.len(), parts.len()))
            .expected("every stem of the list in every folder of a source")
            .help("name all sources of the list's dataset, or remove the stems from the list"));
    }
    // Classes only head the table of what went where: without any there is one row.
    let classes = match labels {
        Labels::Caption if !merged.has_captions() => BTreeMap::new(),
        _ => merged.classes(labels, &|stem| parts.contains_key(stem))?,
    };
    Ok((count(&classes, &parts), parts))
}
