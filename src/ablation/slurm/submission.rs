//! One submission: a folder with everything the jobs need, and what Slurm called them.

use super::client::Client;
use super::profile::Profile;
use super::script::Script;
use crate::ablation::invocation::Invocation;
use crate::ablation::job::{self, Existing, Job};
use crate::ablation::plan::Plan;
use crate::ablation::read::{self, Loaded};
use crate::fault::{Fault, Result};
use crate::manifest::schema::Experiment;
use crate::manifest::{self, syntax};
use crate::runner::Settings;
use crate::store::json::Format;
use crate::store::write_atomic;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Version of `submission.json`.
pub const SCHEMA: u32 = 1;
const FILE: &str = "submission.json";
const FORMAT: Format = Format { what: "a submission", short: "submission", schema: SCHEMA, help: None };

/// One task of the array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrayTask {
    /// Index in the array, from 1.
    pub index: u32,
    /// Label of the cell.
    pub cell: String,
    pub seed: u64,
    /// The identity its run has.
    pub identity: String,
    /// Optimizer steps of the whole run.
    pub steps: u64,
}

/// Content of `submission.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Version of this format.
    pub schema: u32,
    pub ablation: String,
    /// Number of the array job.
    pub array: u64,
    /// Number of the report job; absent when Slurm took the array and not the report.
    pub report: Option<u64>,
    pub tasks: Vec<ArrayTask>,
    /// Its folder; not in the file, so that runs may be moved.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// What is to be submitted.
pub struct Submit<'a> {
    pub loaded: &'a Loaded,
    pub plan: &'a Plan,
    /// With absolute folders.
    pub settings: &'a Settings,
    /// How a task is started; the program itself is copied.
    pub invocation: &'a Invocation,
    pub profile: &'a Profile,
}

impl Submit<'_> {
    /// Both scripts as `submit` would write them: array, report.
    ///
    /// # Errors
    /// If the run directories cannot be read.
    pub fn scripts(&self) -> Result<(String, String)> {
        let (folder, tasks) = (self.next()?, self.open()?.len());
        let script = self.script(&folder, tasks);
        Ok((script.array(), script.report()))
    }

    /// Jobs that are not complete, in the order of the plan.
    ///
    /// # Errors
    /// If a run cannot be read.
    pub fn open(&self) -> Result<Vec<&Job>> {
        let mut open = Vec::new();
        for job in &self.plan.jobs {
            if !matches!(job.existing()?, Existing::Complete(_)) {
                open.push(job);
            }
        }
        Ok(open)
    }

    /// Writes the folder, submits the array and the report job.
    ///
    /// # Errors
    /// If files cannot be written or Slurm refuses the array; the folder then goes again.
    pub fn submit(&self, client: &Client) -> Result<Submission> {
        let folder = self.next()?;
        let made = self.fill(&folder).and_then(|tasks| {
            let array = client.submit(&folder.join("array.sh"), None)?;
            Ok(Submission {
                schema: SCHEMA,
                ablation: self.name().into(),
                array,
                report: None,
                tasks,
                folder: folder.clone(),
            })
        });
        let mut submission = made.inspect_err(|_| {
            // Nothing was submitted from it.
            let _ = std::fs::remove_dir_all(&folder);
        })?;
        submission.write()?;
        submission.report = Some(client.submit(&folder.join("report.sh"), Some(submission.array))?);
        submission.write()?;
        Ok(submission)
    }

    fn name(&self) -> &str {
        &self.plan.ablation.name
    }

    /// The folder of the next submission, absolute.
    fn next(&self) -> Result<PathBuf> {
        let root = self.invocation.directory.join(home(&self.plan.root, self.name()));
        let last = numbers(&root)?.last().copied().unwrap_or(0);
        Ok(root.join(format!("{:04}", last + 1)))
    }

    fn script<'s>(&'s self, folder: &'s Path, tasks: usize) -> Script<'s> {
        Script { invocation: self.invocation, name: self.name(), tasks, folder, profile: self.profile }
    }

    fn fill(&self, folder: &Path) -> Result<Vec<ArrayTask>> {
        let tasks = folder.join("tasks");
        std::fs::create_dir_all(&tasks).map_err(|e| Fault::io("create", &tasks, &e))?;
        // A copy keeps the permission to execute; a link would follow tomorrow's build.
        let program = folder.join("nano4m");
        std::fs::copy(&self.invocation.program, &program)
            .map_err(|e| Fault::io("copy the program to", &program, &e))?;
        let mut made = Vec::new();
        for (index, job) in (1u32..).zip(self.open()?) {
            write_atomic(&tasks.join(format!("{index}.ron")), self.pinned(&job.experiment).as_bytes())?;
            write_atomic(&tasks.join(format!("{index}.identity")), format!("{}\n", job.identity).as_bytes())?;
            write_atomic(&tasks.join(format!("{index}.cell")), format!("{}\n", job.made_for).as_bytes())?;
            let (cell, identity) = (job.label.clone(), job.identity.clone());
            made.push(ArrayTask { index, cell, seed: job.seed, identity, steps: job.total() });
        }
        self.keep_ablation(folder)?;
        let script = self.script(folder, made.len());
        write_atomic(&folder.join("array.sh"), script.array().as_bytes())?;
        write_atomic(&folder.join("report.sh"), script.report().as_bytes())?;
        Ok(made)
    }

    /// A manifest whose data can be found from any folder. The path is not part of the identity.
    fn pinned(&self, experiment: &Experiment) -> String {
        let mut experiment = experiment.clone();
        let base = self.loaded.base.parent().unwrap_or(Path::new(""));
        experiment.data.path = experiment.data.path.map(|path| {
            let seen =
                [self.invocation.directory.join(&path), self.invocation.directory.join(base).join(&path)];
            seen.iter().find(|p| p.exists()).map_or(path, |p| p.display().to_string())
        });
        manifest::resolved(&experiment)
    }

    /// The ablation and its base as they are now, for the report job.
    fn keep_ablation(&self, folder: &Path) -> Result<()> {
        let base = manifest::read(&self.loaded.base, &[])?;
        write_atomic(&folder.join("base.ron"), self.pinned(&base.experiment).as_bytes())?;
        let text = crate::store::regular::read_own_text(&self.loaded.path)
            .map_err(|e| Fault::io("read the ablation", &self.loaded.path, &e))?;
        let path = folder.join(format!("{}.ron", self.name()));
        write_atomic(&path, with_base(&text).as_bytes())?;
        // What the report job will find must be what the tasks make.
        let again = Plan::new(&read::read(&path)?, self.settings)?;
        let identities = |plan: &Plan| plan.jobs.iter().map(|j| j.identity.clone()).collect::<Vec<_>>();
        if identities(&again) == identities(self.plan) {
            return Ok(());
        }
        Err(Fault::failed("the ablation means something else when it is read from another folder")
            .at(self.loaded.path.display().to_string())
            .help("give data paths that are set by an axis from the working directory, or absolute"))
    }
}

