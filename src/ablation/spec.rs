//! An ablation's file: types and defaults.
//!
//! ```ron
//! Ablation(
//!     schema: 1,
//!     name: "lr",                       // as the file: lr.ron
//!     base: "base/stamps.ron",          // beside this file, or from the working directory
//!     axes: [
//!         (name: "lr", path: "train.lr", values: [1e-3, 2e-3]),
//!         (name: "audio", options: [
//!             (label: "random"),        // as the base has it
//!             (label: "span", set: {"modalities.tok_audio@512.masking": Span(stride: 2)}),
//!         ]),
//!     ],
//!     combine: Grid,                    // or OneAtATime, or List([{"lr": "1e-3", "audio": "span"}, …])
//!     seeds: [1, 2, 3],
//!     metrics: ["cross_entropy/tok_audio@512"],
//!     reference: "lr=1e-3, audio=random",
//!     claims: [(metric: "cross_entropy/tok_audio@512", a: "…", b: "…", margin: 0.0)],
//! )
//! ```

use crate::manifest::syntax::unquote;
use crate::record::ablation::CellClaim;
use ron::value::RawValue;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Cells an ablation may have, and runs of them all.
pub const CELLS: usize = 1000;
pub const JOBS: usize = 10_000;

/// The version of the format this program reads.
pub const SCHEMA: u32 = 1;

/// A declared ablation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename = "Ablation", deny_unknown_fields)]
pub struct Ablation {
    /// Version of this format: 1.
    pub schema: u32,
    /// Name of the record and the tables; the file's name without `.ron`.
    pub name: String,
    /// One line for humans.
    #[serde(default)]
    pub about: String,
    /// The manifest that varies, relative to this file's folder, else to the working directory.
    pub base: String,
    /// What varies.
    pub axes: Vec<AxisSpec>,
    /// Which combinations of the axes' values are cells.
    #[serde(default)]
    pub combine: Combine,
    /// Every cell is run once with each; a seed replaces `init`, `data` and `masking` of the manifest. `probes` stays the
    /// base's, so that all are measured under the same masks.
    #[serde(default = "one_seed")]
    pub seeds: Vec<u64>,
    /// Keys of a record that the comparison is about, e.g. `cross_entropy/tok_audio@512`.
    pub metrics: Vec<String>,
    /// Label of the cell the others are held against; absent: the first.
    #[serde(default)]
    pub reference: Option<String>,
    /// Declared before anything runs.
    #[serde(default)]
    pub claims: Vec<CellClaim>,
}

fn one_seed() -> Vec<u64> {
    vec![42]
}

/// One thing that varies: one path with its values, or named options that set any number of paths.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename = "Axis", deny_unknown_fields)]
pub struct AxisSpec {
    pub name: String,
    /// A path of the manifest as for `--set`, e.g. `train.lr` or `modalities.tok_audio@512.masking`.
    #[serde(default)]
    pub path: Option<String>,
    /// Values for `path`; each is its own label.
    #[serde(default)]
    pub values: Vec<Value>,
    #[serde(default)]
    pub options: Vec<Choice>,
}

/// A value in RON, as the manifest would write it.
pub type Value = Box<RawValue>;

/// One option of an axis.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub label: String,
    /// Path → value; nothing: the base as it is.
    #[serde(default)]
    pub set: BTreeMap<String, Value>,
}

/// Which combinations are cells.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub enum Combine {
    /// All of them; the last axis varies fastest.
    #[default]
    Grid,
    /// The first option of every axis together, then every other option alone.
    OneAtATime,
    /// These: axis → label; an axis left out takes its first option.
    List(Vec<BTreeMap<String, String>>),
}

impl AxisSpec {
    /// The options in the order of the file: label and `path=value` arguments.
    pub fn choices(&self) -> Vec<(String, Vec<(String, String)>)> {
        let path = self.path.clone().unwrap_or_default();
        let short = self.values.iter().map(|v| text(v)).map(|v| (plain(&v), vec![(path.clone(), v)]));
        let long = self.options.iter().map(|o| {
            (o.label.clone(), o.set.iter().map(|(path, value)| (path.clone(), text(value))).collect())
        });
        short.chain(long).collect()
    }
}

/// A value without the blanks around it.
fn text(value: &RawValue) -> String {
    value.trim().get_ron().to_owned()
}

/// A value as a label: strings without quotes.
fn plain(value: &str) -> String {
    unquote(value)
}
