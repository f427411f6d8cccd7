//! The engine for one machine: jobs as processes, a few at a time.

use super::plan::{Found, Plan};
use super::worker::{End, Start, Worker};
use crate::fault::Result;
use crate::observer::Stop;
use crate::store::Lock;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time between two looks at the jobs.
const TICK: Duration = Duration::from_millis(50);
/// Time between two looks at runs that another process works on, and at the steps of ours.
const LOOK: Duration = Duration::from_secs(1);

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
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

impl State {
    /// Whether the job needs nothing more.
    pub fn complete(&self) -> bool {
        matches!(self, State::Cached | State::Finished)
    }
}

/// Is told what happens and asked whether to stop.
pub trait Watch {
    /// A job's state is not what it was.
    fn changed(&mut self, job: usize, states: &[State]);

    /// Called about twenty times a second.
    fn tick(&mut self, states: &[State]);

    /// Why to stop, if so.
    fn stop(&self) -> Option<Stop>;
}

/// Runs a plan on this machine.
#[derive(Clone, Debug)]
pub struct Local {
    /// This program.
    pub program: PathBuf,
    /// Options before `run` for every job.
    pub options: Vec<String>,
    /// Flags after the manifest for every job.
    pub flags: Vec<String>,
    /// Jobs at the same time, at least 1.
    pub workers: usize,
    /// Threads of each.
    pub threads: usize,
    /// Start nothing more after the first failure, and stop what runs.
    pub fail_fast: bool,
}

impl Local {
    /// Works on every job that is not complete; returns where each stands. Must be called on the main
    /// thread (see [`Start::worker`]).
    ///
    /// # Errors
    /// If manifests cannot be written or runs not be read. A job that fails is a state, not an error.
    pub fn execute(&self, plan: &Plan, watch: &mut dyn Watch) -> Result<Vec<State>> {
        plan.materialize()?;
        let mut work =
            Work { local: self, plan, states: Vec::new(), queue: VecDeque::new(), running: Vec::new() };
        work.survey()?;
        work.run(watch)?;
        Ok(work.states)
    }
}

struct Work<'a> {
    local: &'a Local,
    plan: &'a Plan,
    states: Vec<State>,
    /// Jobs to be started, in order.
    queue: VecDeque<usize>,
    running: Vec<Worker>,
}

impl Work<'_> {
    fn survey(&mut self) -> Result<()> {
        for (i, job) in self.plan.jobs.iter().enumerate() {
            let cached = matches!(job.found()?, Found::Complete(_));
            self.states.push(if cached { State::Cached } else { State::Waiting });
            self.queue.extend((!cached).then_some(i));
        }
        Ok(())
    }

    fn run(&mut self, watch: &mut dyn Watch) -> Result<()> {
        let mut stopping = false;
        let mut looked = Instant::now();
        self.fill(watch)?;
        while !self.running.is_empty() || (!stopping && !self.queue.is_empty()) {
            std::thread::sleep(TICK);
            let ended = self.reap(watch)?;
            let failed = self.local.fail_fast && self.states.iter().any(|s| matches!(s, State::Failed(_)));
            if let (false, Some(why)) = (stopping, watch.stop().or(failed.then_some(Stop::Asked))) {
                stopping = true;
                let number = if why == Stop::Interrupted { libc::SIGINT } else { libc::SIGTERM };
                self.running.iter().for_each(|worker| worker.signal(number));
            }
            let look = looked.elapsed() >= LOOK;
            if look {
                looked = Instant::now();
                self.steps();
            }
            if !stopping && (ended || look) {
                self.fill(watch)?;
            }
            watch.tick(&self.states);
        }
        Ok(())
    }

    /// Starts what can be started.
    fn fill(&mut self, watch: &mut dyn Watch) -> Result<()> {
        let start = Start {
            program: &self.local.program,
            options: &self.local.options,
            flags: &self.local.flags,
            threads: self.local.threads,
        };
        for _ in 0..self.queue.len() {
            if self.running.len() >= self.local.workers {
                break;
            }
            let Some(index) = self.queue.pop_front() else { break };
            let job = &self.plan.jobs[index];
            // Looked at again: it may have been waiting for long.
            let state = match job.found()? {
                Found::Complete(_) => State::Finished,
                Found::Partial { run, step, .. } => match Lock::holder(&run.path) {
                    Some(holder) => State::Held(holder.to_string()),
                    None => State::Running { step },
                },
                Found::Nothing => State::Running { step: 0 },
            };
            match &state {
                State::Running { .. } => self.running.push(start.worker(index, job)?),
                State::Held(_) => self.queue.push_back(index),
                _ => {}
            }
            self.set(index, state, watch);
        }
        // Those held went to the back: the order of the plan is kept.
        self.queue.make_contiguous().sort_unstable();
        Ok(())
    }

    /// Takes note of the workers that ended; whether any did.
    fn reap(&mut self, watch: &mut dyn Watch) -> Result<bool> {
        let mut ended = Vec::new();
        for (at, worker) in self.running.iter_mut().enumerate() {
            if let Some(end) = worker.ended(&self.plan.jobs[worker.job].log())? {
                ended.push((at, end));
            }
        }
        let any = !ended.is_empty();
        for (at, end) in ended.into_iter().rev() {
            let index = self.running.remove(at).job;
            let state = self.after(index, end)?;
            if let State::Held(_) = state {
                self.queue.push_back(index);
            }
            self.set(index, state, watch);
        }
        Ok(any)
    }

    fn after(&self, index: usize, end: End) -> Result<State> {
        let found = self.plan.jobs[index].found()?;
        Ok(match (end, found) {
            (End::Fine, Found::Complete(_)) => State::Finished,
            (End::Fine, Found::Partial { missing, .. }) => {
                State::Failed(format!("ended without {}", missing.join(", ")))
            }
            (End::Fine, Found::Nothing) => State::Failed("ended without a run of its identity".into()),
            (End::Stopped, _) => State::Stopped,
            // Another process was faster: wait for it.
            (End::Failed(reason), Found::Partial { run, .. }) => match Lock::holder(&run.path) {
                Some(holder) => State::Held(holder.to_string()),
                None => State::Failed(reason),
            },
            (End::Failed(_), Found::Complete(_)) => State::Finished,
            (End::Failed(reason), Found::Nothing) => State::Failed(reason),
        })
    }

    /// How far the running jobs are.
    fn steps(&mut self) {
        for worker in &self.running {
            let job = &self.plan.jobs[worker.job];
            let run = crate::store::attempts(&job.root, &job.identity).ok().and_then(|mut runs| runs.pop());
            if let Some(status) = run.and_then(|run| run.status().ok().flatten()) {
                self.states[worker.job] = State::Running { step: status.step };
            }
        }
    }

    fn set(&mut self, job: usize, state: State, watch: &mut dyn Watch) {
        if self.states[job] != state {
            self.states[job] = state;
            watch.changed(job, &self.states);
        }
    }
}
