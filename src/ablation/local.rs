//! The engine for one machine: jobs as processes, a few at a time.

use super::invocation::Invocation;
use super::job::Existing;
use super::plan::Plan;
use super::process::{End, Process};
use crate::fault::Result;
use crate::observer::Stop;
use crate::store::Lock;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Time between two looks at the jobs.
const TICK: Duration = Duration::from_millis(50);
/// Time between two looks at runs that another process works on, and at the steps of ours.
const LOOK: Duration = Duration::from_secs(1);

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Complete before this execution began.
    Cached,
    /// Not begun by this execution.
    Waiting,
    /// Another process works on its run; named.
    Held(String),
    Running {
        step: u64,
    },
    /// Completed by this execution (or by whoever held it).
    Finished,
    /// Ended after a checkpoint, before its end.
    Stopped,
    Failed(String),
}

impl JobState {
    /// Whether the job needs nothing more.
    pub fn complete(&self) -> bool {
        matches!(self, JobState::Cached | JobState::Finished)
    }
}

/// Is told what happens and asked whether to stop.
pub trait AblationObserver {
    /// A job's state is not what it was.
    fn changed(&mut self, job: usize, states: &[JobState]);

    /// Called about twenty times a second.
    fn tick(&mut self, states: &[JobState]);

    /// Why to stop, if so.
    fn stop(&self) -> Option<Stop>;
}

/// Runs a plan on this machine.
#[derive(Clone, Debug)]
pub struct LocalEngine {
    /// How every job is started.
    pub invocation: Invocation,
    /// Jobs at the same time, at least 1.
    pub workers: usize,
    /// Threads of each.
    pub threads: usize,
    /// Start nothing more after the first failure, and stop what runs.
    pub fail_fast: bool,
}

impl LocalEngine {
    /// Works on every job that is not complete; returns where each stands. Must be called on the main
    /// thread (see [`Process::start`]).
    ///
    /// # Errors
    /// If manifests cannot be written or runs not be read. A job that fails is a state, not an error.
    pub fn execute(&self, plan: &Plan, observer: &mut dyn AblationObserver) -> Result<Vec<JobState>> {
        plan.materialize()?;
        let mut execution =
            Execution { engine: self, plan, states: Vec::new(), queue: VecDeque::new(), running: Vec::new() };
        execution.survey()?;
        execution.run(observer)?;
        Ok(execution.states)
    }
}

struct Execution<'a> {
    engine: &'a LocalEngine,
    plan: &'a Plan,
    states: Vec<JobState>,
    /// Jobs to be started, in order.
    queue: VecDeque<usize>,
    running: Vec<Process>,
}

