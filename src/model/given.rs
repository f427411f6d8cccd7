//! A checkpoint of whatever origin, read for a model: its names and shapes are held against the model's before
//! any value is read, so a file of another model costs nothing but its header.

use super::checkpoint::the_table;
use super::fit::{fit, Shapes, POSITIONS};
use super::names::reference_names;
use super::network::NamedTensor;
use crate::architecture::Config;
use crate::fault::{Fault, Result};
use crate::store::tensors::{checkpoint_files, shown, Described, TensorFile};
use safetensors::Dtype;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Tensors by the reference's names, as float32.
#[derive(Debug)]
pub struct Given {
    pub tensors: Vec<NamedTensor>,
    /// What was done to the file's names and values, one line each.
    pub notes: Vec<String>,
}

/// Reads what `path` names, a safetensors file, a folder with one or an index of several, for a model.
///
/// # Errors
/// Exit 2 for what is no checkpoint, or one of another model: every tensor that does not fit is named.
pub fn read(path: &Path, config: &Config) -> Result<Given> {
    let at = |fault: Fault| if fault.place.is_none() { fault.at(path.display().to_string()) } else { fault };
    let paths = checkpoint_files(path)?;
    let mut files = paths.iter().map(|part| TensorFile::open(part)).collect::<Result<Vec<_>>>()?;
    let described: Vec<Described> = files.iter().flat_map(|file| file.described().to_vec()).collect();
    let names: Vec<&str> = described.iter().map(|tensor| tensor.name.as_str()).collect();
    let (names, mut notes) = reference_names(&names).map_err(at)?;
    let shapes: Shapes =
        names.iter().zip(&described).map(|(name, t)| (name.as_str(), t.shape.as_slice())).collect();
    fit(config, &shapes).map_err(at)?;
    only_floats(&described).map_err(at)?;
    notes.extend(conversions(&described));
    notes.extend((paths.len() > 1).then(|| format!("read the checkpoint from {} files", paths.len())));
    let mut names = names.into_iter();
    let mut tensors = Vec::with_capacity(described.len());
    for file in &mut files {
        file.visit(|tensor| tensors.extend(names.next().map(|name| NamedTensor { name, ..tensor })))?;
    }
    finite(&tensors).map_err(at)?;
    if let Some(i) = tensors.iter().position(|tensor| tensor.name == POSITIONS) {
        if let Some(precision) = precision(described[i].dtype) {
            // A constant: nothing is gained by its rounding.
            the_table(config, &tensors.remove(i).values, precision).map_err(at)?;
            notes.push("pos_emb of the checkpoint is rounded: its table is used in float32".into());
        }
    }
    Ok(Given { tensors, notes })
}

/// By how much of itself a value of a shorter type than float32 may be off.
fn precision(dtype: Dtype) -> Option<f32> {
    match dtype {
        Dtype::F16 => Some(2_f32.powi(-11)),
        Dtype::BF16 => Some(2_f32.powi(-8)),
        _ => None,
    }
}

/// Refuses tensors that are no weights, all of them by name.
fn only_floats(all: &[Described]) -> Result<()> {
    let others: Vec<String> =
        all.iter().filter(|t| !t.is_float()).map(|t| format!("{} {:?}", t.shown(), t.dtype)).collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(Fault::invalid("tensors of the checkpoint hold no floating-point numbers")
        .found(others.join(", "))
        .expected("F32, or F16, BF16 and F64, which are read as F32")
        .help("a quantized checkpoint has to be written again as float32"))
}

/// What is read as float32 and is not.
fn conversions(all: &[Described]) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    all.iter().for_each(|t| *counts.entry(format!("{:?}", t.dtype)).or_default() += 1);
    counts.remove("F32");
    let note = |(dtype, count)| {
        let s = if count == 1 { "" } else { "s" };
        let loss = if dtype == "F64" { ", rounded" } else { "" };
        format!("{count} tensor{s} of the checkpoint of type {dtype}: read as F32{loss}")
    };
    counts.into_iter().map(note).collect()
}

/// Refuses values that are no numbers.
fn finite(tensors: &[NamedTensor]) -> Result<()> {
    let none = |t: &&NamedTensor| t.values.iter().any(|value| !value.is_finite());
    let names: BTreeSet<String> = tensors.iter().filter(none).map(|t| shown(&t.name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Fault::invalid("tensors of the checkpoint hold values that are not finite")
        .found(names.into_iter().collect::<Vec<_>>().join(", "))
        .expected("numbers of float32")
        .help("it was saved after training had diverged, or in a type that its values do not fit into"))
}
