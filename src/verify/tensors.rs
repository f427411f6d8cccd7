//! What the two halves of a checkpoint hold: names and digests of their tensors, and what the optimizer's says
//! beside them.

use crate::fault::{Fault, Result};
use crate::store::{tensors, RunDir, Tables};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Where the run stood; the metadata of the optimizer's half.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Position {
    pub step: u64,
    pub tokens: u64,
    /// Of parameters and moments together.
    pub digest: String,
    /// What the tables held, beside times.
    #[serde(default)]
    pub tables: Tables,
}

/// Name → digest of a file's tensors, 64 hex digits.
pub type Digests = BTreeMap<String, String>;

/// Both halves of a checkpoint.
pub struct Checkpoint {
    pub parameters: Digests,
    pub moments: Digests,
    pub position: Position,
}

impl Checkpoint {
    /// Reads both halves; one tensor is in memory at a time.
    ///
    /// # Errors
    /// By the name of the half that cannot be read.
    pub fn read(run: &RunDir, step: u64) -> std::result::Result<Checkpoint, (String, Fault)> {
        let read = |path: &Path| {
            let mut digests = Digests::new();
            let meta = tensors::visit(path, |tensor| {
                let digest = tensor.digest();
                digests.insert(tensor.name, digest);
            });
            meta.map(|meta| (digests, meta)).map_err(|fault| (name_of(path), fault))
        };
        let (parameters, _) = read(&run.checkpoint(step))?;
        let (moments, meta) = read(&run.optimizer(step))?;
        let position = serde_json::from_str(&meta.unwrap_or_default()).map_err(|e| {
            let what = format!("not the optimizer's half of a checkpoint: {e}");
            (name_of(&run.optimizer(step)), Fault::failed(what))
        })?;
        Ok(Checkpoint { parameters, moments, position })
    }

    /// The digest of a parameter or a moment.
    pub fn digest(&self, name: &str) -> Option<&String> {
        self.parameters.get(name).or_else(|| self.moments.get(name))
    }
}

/// Path of a checkpoint's half inside the run.
pub fn name_of(path: &Path) -> String {
    format!("checkpoints/{}", path.file_name().unwrap_or_default().to_string_lossy())
}

/// [`name_of`] both halves.
pub fn halves(run: &RunDir, step: u64) -> [String; 2] {
    [run.checkpoint(step), run.optimizer(step)].map(|path| name_of(&path))
}

/// What is read of `digests.csv`: step → (tensor, digest) in the order of the file, `*`, the whole, first.
pub type Rows = BTreeMap<u64, Vec<(String, String)>>;

/// Reads `digests.csv`; `None` where the run has none.
///
/// # Errors
/// If it is no such table.
pub fn rows(run: &RunDir) -> Result<Option<Rows>> {
    let Some(table) = super::table::Table::read(run, "digests.csv")? else { return Ok(None) };
    let mut rows = Rows::new();
    for (step, row) in table.steps()?.into_iter().zip(&table.rows) {
        if let [_, tensor, digest] = row.as_slice() {
            rows.entry(step).or_default().push((tensor.clone(), digest.clone()));
        }
    }
    Ok(Some(rows))
}
