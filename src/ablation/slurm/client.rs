//! Slurm's own commands: submit, ask, cancel.

use crate::fault::{Fault, Result};
use std::path::Path;
use std::process::{Command, Output};

/// What Slurm says about one task (or one job without tasks).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// The array job, or the job.
    pub job: u64,
    /// Index in the array; absent for a job without.
    pub task: Option<u32>,
    /// `PENDING`, `RUNNING`, `COMPLETED`, `FAILED`, `CANCELLED`, …
    pub state: String,
    /// Why it waits; empty where there is nothing to say.
    pub reason: String,
    /// Where it runs; empty when it does not.
    pub nodes: String,
}

impl Queued {
    /// Whether Slurm still means to do something with it.
    pub fn alive(&self) -> bool {
        const ENDED: [&str; 9] = [
            "COMPLETED",
            "FAILED",
            "CANCELLED",
            "TIMEOUT",
            "NODE_FAIL",
            "OUT_OF_MEMORY",
            "BOOT_FAIL",
            "DEADLINE",
            "PREEMPTED",
        ];
        !ENDED.iter().any(|s| self.state.starts_with(s))
    }
}

/// The commands, found on the PATH.
#[derive(Clone, Copy, Debug, Default)]
pub struct Client;

impl Client {
    /// Submits a script; `after`: the job whose end, whatever it is, it waits for.
    ///
    /// # Errors
    /// With Slurm's own words when it refuses.
    pub fn submit(&self, script: &Path, after: Option<u64>) -> Result<u64> {
        let mut command = Command::new("sbatch");
        command.arg("--parsable");
        if let Some(job) = after {
            command.arg(format!("--dependency=afterany:{job}"));
        }
        let out = self.output(command.arg(script))?;
        if !out.status.success() {
            return Err(refused("sbatch refused the job", &out).at(script.display().to_string()));
        }
        // `123` or `123;cluster`.
        let text = String::from_utf8_lossy(&out.stdout);
        let number = text.trim().split(';').next().and_then(|n| n.parse().ok());
        number.ok_or_else(|| {
            Fault::failed("sbatch did not print a job number").found(format!("{:?}", text.trim()))
        })
    }

    /// What Slurm knows of these jobs: from its queue, and from its accounting what has left the queue.
    ///
    /// # Errors
    /// If `squeue` is missing or fails. Accounting is optional: without it old jobs are unknown.
    pub fn queue(&self, jobs: &[u64]) -> Result<Vec<Queued>> {
        let mut found = Vec::new();
        // One by one: a number that has left the queue makes the whole question fail.
        for job in jobs {
            let mut command = Command::new("squeue");
            command.args(["--noheader", "--array", "--states=all", "--format=%F|%K|%T|%r|%N"]);
            let out = self.output(command.arg(format!("--jobs={job}")))?;
            if out.status.success() {
                found.extend(parse(&String::from_utf8_lossy(&out.stdout)));
            } else if !unknown_job(&out) {
                return Err(refused("squeue does not answer", &out));
            }
        }
        for job in jobs {
            let known: Vec<Queued> = self.accounted(*job);
            let unknown = |q: &Queued| !found.iter().any(|f: &Queued| (f.job, f.task) == (q.job, q.task));
            let known: Vec<Queued> = known.into_iter().filter(unknown).collect();
            found.extend(known);
        }
        Ok(found)
    }

    /// Cancels jobs with all their tasks; those that have ended are no fault.
    pub fn cancel(&self, jobs: &[u64]) -> Result<()> {
        let mut command = Command::new("scancel");
        let out = self.output(command.args(jobs.iter().map(u64::to_string)))?;
        if out.status.success() || unknown_job(&out) {
            Ok(())
        } else {
            Err(refused("scancel failed", &out))
        }
    }

    /// What `sacct` knows; nothing where there is no accounting.
    fn accounted(&self, job: u64) -> Vec<Queued> {
        let mut command = Command::new("sacct");
        command.args([
            "--noheader",
            "--parsable2",
            "--allocations",
            "--array",
            "--format=JobID,State,NodeList",
        ]);
        match command.arg(format!("--jobs={job}")).output() {
            Ok(out) if out.status.success() => parse_accounting(&String::from_utf8_lossy(&out.stdout)),
            _ => Vec::new(),
        }
    }

    fn output(&self, command: &mut Command) -> Result<Output> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.output().map_err(|e| {
            Fault::failed(format!("cannot start {name}: {e}")).help(
                "run this where Slurm's commands are (a login node); --print shows the scripts without them",
            )
        })
    }
}

/// A number that Slurm does not know any more.
fn unknown_job(out: &Output) -> bool {
    String::from_utf8_lossy(&out.stderr).contains("Invalid job id")
}

fn refused(what: &str, out: &Output) -> Fault {
    let text = String::from_utf8_lossy(&out.stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    Fault::failed(what).found(if lines.is_empty() { out.status.to_string() } else { lines.join("; ") })
}

/// Lines of `squeue --format=%F|%K|%T|%r|%N`; those of another form are left out.
fn parse(text: &str) -> Vec<Queued> {
    let line = |line: &str| {
        let cells: Vec<&str> = line.trim().split('|').collect();
        let [job, task, state, reason, nodes] = cells[..] else { return None };
        let reason = if reason == "None" { "" } else { reason };
        let state = state.to_owned();
        Some(Queued {
            job: job.parse().ok()?,
            task: task.parse().ok(),
            state,
            reason: reason.into(),
            nodes: nodes.into(),
        })
    };
    text.lines().filter_map(line).collect()
}

/// Lines of `sacct --format=JobID,State,NodeList`: `12_3|FAILED|node1`, `13|CANCELLED by 0|`.
fn parse_accounting(text: &str) -> Vec<Queued> {
    let line = |line: &str| {
        let cells: Vec<&str> = line.trim().split('|').collect();
        let [id, state, nodes] = cells[..] else { return None };
        let (job, task) = match id.split_once('_') {
            Some((job, task)) => (job, Some(task.parse().ok()?)),
            None => (id, None),
        };
        let state = state.split(' ').next().unwrap_or(state).to_owned();
        let nodes = if nodes == "None assigned" { String::new() } else { nodes.to_owned() };
        Some(Queued { job: job.parse().ok()?, task, state, reason: String::new(), nodes })
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squeue_lines() {
        let text = "1|4|PENDING|JobArrayTaskLimit|\n1|2|RUNNING|None|vm\n2|N/A|PENDING|Dependency|\nnoise\n";
        let found = parse(text);
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].task, found[0].reason.as_str()), (Some(4), "JobArrayTaskLimit"));
        assert_eq!(
            (found[1].state.as_str(), found[1].reason.as_str(), found[1].nodes.as_str()),
            ("RUNNING", "", "vm")
        );
        assert_eq!((found[2].job, found[2].task), (2, None));
        assert!(found.iter().all(Queued::alive));
    }

    #[test]
    fn sacct_lines() {
        let found =
            parse_accounting("12_3|FAILED|node1\n13|CANCELLED by 0|None assigned\n12_[4-6]|PENDING|\n");
        assert_eq!((found[0].job, found[0].task, found[0].alive()), (12, Some(3), false));
        assert_eq!((found[1].state.as_str(), found[1].nodes.as_str()), ("CANCELLED", ""));
        assert_eq!(found.len(), 2, "what is pending is in the queue");
    }
}
