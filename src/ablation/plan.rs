//! Cells × seeds: the jobs of an ablation.

use super::cells::Cell;
use super::job::{folder, CellJobs, Job};
use super::read::Loaded;
use super::spec::Ablation;
use crate::data::Part;
use crate::fault::{Fault, Result};
use crate::manifest::schema::Experiment;
use crate::runner::{self, Settings};
use crate::store::write_atomic;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything an engine needs.
#[derive(Clone, Debug)]
pub struct Plan {
    pub ablation: Ablation,
    pub cells: Vec<Cell>,
    /// In the order of the cells, then of the seeds.
    pub jobs: Vec<Job>,
    /// The runs folder.
    pub root: PathBuf,
    /// Clips of the test split, of the cell with the fewest.
    pub test_clips: usize,
}

impl Plan {
    /// The plan of a checked ablation. Opens every dataset the cells use, once.
    ///
    /// # Errors
    /// Exit 3 for missing data or a base whose pins do not match, 2 for invalid data.
    pub fn new(loaded: &Loaded, settings: &Settings) -> Result<Plan> {
        let Loaded { ablation, base, cells, .. } = loaded;
        let folder = base.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut datasets = Datasets::default();
        let mut jobs = Vec::new();
        let mut test_clips = usize::MAX;
        for (index, cell) in cells.iter().enumerate() {
            let mut experiment = cell.experiment.clone();
            experiment.data.path = experiment.data.path.map(|path| from_here(&path, folder));
            let (data, clips) = datasets.open(&experiment, folder, settings, base)?;
            test_clips = test_clips.min(clips);
            let of_cell = CellJobs { ablation, index, cell, experiment, data, root: &settings.runs };
            jobs.extend(ablation.seeds.iter().map(|&seed| of_cell.job(seed)));
        }
        let root = settings.runs.clone();
        Ok(Plan { ablation: ablation.clone(), cells: cells.clone(), jobs, root, test_clips })
    }

    /// Where manifests and logs of an ablation's jobs are kept.
    pub fn folder(&self) -> PathBuf {
        folder(&self.root, &self.ablation.name)
    }

    /// Writes the jobs' manifests. The same plan writes the same bytes.
    pub fn materialize(&self) -> Result<()> {
        let folder = self.folder();
        std::fs::create_dir_all(&folder).map_err(|e| Fault::io("create", &folder, &e))?;
        for job in &self.jobs {
            let same = crate::store::regular::read_own(&job.manifest)
                .is_ok_and(|bytes| bytes == job.text.as_bytes());
            if !same {
                write_atomic(&job.manifest, job.text.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Label of the reference cell: the declared one, else the first.
    pub fn reference(&self) -> &str {
        let first = || self.cells.first().map_or("", |c| c.label.as_str());
        self.ablation.reference.as_deref().unwrap_or_else(first)
    }
}

/// A relative data path that only exists beside the base manifest, seen from the working directory.
fn from_here(path: &str, base: &Path) -> String {
    let beside = base.join(path);
    if !Path::new(path).exists() && beside.exists() {
        beside.display().to_string()
    } else {
        path.to_owned()
    }
}

/// Datasets opened so far: hash and number of test clips, by everything that decides them.
#[derive(Default)]
struct Datasets {
    known: BTreeMap<String, (String, usize)>,
}

impl Datasets {
    fn open(
        &mut self,
        experiment: &Experiment,
        folder: &Path,
        settings: &Settings,
        base: &Path,
    ) -> Result<(String, usize)> {
        let modalities: Vec<_> =
            experiment.modalities.iter().map(|m| (&m.name, m.length, m.vocab, m.codebooks, m.text)).collect();
        let Experiment { data, pins, probes, claims, seeds, .. } = experiment;
        // What is measured is held against the data as well.
        let key = format!("{data:?} {modalities:?} {pins:?} {probes:?} {claims:?} {}", seeds.probes);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let data = runner::dataset(experiment, folder, &settings.cache)?;
        runner::drift(experiment, &data, base, settings.allow_drift)?;
        let opened = (data.hash.clone(), data.split(Part::Test).len());
        self.known.insert(key, opened.clone());
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_beside_the_base_is_found_from_here() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("only-beside.tar"), "x").unwrap();
        let seen = from_here("only-beside.tar", folder.path());
        assert!(Path::new(&seen).exists(), "{seen}");
        assert_eq!(from_here("Cargo.toml", folder.path()), "Cargo.toml");
        assert_eq!(from_here("nowhere.tar", folder.path()), "nowhere.tar");
    }
}
