//! What `ablate` leaves for the comparison: `runs/ablations/<name>.json`, the cells and their runs.
//!
//! Runs are named by their directory inside the runs folder, so the folder can be moved; nothing
//! here depends on time, place or engine. Cells stand in the order of the ablation's file, runs by
//! seed. A run that failed is simply not there.

use crate::fault::{Fault, Result};
use crate::store::json::{pretty, Format};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Version of the file.
pub const SCHEMA: u32 = 1;
const FORMAT: Format = Format { what: "an ablation's record", short: "ablation", schema: SCHEMA, help: None };

/// Folder inside the runs folder.
pub const FOLDER: &str = "ablations";

/// An ablation that was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AblationRecord {
    /// Version of this format.
    pub schema: u32,
    pub name: String,
    /// One sentence for people.
    pub about: String,
    /// Label of the cell that the others are held against.
    pub reference: String,
    /// Keys of the metrics of interest, e.g. `cross_entropy/tok_audio@512`.
    pub metrics: Vec<String>,
    /// Declared before the runs, judged apart from everything explored.
    pub claims: Vec<CellClaim>,
    pub axes: Vec<Axis>,
    pub cells: Vec<Cell>,
}

/// "`a` is better than `b` by more than `margin`".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Claim", deny_unknown_fields)]
pub struct CellClaim {
    /// Key of one of the ablation's metrics.
    pub metric: String,
    /// Label of the cell that is claimed to be better.
    pub a: String,
    /// Label of the other one.
    pub b: String,
    /// In the metric's unit; 0, which a file may leave out: better at all.
    #[serde(default)]
    pub margin: f64,
}

/// One thing that varies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    pub name: String,
    /// Its values as tables name them, in the order of the file.
    pub labels: Vec<String>,
}

/// One combination and its runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Unique in the ablation.
    pub label: String,
    /// Axis → label of its value.
    pub values: BTreeMap<String, String>,
    /// Finished runs, ascending by seed.
    pub runs: Vec<CellRun>,
}

/// A finished run of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellRun {
    /// What pairs the runs of two cells.
    pub seed: u64,
    /// Directory name inside the runs folder.
    pub directory: String,
    /// Full identity, 64 hex digits.
    pub identity: String,
}

impl AblationRecord {
    /// Where the record of that name is kept.
    pub fn path(runs_root: &Path, name: &str) -> PathBuf {
        runs_root.join(FOLDER).join(format!("{name}.json"))
    }

    /// The cell with that label.
    pub fn cell(&self, label: &str) -> Option<&Cell> {
        self.cells.iter().find(|c| c.label == label)
    }

    /// The file as bytes, newline at the end.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        pretty(self)
    }

    /// Replaces the record under `runs_root` atomically.
    ///
    /// # Errors
    /// If the record contradicts itself (see [`AblationRecord::check`]) or cannot be written.
    pub fn write(&self, runs_root: &Path) -> Result<()> {
        let path = AblationRecord::path(runs_root, &self.name);
        self.check().map_err(|f| f.at(path.display().to_string()))?;
        let folder = runs_root.join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(|e| Fault::io("create", &folder, &e))?;
        FORMAT.write(&path, self)
    }

    /// Reads `path`.
    ///
    /// # Errors
    /// If it is missing, is not an ablation's record, has another version or contradicts itself.
    pub fn read(path: &Path) -> Result<AblationRecord> {
        let record: AblationRecord = FORMAT.read(path)?;
        record.check().map_err(|fault| fault.at(path.display().to_string())).map(|()| record)
    }

    /// Every record under `runs_root`, by name. A missing folder has none.
    pub fn list(runs_root: &Path) -> Result<Vec<AblationRecord>> {
        let folder = runs_root.join(FOLDER);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(Fault::io("list", &folder, &e)),
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        paths.retain(|p| {
            let name = p.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            name.ends_with(".json") && !name.starts_with('.')
        });
        paths.sort();
        paths.iter().map(|p| AblationRecord::read(p)).collect()
    }

    /// Names that are used exist, once.
    ///
    /// # Errors
    /// With the first contradiction (exit 1).
    pub fn check(&self) -> Result<()> {
        plain("name", &self.name)?;
        unique("axis", self.axes.iter().map(|a| &a.name))?;
        for axis in &self.axes {
            unique(&format!("label of axis `{}`", axis.name), axis.labels.iter())?;
        }
        unique("cell", self.cells.iter().map(|c| &c.label))?;
        self.known("the reference", &self.reference)?;
        for claim in &self.claims {
            self.known("a claim", &claim.a)?;
            self.known("a claim", &claim.b)?;
            if !claim.margin.is_finite() {
                return Err(contradiction("the margin of a claim is not a number", &claim.margin));
            }
        }
        self.cells.iter().try_for_each(|cell| self.check_cell(cell))
    }

    fn check_cell(&self, cell: &Cell) -> Result<()> {
        for (axis, label) in &cell.values {
            let known = self.axes.iter().any(|a| a.name == *axis && a.labels.contains(label));
            if !known {
                let what = format!("cell `{}` has a value that no axis has", cell.label);
                return Err(contradiction(&what, &format!("{axis} = {label}")));
            }
        }
        let seeds: BTreeSet<u64> = cell.runs.iter().map(|r| r.seed).collect();
        if seeds.len() != cell.runs.len() {
            return Err(contradiction("two runs of a cell have the same seed", &cell.label));
        }
        cell.runs.iter().try_for_each(|run| plain("directory of a run", &run.directory))
    }

    fn known(&self, who: &str, label: &str) -> Result<()> {
        match self.cell(label) {
            Some(_) => Ok(()),
            None => Err(contradiction(&format!("{who} names a cell that is not there"), &label)),
        }
    }
}