impl Execution<'_> {
    fn survey(&mut self) -> Result<()> {
        for (i, job) in self.plan.jobs.iter().enumerate() {
            let cached = matches!(job.existing()?, Existing::Complete(_));
            self.states.push(if cached { JobState::Cached } else { JobState::Waiting });
            self.queue.extend((!cached).then_some(i));
        }
        Ok(())
    }

    fn run(&mut self, observer: &mut dyn AblationObserver) -> Result<()> {
        let mut stopping = false;
        let mut looked = Instant::now();
        self.fill(observer)?;
        while !self.running.is_empty() || (!stopping && !self.queue.is_empty()) {
            std::thread::sleep(TICK);
            let ended = self.reap(observer)?;
            let failed =
                self.engine.fail_fast && self.states.iter().any(|s| matches!(s, JobState::Failed(_)));
            if let (false, Some(why)) = (stopping, observer.stop().or(failed.then_some(Stop::Asked))) {
                stopping = true;
                let number = if why == Stop::Interrupted { libc::SIGINT } else { libc::SIGTERM };
                self.running.iter().for_each(|process| process.signal(number));
            }
            let look = looked.elapsed() >= LOOK;
            if look {
                looked = Instant::now();
                self.steps();
            }
            if !stopping && (ended || look) {
                self.fill(observer)?;
            }
            observer.tick(&self.states);
        }
        Ok(())
    }

    /// Starts what can be started.
    fn fill(&mut self, observer: &mut dyn AblationObserver) -> Result<()> {
        let LocalEngine { invocation, threads, .. } = self.engine;
        for _ in 0..self.queue.len() {
            if self.running.len() >= self.engine.workers {
                break;
            }
            let Some(index) = self.queue.pop_front() else { break };
            let job = &self.plan.jobs[index];
            // Looked at again: it may have been waiting for long.
            let state = match job.existing()? {
                Existing::Complete(_) => JobState::Finished,
                Existing::Partial { run, step, .. } => match Lock::holder(&run.path) {
                    Some(holder) => JobState::Held(holder.to_string()),
                    None => JobState::Running { step },
                },
                Existing::Nothing => JobState::Running { step: 0 },
            };
            match &state {
                JobState::Running { .. } => {
                    let device = invocation.devices.free(self.running.iter().map(|process| process.device));
                    self.running.push(Process::start(invocation, (device, *threads), index, job)?)
                }
                JobState::Held(_) => self.queue.push_back(index),
                _ => {}
            }
            self.set(index, state, observer);
        }
        // Those held went to the back: the order of the plan is kept.
        self.queue.make_contiguous().sort_unstable();
        Ok(())
    }

    /// Takes note of the workers that ended; whether any did.
    fn reap(&mut self, observer: &mut dyn AblationObserver) -> Result<bool> {
        let mut ended = Vec::new();
        for (at, process) in self.running.iter_mut().enumerate() {
            if let Some(end) = process.ended(&self.plan.jobs[process.job].log())? {
                ended.push((at, end));
            }
        }
        let any = !ended.is_empty();
        for (at, end) in ended.into_iter().rev() {
            let index = self.running.remove(at).job;
            let state = self.after(index, end)?;
            if let JobState::Held(_) = state {
                self.queue.push_back(index);
            }
            self.set(index, state, observer);
        }
        Ok(any)
    }

    fn after(&self, index: usize, end: End) -> Result<JobState> {
        let existing = self.plan.jobs[index].existing()?;
        Ok(match (end, existing) {
            (End::Finished, Existing::Complete(_)) => JobState::Finished,
            (End::Finished, Existing::Partial { missing, .. }) => {
                JobState::Failed(format!("ended without {}", missing.join(", ")))
            }
            (End::Finished, Existing::Nothing) => {
                JobState::Failed("ended without a run of its identity".into())
            }
            (End::Stopped, _) => JobState::Stopped,
            // Another process was faster: wait for it.
            (End::Failed(reason), Existing::Partial { run, .. }) => match Lock::holder(&run.path) {
                Some(holder) => JobState::Held(holder.to_string()),
                None => JobState::Failed(reason),
            },
            (End::Failed(_), Existing::Complete(_)) => JobState::Finished,
            (End::Failed(reason), Existing::Nothing) => JobState::Failed(reason),
        })
    }

    /// How far the running jobs are.
    fn steps(&mut self) {
        for process in &self.running {
            let job = &self.plan.jobs[process.job];
            let run = crate::store::attempts(&job.root, &job.identity).ok().and_then(|mut runs| runs.pop());
            if let Some(status) = run.and_then(|run| run.status().ok().flatten()) {
                self.states[process.job] = JobState::Running { step: status.step };
            }
        }
    }

    fn set(&mut self, job: usize, state: JobState, observer: &mut dyn AblationObserver) {
        if self.states[job] != state {
            self.states[job] = state;
            observer.changed(job, &self.states);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::SMALL;
    use crate::runner::Settings;
    use std::path::{Path, PathBuf};

    struct Silent;

    impl AblationObserver for Silent {
        fn changed(&mut self, _: usize, _: &[JobState]) {}
        fn tick(&mut self, _: &[JobState]) {}
        fn stop(&self) -> Option<Stop> {
            None
        }
    }

    /// Three cells of two seeds.
    fn plan(folder: &Path) -> Plan {
        let axes = r#"axes: [(name: "lr", path: "train.lr", values: [1e-3, 2e-3, 3e-3])]"#;
        let metrics = r#"metrics: ["cross_entropy/a@16"], seeds: [1, 2]"#;
        let text = format!("Ablation(schema: 1, name: \"x\", base: \"base.ron\", {axes}, {metrics})");
        let path = folder.join("x.ron");
        std::fs::write(&path, text).unwrap();
        std::fs::write(folder.join("base.ron"), SMALL).unwrap();
        let settings = Settings::new(folder.join("runs"), folder.join("cache"), || "now".into());
        Plan::new(&crate::ablation::read(&path).unwrap(), &settings).unwrap()
    }

    /// In the place of the program: says which device it was given, and whether another has it at the same time. It
    /// ends some time after two have begun, so that the first two meet.
    const STAND_IN: &str = r#"
while [ "$1" != --device ]; do shift; done
mkdir "on-$2" && found=free || found=taken
echo "$2 $found $RAYON_NUM_THREADS" >>said
i=0; while [ $i -lt 200 ] && [ "$(wc -l <said)" -lt 2 ]; do sleep 0.05; i=$((i + 1)); done
sleep 0.1
rmdir "on-$2"
exit 7
"#;

    fn said(devices: &str, workers: usize) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("stand-in.sh");
        std::fs::write(&script, STAND_IN).unwrap();
        let invocation = Invocation {
            program: "/bin/sh".into(),
            options: vec![script.display().to_string(), "--runs".into(), "runs".into()],
            devices: devices.parse().unwrap(),
            flags: Vec::new(),
            directory: folder.path().into(),
            cache: folder.path().into(),
            reports: PathBuf::new(),
        };
        let engine = LocalEngine { invocation, workers, threads: 5, fail_fast: false };
        let states = engine.execute(&plan(folder.path()), &mut Silent).unwrap();
        assert_eq!(states, vec![JobState::Failed("exit 7".into()); 6]);
        let text = std::fs::read_to_string(folder.path().join("said")).unwrap();
        let mut lines: Vec<String> = text.lines().map(String::from).collect();
        lines.sort();
        lines
    }

    #[test]
    fn each_running_job_has_a_device_of_its_own_which_the_next_takes_over() {
        let lines = said("cuda:3,cuda:1", 2);
        assert!(lines.iter().all(|line| line.ends_with(" free 5")), "{lines:?}");
        let on = |device: &str| lines.iter().filter(|line| line.starts_with(device)).count();
        // How often each is used depends on who ends first.
        assert!(on("cuda:1") >= 2 && on("cuda:3") >= 2 && on("cuda:1") + on("cuda:3") == 6, "{lines:?}");
    }

    #[test]
    fn more_jobs_than_devices_share_them() {
        let lines = said("cuda:1", 2);
        assert_eq!(lines.len(), 6);
        assert!(lines.iter().any(|line| line == "cuda:1 taken 5"), "{lines:?}");
    }
}
