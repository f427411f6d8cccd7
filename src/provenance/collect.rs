//! What produced a run, collected once when it begins.

use super::built::{built, Code};
use super::machine::{self, Machine};
use super::repository::{self, Repository};
use crate::fault::Result;
use crate::manifest::pins::Drift;
use crate::manifest::schema::Seeds;
use crate::store::json::Format;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Version of `provenance.json`.
pub const SCHEMA: u32 = 1;
const FORMAT: Format = Format { what: "a run's provenance", short: "provenance", schema: SCHEMA, help: None };

/// What produced a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    pub schema: u32,
    pub code: Code,
    /// Absent outside the source repository.
    pub repository: Option<Repository>,
    pub data: Data,
    pub machine: Machine,
    /// As the run names it, e.g. `cpu` or `cuda:0`.
    pub device: String,
    /// Worker threads; they never change a bit.
    pub threads: usize,
    pub seeds: Seeds,
    /// RFC 3339.
    pub started: String,
    /// Pins that did not match and were allowed (`--allow-drift`).
    pub drifts: Vec<Drift>,
}

impl Provenance {
    /// Reads `path`.
    ///
    /// # Errors
    /// If it is missing, is no provenance or has another version.
    pub fn read(path: &Path) -> Result<Provenance> {
        FORMAT.read(path)
    }
}

/// The tokens a run was computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// As given in the manifest; absent for synthetic data.
    pub path: Option<String>,
    /// Hash of the canonical content.
    pub sha256: String,
}

/// What only the caller knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Situation<'a> {
    /// Working directory.
    pub directory: &'a Path,
    pub data: Data,
    pub device: String,
    pub threads: usize,
    pub seeds: Seeds,
    /// RFC 3339.
    pub started: String,
    pub drifts: Vec<Drift>,
}

/// Everything that can be known about where a result comes from.
pub fn collect(situation: Situation) -> Provenance {
    let Situation { directory, data, device, threads, seeds, started, drifts } = situation;
    Provenance {
        schema: SCHEMA,
        code: built(),
        repository: repository::repository(directory),
        data,
        machine: machine::machine(),
        device,
        threads,
        seeds,
        started,
        drifts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provenance_survives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let found = collect(Situation {
            directory: folder.path(),
            data: Data { path: Some("x.tar".into()), sha256: "0".repeat(64) },
            device: "cpu".into(),
            threads: 2,
            seeds: Seeds { init: u64::MAX, ..Seeds::default() },
            started: "2025-01-01T00:00:00Z".into(),
            drifts: Vec::new(),
        });
        assert_eq!(found.code.packages["dfdx"], "0.13.0");
        assert_eq!(found.repository, None);
        let path = folder.path().join("provenance.json");
        FORMAT.write(&path, &found).unwrap();
        assert_eq!(Provenance::read(&path).unwrap(), found);
        FORMAT.write(&path, &Provenance { schema: 9, ..found }).unwrap();
        let fault = Provenance::read(&path).unwrap_err();
        assert_eq!(fault.what, "a run's provenance of another version of nano4m");
        assert_eq!(fault.found.as_deref(), Some("provenance schema 9"));
    }
}
