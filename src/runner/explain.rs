//! Why a manifest is, or is not, a run that exists: field by field against the nearest one.
//!
//! The identity is a hash of manifest, data and code (`manifest::identity`), so two runs are the same
//! exactly if no field that counts, neither hash, differs.

use crate::fault::Result;
use crate::manifest;
use crate::manifest::fields::{differences, Difference};
use crate::manifest::identity::bare;
use crate::manifest::schema::Experiment;
use crate::provenance::Provenance;
use crate::record::missing;
use crate::store::{self, RunDir};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A run that can be compared with.
#[derive(Clone, Debug)]
pub struct KnownRun {
    pub run: RunDir,
    pub experiment: Experiment,
    /// Content hash of its data, hex.
    pub data: String,
    /// Hash of the code it was started with, hex.
    pub code: String,
    pub identity: String,
}

/// What an identity is made of.
#[derive(Clone, Copy, Debug)]
pub struct Ingredients<'a> {
    pub experiment: &'a Experiment,
    pub data: &'a str,
    pub code: &'a str,
}

/// A hash on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HashChange {
    pub here: String,
    pub there: String,
}

/// How near a run comes to what is wanted; `left` of a difference is what is wanted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Nearness {
    /// Directory name of the run.
    pub run: String,
    pub differences: Vec<Difference>,
    pub data: Option<HashChange>,
    pub code: Option<HashChange>,
    /// What the run lacks of being complete.
    pub missing: Vec<String>,
}

impl Nearness {
    /// Things that differ and count for the identity.
    pub fn distance(&self) -> usize {
        let hashes = usize::from(self.data.is_some()) + usize::from(self.code.is_some());
        self.differences.iter().filter(|d| d.counts).count() + hashes
    }

    /// Whether the run is what is wanted, with all its parts.
    pub fn hit(&self) -> bool {
        self.distance() == 0 && self.missing.is_empty()
    }
}

/// Directory names of runs by the reason why they cannot be read: killed before they began, damaged, made by
/// another version.
pub type Unreadable = BTreeMap<String, Vec<String>>;

/// Every run under `root` that can be compared with, and those that cannot.
///
/// # Errors
/// If the folder cannot be listed.
pub fn known(root: &Path) -> Result<(Vec<KnownRun>, Unreadable)> {
    let (mut known, mut unreadable) = (Vec::new(), Unreadable::new());
    for run in store::list(root)? {
        let name = run.id.directory();
        match read(run) {
            Ok(run) => known.push(run),
            Err(fault) => unreadable.entry(fault.what).or_default().push(name),
        }
    }
    Ok((known, unreadable))
}

/// A run's manifest, data and code.
///
/// # Errors
/// If it was killed before it said so, or says it in a way of another version.
pub fn read(run: RunDir) -> Result<KnownRun> {
    let identity = super::evaluate::status(&run)?.identity;
    let experiment = manifest::read(&run.file("resolved.ron"), &[])?.experiment;
    let provenance = Provenance::read(&run.file("provenance.json"))?;
    let (data, code) = (bare(&provenance.data.sha256), bare(&provenance.first().code.hash));
    Ok(KnownRun { run, experiment, data, code, identity })
}

/// The nearest of the runs: the fewest things that differ and count, complete ones first, then by name.
pub fn nearest(wanted: &Ingredients, runs: &[KnownRun]) -> Option<Nearness> {
    let compared = runs.iter().map(|known| compare(wanted, known));
    compared.min_by_key(|c| (c.distance(), !c.missing.is_empty(), c.run.clone()))
}

/// One run against what is wanted.
pub fn compare(wanted: &Ingredients, known: &KnownRun) -> Nearness {
    let changed = |here: &str, there: &str| {
        let (here, there) = (bare(here), bare(there));
        (here != there).then_some(HashChange { here, there })
    };
    Nearness {
        run: known.run.id.directory(),
        differences: differences(wanted.experiment, &known.experiment),
        data: changed(wanted.data, &known.data),
        code: changed(wanted.code, &known.code),
        missing: missing(&known.run).unwrap_or_else(|_| vec!["a record that can be read".into()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::overrides::apply;
    use crate::store::RunId;

    fn small() -> Experiment {
        manifest::read_as(crate::manifest::testing::SMALL).unwrap()
    }

    fn run(root: &Path, id: &str, experiment: Experiment, code: &str) -> KnownRun {
        let run = RunDir::create(root, RunId::new(&experiment.name, id, 1)).unwrap();
        KnownRun { run, experiment, data: "d".into(), code: code.into(), identity: id.into() }
    }

    #[test]
    fn the_nearest_run_is_found_and_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let set = |args: &[&str]| args.iter().fold(small(), |e, a| apply(&e, a).unwrap());
        let runs = [
            run(root.path(), "aaaaaaaaaa", set(&["train.lr=1.0", "train.batch=4"]), "c"),
            run(root.path(), "bbbbbbbbbb", set(&["train.lr=1.0", "name=other"]), "c"),
            run(root.path(), "cccccccccc", set(&["train.lr=1.0"]), "older"),
        ];
        let experiment = small();
        let wanted = Ingredients { experiment: &experiment, data: "sha256:D", code: "c" };
        let found = nearest(&wanted, &runs).unwrap();
        assert_eq!((found.run.as_str(), found.distance(), found.hit()), ("other-bbbbbbbbbb", 1, false));
        let lr = found.differences.iter().find(|d| d.counts).unwrap();
        assert_eq!(
            (lr.path.as_str(), lr.left.as_deref(), lr.right.as_deref()),
            ("train.lr", Some("0.001"), Some("1.0"))
        );
        assert!(found.differences.iter().any(|d| d.path == "name" && !d.counts));
        let code = compare(&wanted, &runs[2]).code.unwrap();
        assert_eq!((code.here.as_str(), code.there.as_str()), ("c", "older"));
        assert_eq!(nearest(&wanted, &[]), None);
    }
}
