//! Which runs a report or an ablation names: those stay.
//!
//! Deliberately coarser than reading the files' types: every word of a table's head and every string of
//! an ablation's record counts, so that a file of an older or newer version still protects its runs.

use crate::fault::{Fault, Result};
use crate::store::{RunDir, Status};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The words that may name runs.
#[derive(Clone, Debug, Default)]
pub struct Mentions(BTreeSet<String>);

impl Mentions {
    /// Reads `reports/*/v*.csv` (their heads) and `runs/ablations/*.json`.
    ///
    /// # Errors
    /// If one of them cannot be read: what it names is then unknown, and nothing may go.
    pub fn read(reports: &[PathBuf], runs: &Path) -> Result<Mentions> {
        let mut mentions = Mentions::default();
        for folder in reports {
            for table in files(folder)?.into_iter().filter(|p| p.is_dir()) {
                for csv in files(&table)?.into_iter().filter(|p| p.extension().is_some_and(|e| e == "csv")) {
                    mentions.head(&read(&csv)?);
                }
            }
        }
        let records = files(&runs.join(crate::record::ablation::FOLDER))?;
        for path in records.into_iter().filter(|p| p.extension().is_some_and(|e| e == "json")) {
            let value: Value = serde_json::from_str(&read(&path)?).map_err(|e| {
                Fault::failed(format!("not an ablation's record: {e}"))
                    .at(path.display().to_string())
                    .help("nothing is removed while it is unknown which runs it needs: restore or delete it")
            })?;
            mentions.strings(&value);
        }
        Ok(mentions)
    }

    /// Whether the run is named: by its directory, its id or its whole identity.
    pub fn name(&self, run: &RunDir, status: Option<&Status>) -> bool {
        let own = [run.id.directory(), run.id.short()];
        own.iter().any(|n| self.0.contains(n)) || status.is_some_and(|s| self.0.contains(&s.identity))
    }

    fn head(&mut self, csv: &str) {
        let lines = csv.lines().map_while(|l| l.strip_prefix('#'));
        let words = lines.flat_map(|l| l.split([' ', ',', ';', '"', '=', ':']));
        self.0.extend(words.filter(|w| !w.is_empty()).map(str::to_owned));
    }

    fn strings(&mut self, value: &Value) {
        match value {
            Value::String(s) => drop(self.0.insert(s.clone())),
            Value::Array(items) => items.iter().for_each(|v| self.strings(v)),
            Value::Object(map) => map.values().for_each(|v| self.strings(v)),
            _ => {}
        }
    }
}

fn read(path: &Path) -> Result<String> {
    let bytes = crate::store::regular::read_own(path).map_err(|e| Fault::io("read", path, &e))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What is in a folder, sorted; a missing folder is empty.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Fault::io("list", folder, &e)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|e| Fault::io("list", folder, &e))?.path());
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RunId;

    #[test]
    fn heads_and_records_name_runs() {
        let dir = tempfile::tempdir().unwrap();
        let (reports, runs) = (dir.path().join("reports"), dir.path().join("runs"));
        for folder in [reports.join("t"), runs.join(crate::record::ablation::FOLDER)] {
            std::fs::create_dir_all(folder).unwrap();
        }
        let csv = "# table: t\n# run: a-0123456789 code sha256:00 data 11\nrow,b-0123456789\n";
        std::fs::write(reports.join("t/v0001.csv"), csv).unwrap();
        let json = r#"{"cells": [{"runs": [{"directory": "c-0123456789-a2", "identity": "dd00112233ff"}]}]}"#;
        std::fs::write(runs.join("ablations/x.json"), json).unwrap();
        let mentions = Mentions::read(std::slice::from_ref(&reports), &runs).unwrap();
        let run = |name: &str, id: &str, attempt| RunDir {
            path: PathBuf::new(),
            id: RunId::new(name, id, attempt),
        };
        assert!(mentions.name(&run("a", "0123456789", 1), None));
        assert!(mentions.name(&run("c", "0123456789", 2), None));
        assert!(!mentions.name(&run("c", "0123456789", 1), None), "another attempt");
        assert!(!mentions.name(&run("b", "0123456789", 1), None), "the rows are data, not the head");
        let status = Status::new("d", "dd00112233ff", 1, 1, "");
        assert!(mentions.name(&run("d", "dd00112233", 1), Some(&status)));
        std::fs::write(runs.join("ablations/y.json"), "{").unwrap();
        assert!(Mentions::read(std::slice::from_ref(&reports), &runs).is_err());
    }
}