/// The ablation's text with its base beside it.
fn with_base(text: &str) -> String {
    let root = syntax::scan(text);
    let found = manifest::lookup::follow(text, &root, "base");
    format!("{}\"base.ron\"{}", &text[..found.node.start], &text[found.node.end..])
}

impl Submission {
    /// The submissions of an ablation, oldest first; those that Slurm never accepted are not there.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn all(root: &Path, ablation: &str) -> Result<Vec<Submission>> {
        let home = home(root, ablation);
        let folders = numbers(&home)?.into_iter().map(|n| home.join(format!("{n:04}")));
        folders.filter(|f| f.join(FILE).exists()).map(|f| Submission::read(&f)).collect()
    }

    /// Numbers of its jobs.
    pub fn jobs(&self) -> Vec<u64> {
        std::iter::once(self.array).chain(self.report).collect()
    }

    /// What a task has printed.
    pub fn log(&self, task: &ArrayTask) -> PathBuf {
        self.folder.join(format!("task-{}.log", task.index))
    }

    fn read(folder: &Path) -> Result<Submission> {
        let path = folder.join(FILE);
        let mut submission: Submission = FORMAT.read(&path)?;
        submission.folder = folder.to_owned();
        Ok(submission)
    }

    fn write(&self) -> Result<()> {
        FORMAT.write(&self.folder.join(FILE), self)
    }
}

/// `runs/ablations/NAME/slurm`.
fn home(root: &Path, ablation: &str) -> PathBuf {
    job::folder(root, ablation).join("slurm")
}

/// Numbers of the submissions' folders, ascending.
fn numbers(home: &Path) -> Result<Vec<u32>> {
    let entries = match std::fs::read_dir(home) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Fault::io("list", home, &e)),
    };
    let mut numbers: Vec<u32> =
        entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_the_only_thing_that_changes() {
        let text = "Ablation(schema: 1, // base: \"x\"\n    base: \"../a/b.ron\", name: \"base\")";
        assert_eq!(with_base(text), text.replace("\"../a/b.ron\"", "\"base.ron\""));
    }

    #[test]
    fn submissions_are_found_in_order() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Submission::all(root.path(), "x").unwrap(), []);
        let task = ArrayTask { index: 1, cell: "a".into(), seed: 1, identity: "00".into(), steps: 4 };
        for (number, array) in [(2, 20), (1, 10), (10, 100)] {
            let folder = home(root.path(), "x").join(format!("{number:04}"));
            std::fs::create_dir_all(&folder).unwrap();
            let (ablation, tasks) = ("x".into(), vec![task.clone()]);
            Submission { schema: SCHEMA, ablation, array, report: None, tasks, folder }.write().unwrap();
        }
        // Killed before Slurm had answered.
        std::fs::create_dir_all(home(root.path(), "x").join("0011")).unwrap();
        let found: Vec<u64> = Submission::all(root.path(), "x").unwrap().iter().map(|s| s.array).collect();
        assert_eq!(found, [10, 20, 100]);
        assert_eq!(numbers(&home(root.path(), "x")).unwrap(), [1, 2, 10, 11]);
    }
}
