//! What produced a result: code, repository, data, machine (`provenance.json`).
//!
//! Nothing here enters a hash except the code hash; times and the device come in as values.

pub mod code;
pub mod machine;
pub mod repository;

use crate::manifest::pins::Drift;
use crate::manifest::schema::Seeds;
use machine::Machine;
use repository::Repository;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Version of `provenance.json`.
pub const SCHEMA: u32 = 1;

/// Hash of the sources this program was built from (`code::code_hash`), 64 hexadecimal digits.
pub const CODE_HASH: &str = env!("NANO4M_CODE_HASH");

/// Packages whose versions a reader wants to see.
const SHOWN: [&str; 10] = [
    "dfdx",
    "gemm",
    "gemm-f32",
    "rand_chacha",
    "rand_distr",
    "rayon",
    "ron",
    "safetensors",
    "statrs",
    "tiktoken-rs",
];

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

/// The program, as built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// `CODE_HASH`.
    pub hash: String,
    /// Where that code was committed; absent when built outside its repository.
    pub commit: Option<String>,
    /// The sources were as committed when the program was built.
    pub committed: bool,
    pub version: String,
    pub rustc: String,
    pub target: String,
    /// Instruction sets the compiler was allowed to use everywhere.
    pub target_features: String,
    pub profile: String,
    /// Versions of the packages that decide or store results.
    pub packages: BTreeMap<String, String>,
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

/// The program, as built.
pub fn built() -> Code {
    let packages = env!("NANO4M_PACKAGES").split(';').filter_map(|p| p.split_once(' '));
    Code {
        hash: CODE_HASH.into(),
        commit: source_commit().map(str::to_owned),
        committed: env!("NANO4M_COMMITTED") == "true",
        version: env!("CARGO_PKG_VERSION").into(),
        rustc: env!("NANO4M_RUSTC").into(),
        target: env!("NANO4M_TARGET").into(),
        target_features: env!("NANO4M_TARGET_FEATURES").into(),
        profile: env!("NANO4M_PROFILE").into(),
        packages: packages
            .filter(|(name, _)| SHOWN.contains(name))
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .collect(),
    }
}

/// What to pin as `pins.commit`: where the sources of this program are committed; `None` when they
/// were changed since, or built outside the repository.
pub fn commit() -> Option<&'static str> {
    source_commit().filter(|_| env!("NANO4M_COMMITTED") == "true")
}

/// The commit in which `src/` and `Cargo.lock` became what they were in HEAD at build time.
fn source_commit() -> Option<&'static str> {
    Some(env!("NANO4M_COMMIT")).filter(|c| !c.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_hash_is_that_of_the_sources() {
        assert_eq!(CODE_HASH, code::code_hash(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap());
    }

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
        let json = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Provenance>(&json).unwrap(), found);
    }
}
