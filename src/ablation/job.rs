//! One run of a cell: its manifest, its identity, and what of it exists already.

use super::cells::Cell;
use super::spec::Ablation;
use crate::fault::Result;
use crate::manifest::schema::{Experiment, Seeds};
use crate::manifest::{self, run_dir_name};
use crate::provenance::CODE_HASH;
use crate::record::ablation::FOLDER;
use crate::record::missing;
use crate::store::{self, CellOf, RunDir};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One run of a cell.
#[derive(Clone, Debug)]
pub struct Job {
    /// Index into [`Plan::cells`](crate::ablation::Plan::cells).
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
    /// Where [`Plan::materialize`](crate::ablation::Plan::materialize) puts the text.
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
    /// If the runs cannot be listed.
    pub fn existing(&self) -> Result<Existing> {
        let mut newest = Existing::Nothing;
        for run in store::attempts(&self.root, &self.identity)?.into_iter().rev() {
            // One damaged run ends no ablation: its process says what is to be done about it.
            let missing = missing(&run).unwrap_or_else(|fault| vec![fault.what]);
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

/// What the jobs of a cell share.
pub struct CellJobs<'a> {
    pub ablation: &'a Ablation,
    /// Number of the cell in its plan.
    pub index: usize,
    pub cell: &'a Cell,
    /// Its manifest, with a path of the data that is found from here.
    pub experiment: Experiment,
    /// Content hash of its data.
    pub data: String,
    /// The runs folder.
    pub root: &'a Path,
}

impl CellJobs<'_> {
    /// The job with that seed.
    pub fn job(&self, seed: u64) -> Job {
        let (ablation, cell) = (&self.ablation.name, &self.cell.label);
        let experiment = self.seeded(seed);
        let identity = manifest::identity(&experiment, &self.data, CODE_HASH);
        let file = format!("{}.ron", run_dir_name(&experiment.name, &identity));
        let whose = format!("// Cell `{cell}`, seed {seed}, of the ablation `{ablation}`.\n");
        Job {
            cell: self.index,
            label: cell.clone(),
            values: self.cell.values.clone(),
            seed,
            text: whose + &manifest::resolved(&experiment),
            manifest: folder(self.root, ablation).join(file),
            experiment,
            data: self.data.clone(),
            identity,
            made_for: CellOf { ablation: ablation.clone(), cell: cell.clone() },
            root: self.root.to_owned(),
        }
    }

    /// The cell's experiment with a seed, and a name and words that say whose it is.
    fn seeded(&self, seed: u64) -> Experiment {
        let (label, ablation) = (&self.cell.label, &self.ablation.name);
        let mut experiment = self.experiment.clone();
        // The base's probes for all: every seed is measured under the same masks, on the same draws.
        experiment.seeds = Seeds { init: seed, data: seed, masking: seed, ..experiment.seeds };
        let end = format!("s{seed}");
        let slug = slug(label);
        let room = 78 - ablation.len() - end.len();
        experiment.name = format!("{ablation}-{}-{end}", &slug[..slug.len().min(room)]);
        experiment.about = format!("{label}, seed {seed}, of the ablation {ablation}");
        experiment
    }
}

/// `runs/ablations/<name>`.
pub fn folder(root: &Path, name: &str) -> PathBuf {
    root.join(FOLDER).join(name)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_measured_with_the_probes_of_the_base() {
        let mut experiment: Experiment = manifest::read_as(crate::manifest::testing::SMALL).unwrap();
        experiment.seeds.probes = 7;
        let text = "Ablation(schema: 1, name: \"x\", base: \"b.ron\", axes: [], metrics: [])";
        let ablation: Ablation = manifest::read_as(text).unwrap();
        let cell = Cell { label: "one".into(), values: BTreeMap::new(), experiment: experiment.clone() };
        let root = Path::new("runs");
        let jobs =
            CellJobs { ablation: &ablation, index: 0, cell: &cell, experiment, data: "d".into(), root };
        for seed in [1, 2] {
            let seeds = Seeds { init: seed, data: seed, masking: seed, probes: 7 };
            assert_eq!(jobs.job(seed).experiment.seeds, seeds);
        }
    }

    #[test]
    fn labels_become_file_names() {
        assert_eq!(slug("lr=1e-3, mask=Span(stride: 2)"), "lr_1e_3_mask_Span_stride_2");
        assert_eq!(slug("(16, 256)"), "16_256");
        assert_eq!(slug("é"), "");
    }
}
