//! Where the tasks of a submission stand: what the run directories say, then what Slurm says.

use super::client::{Client, Queued};
use super::submission::{ArrayTask, Submission};
use crate::fault::Result;
use crate::record::{missing, Record};
use crate::store;
use serde::Serialize;
use std::path::Path;

/// What of a task is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Its run is complete.
    Finished,
    Running,
    /// In the queue.
    Waiting,
    /// Slurm is done with it (or does not know it any more), and its run is not complete.
    Ended,
}

/// A task and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskStanding {
    #[serde(flatten)]
    pub task: ArrayTask,
    pub standing: Standing,
    /// Step of its run; absent before it has one.
    pub step: Option<u64>,
    /// Slurm's word, with its reason; absent when it does not know the task any more.
    pub slurm: Option<String>,
    pub node: Option<String>,
}

impl Submission {
    /// Where every task stands, and Slurm's word on the report job.
    ///
    /// # Errors
    /// If `squeue` does not answer or a run cannot be read.
    pub fn standings(&self, client: &Client, root: &Path) -> Result<(Vec<TaskStanding>, Option<String>)> {
        let queue = client.queue(&self.jobs())?;
        let tasks = self.tasks.iter().map(|task| {
            let queued = queue.iter().find(|q| q.job == self.array && q.task == Some(task.index));
            standing(task, queued, root)
        });
        let report = queue.iter().find(|q| Some(q.job) == self.report).map(words);
        Ok((tasks.collect::<Result<_>>()?, report))
    }

    /// Whether every run of it is complete.
    ///
    /// # Errors
    /// If a run cannot be read.
    pub fn complete(&self, root: &Path) -> Result<bool> {
        for task in &self.tasks {
            if standing(task, None, root)?.standing != Standing::Finished {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether Slurm still has anything to do for it.
    ///
    /// # Errors
    /// If `squeue` does not answer.
    pub fn alive(&self, client: &Client) -> Result<bool> {
        Ok(client.queue(&self.jobs())?.iter().any(Queued::alive))
    }
}

fn standing(task: &ArrayTask, queued: Option<&Queued>, root: &Path) -> Result<TaskStanding> {
    let run = store::attempts(root, &task.identity)?.pop();
    // A run that another version finished is complete for that version, whose submission this is.
    let complete = match &run {
        Some(run) => Record::of_another_version(run) || missing(run)?.is_empty(),
        None => false,
    };
    let step = run.and_then(|run| run.status().ok().flatten()).map(|s| s.step);
    let standing = match queued.filter(|q| q.alive()) {
        _ if complete => Standing::Finished,
        Some(q) if q.state == "RUNNING" => Standing::Running,
        Some(_) => Standing::Waiting,
        None => Standing::Ended,
    };
    Ok(TaskStanding {
        task: task.clone(),
        standing,
        step,
        slurm: queued.map(words),
        node: queued.map(|q| q.nodes.clone()).filter(|n| !n.is_empty()),
    })
}

/// `PENDING (Resources)`.
fn words(q: &Queued) -> String {
    if q.reason.is_empty() {
        q.state.clone()
    } else {
        format!("{} ({})", q.state, q.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{RunDir, RunId, Status};

    fn queued(state: &str, reason: &str) -> Queued {
        Queued { job: 1, task: Some(1), state: state.into(), reason: reason.into(), nodes: String::new() }
    }

    #[test]
    fn the_run_directory_decides_before_slurm() {
        let root = tempfile::tempdir().unwrap();
        let identity = "0123456789".repeat(6) + "abcd";
        let task = ArrayTask { index: 1, cell: "a".into(), seed: 1, identity: identity.clone(), steps: 9 };
        let of = |q: Option<&Queued>| standing(&task, q, root.path()).unwrap();
        assert_eq!((of(None).standing, of(None).step), (Standing::Ended, None));
        let waiting = of(Some(&queued("PENDING", "Resources")));
        assert_eq!(
            (waiting.standing, waiting.slurm.as_deref()),
            (Standing::Waiting, Some("PENDING (Resources)"))
        );
        let run = RunDir::create(root.path(), RunId::new("x", &identity, 1)).unwrap();
        let mut status = Status::new("x", &identity, 1, 9, "");
        status.step = 4;
        run.set_status(&status).unwrap();
        let running = of(Some(&queued("RUNNING", "")));
        assert_eq!((running.standing, running.step), (Standing::Running, Some(4)));
        assert_eq!(of(Some(&queued("COMPLETING", ""))).standing, Standing::Waiting);
        assert_eq!(of(Some(&queued("FAILED", "NonZeroExitCode"))).standing, Standing::Ended);
    }
}
