//! Cells × seeds: the jobs of an ablation, their identities, and what of them exists already.

use super::cells::Cell;
use super::read::Loaded;
use super::spec::Ablation;
use crate::fault::{Fault, Result};
use crate::manifest::schema::{Experiment, Seeds};
use crate::manifest::{self, run_dir_name};
use crate::provenance::CODE_HASH;
use crate::record::ablation::FOLDER;
use crate::record::missing;
use crate::runner::{self, Settings};
use crate::store::{self, write_atomic, CellOf, RunDir};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One run of a cell.
#[derive(Clone, Debug)]
pub struct Job {
    /// Index into [`Plan::cells`].
    pub cell: usize,
    /// The cell's label.
    pub label: String,
    /// Axis → label of the cell's value.
    pub values: BTreeMap<String, String>,
    pub seed: u64,
    /// The manifest, complete: seed, name and a path of the data that can be found from anywhere.
    pub experiment: Experiment,
    /// The same as text.
    pub text: String,
    /// Where [`Plan::materialize`] puts the text.
    pub manifest: PathBuf,
    /// Content hash of its data.
    pub data: String,
    /// Identity of its run, 64 hex digits.
    pub identity: String,
    /// The ablation and the cell, as the run's status and record name them.
    pub made_for: CellOf,
    /// The runs folder.
    pub root: PathBuf,
}

/// What exists of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing.
    Nothing,
    /// A run that lacks something; `missing` names it.
    Partial { run: RunDir, step: u64, missing: Vec<String> },
    /// A run with all its parts.
    Complete(RunDir),
}

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
        let mut data = Opened::default();
        let mut jobs = Vec::new();
        let mut test_clips = usize::MAX;
        for (index, cell) in cells.iter().enumerate() {
            let mut experiment = cell.experiment.clone();
            experiment.data.path = experiment.data.path.map(|path| from_here(&path, folder));
            let (hash, clips) = data.open(&experiment, folder, settings, base)?;
            test_clips = test_clips.min(clips);
            jobs.extend(ablation.seeds.iter().map(|&seed| {
                let experiment = seeded(&experiment, ablation, &cell.label, seed);
                job((index, cell), seed, experiment, &hash, (ablation, &settings.runs))
            }));
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
            let same = std::fs::read(&job.manifest).is_ok_and(|bytes| bytes == job.text.as_bytes());
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

impl Job {
    /// `random, seed 1`.
    pub fn title(&self) -> String {
        format!("{}, seed {}", self.label, self.seed)
    }

    /// Steps of the whole run.
    pub fn total(&self) -> u64 {
        self.experiment.train.steps()
    }

    /// What exists of it now: a complete attempt if there is one, else the newest.
    ///
    /// # Errors
    /// If a run of its identity cannot be read.
    pub fn existing(&self) -> Result<Existing> {
        let mut newest = Existing::Nothing;
        for run in store::attempts(&self.root, &self.identity)?.into_iter().rev() {
            let missing = missing(&run)?;
            if missing.is_empty() {
                return Ok(Existing::Complete(run));
            }
            if newest == Existing::Nothing {
                let step = run.checkpoints().last().copied().unwrap_or(0);
                newest = Existing::Partial { run, step, missing };
            }
        }
        Ok(newest)
    }

    /// Where what its process prints goes.
    pub fn log(&self) -> PathBuf {
        self.manifest.with_extension("log")
    }
}

/// `runs/ablations/<name>`.
pub fn folder(root: &Path, name: &str) -> PathBuf {
    root.join(FOLDER).join(name)
}

fn job(
    (cell, c): (usize, &Cell),
    seed: u64,
    experiment: Experiment,
    data_hash: &str,
    (ablation, root): (&Ablation, &Path),
) -> Job {
    let identity = manifest::identity(&experiment, data_hash, CODE_HASH);
    let file = format!("{}.ron", run_dir_name(&experiment.name, &identity));
    let about = format!("// Cell `{}`, seed {seed}, of the ablation `{}`.\n", c.label, ablation.name);
    Job {
        cell,
        label: c.label.clone(),
        values: c.values.clone(),
        seed,
        text: about + &manifest::resolved(&experiment),
        manifest: folder(root, &ablation.name).join(file),
        experiment,
        data: data_hash.to_owned(),
        identity,
        made_for: CellOf { ablation: ablation.name.clone(), cell: c.label.clone() },
        root: root.to_owned(),
    }
}

fn seeded(base: &Experiment, ablation: &Ablation, label: &str, seed: u64) -> Experiment {
    let mut experiment = base.clone();
    experiment.seeds = Seeds { init: seed, data: seed, masking: seed, probes: seed };
    let end = format!("s{seed}");
    let room = 78 - ablation.name.len() - end.len();
    experiment.name = format!("{}-{}-{end}", ablation.name, &slug(label)[..slug(label).len().min(room)]);
    experiment.about = format!("{label}, seed {seed}, of the ablation {}", ablation.name);
    experiment
}

/// A label as a part of a file's name: anything but letters and digits becomes one `_`.
fn slug(label: &str) -> String {
    let mut out = String::new();
    for c in label.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            out.push(c);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    out.trim_matches('_').to_owned()
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
struct Opened {
    known: BTreeMap<String, (String, usize)>,
}

impl Opened {
    fn open(
        &mut self,
        experiment: &Experiment,
        folder: &Path,
        settings: &Settings,
        base: &Path,
    ) -> Result<(String, usize)> {
        let modalities: Vec<_> =
            experiment.modalities.iter().map(|m| (&m.name, m.length, m.vocab, m.codebooks, m.text)).collect();
        let key = format!("{:?} {modalities:?} {:?}", experiment.data, experiment.pins);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let data = runner::dataset(experiment, folder, &settings.cache)?;
        runner::drift(experiment, &data, base, settings.allow_drift)?;
        let opened = (data.hash.clone(), data.split(crate::data::Part::Test).len());
        self.known.insert(key, opened.clone());
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_file_names() {
        assert_eq!(slug("lr=1e-3, mask=Span(stride: 2)"), "lr_1e_3_mask_Span_stride_2");
        assert_eq!(slug("(16, 256)"), "16_256");
        assert_eq!(slug("é"), "");
    }

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