fn contradiction(what: &str, found: &dyn std::fmt::Display) -> Fault {
    Fault::failed(format!("an ablation's record contradicts itself: {what}")).found(found)
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(contradiction(&format!("a {what} occurs twice"), name));
        }
    }
    Ok(())
}

/// A name that stays inside its folder.
fn plain(what: &str, name: &str) -> Result<()> {
    let fine = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0', '\n']);
    if fine {
        Ok(())
    } else {
        Err(contradiction(&format!("the {what} is not a file's name"), &name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> AblationRecord {
        let cell = |label: &str| Cell {
            label: label.into(),
            values: BTreeMap::from([("masking".into(), label.into())]),
            runs: vec![CellRun {
                seed: 1,
                directory: format!("{label}-0123456789"),
                identity: "0123456789abcdef".into(),
            }],
        };
        AblationRecord {
            schema: SCHEMA,
            name: "masking".into(),
            about: "random against spans".into(),
            reference: "random".into(),
            metrics: vec!["cross_entropy/tok_audio@512".into()],
            claims: vec![CellClaim {
                metric: "cross_entropy/tok_audio@512".into(),
                a: "span".into(),
                b: "random".into(),
                margin: 0.0,
            }],
            axes: vec![Axis { name: "masking".into(), labels: vec!["random".into(), "span".into()] }],
            cells: vec![cell("random"), cell("span")],
        }
    }

    #[test]
    fn written_read_and_listed() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(AblationRecord::list(root.path()), Ok(vec![]));
        sample().write(root.path()).unwrap();
        let path = AblationRecord::path(root.path(), "masking");
        assert_eq!(AblationRecord::read(&path), Ok(sample()));
        assert_eq!(AblationRecord::list(root.path()), Ok(vec![sample()]));
        assert_eq!(std::fs::read(&path).unwrap(), sample().to_json().unwrap());
    }

    #[test]
    fn other_versions_and_other_files_are_faults() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x.json");
        std::fs::write(&path, "{\"schema\": 9, \"news\": true}").unwrap();
        let fault = AblationRecord::read(&path).unwrap_err();
        assert_eq!(fault.found.as_deref(), Some("ablation schema 9"));
        for text in ["", "[]", "{\"schema\": 1}", "{\"schema\": -1}", "nonsense"] {
            std::fs::write(&path, text).unwrap();
            let fault = AblationRecord::read(&path).unwrap_err();
            assert!(fault.what.starts_with("not an ablation's record"), "{text}: {fault}");
        }
        assert!(AblationRecord::read(&root.path().join("none.json")).is_err());
    }

    #[test]
    fn contradictions_are_named() {
        type Change = fn(&mut AblationRecord);
        let broken: [(&str, Change); 8] = [
            ("reference", |r| r.reference = "sapn".into()),
            ("claim", |r| r.claims[0].b = "other".into()),
            ("margin", |r| r.claims[0].margin = f64::NAN),
            ("cell occurs twice", |r| r.cells[1].label = "random".into()),
            ("label of axis", |r| r.axes[0].labels[1] = "random".into()),
            ("value", |r| drop(r.cells[0].values.insert("masking".into(), "block".into()))),
            ("same seed", |r| {
                let run = r.cells[0].runs[0].clone();
                r.cells[0].runs.push(run);
            }),
            ("directory", |r| r.cells[0].runs[0].directory = "../elsewhere".into()),
        ];
        assert_eq!(sample().check(), Ok(()));
        for (word, change) in broken {
            let mut record = sample();
            change(&mut record);
            let fault = record.check().unwrap_err();
            assert!(fault.what.contains(word), "{word}: {fault}");
        }
    }
}
