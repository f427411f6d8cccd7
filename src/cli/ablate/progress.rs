//! How an ablation is watched: one line per cell on a terminal, else a line per event and a summary now and then.

use super::states;
use crate::ablation::{AblationObserver, JobState, Plan};
use crate::cli::output;
use crate::cli::signals::Signals;
use crate::observer::Stop;
use crate::runner::clock;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Time between two plain summaries.
const EVERY: Duration = Duration::from_secs(30);

/// Watches one execution.
pub struct AblationProgress<'a> {
    plan: &'a Plan,
    signals: Signals,
    begun: Instant,
    limit: Option<Duration>,
    /// One line per cell; absent without a terminal.
    lines: Option<Vec<ProgressBar>>,
    shown: Vec<JobState>,
    told: Instant,
}

impl<'a> AblationProgress<'a> {
    /// Begins to watch; `limit` is the time after which to stop.
    pub fn new(plan: &'a Plan, signals: Signals, limit: Option<Duration>) -> AblationProgress<'a> {
        let lines = std::io::stderr().is_terminal().then(|| bars(plan.cells.len()));
        let now = Instant::now();
        AblationProgress { plan, signals, begun: now, limit, lines, shown: Vec::new(), told: now }
    }

    /// Ends the live lines.
    pub fn end(&mut self) {
        for bar in self.lines.take().into_iter().flatten() {
            bar.finish_and_clear();
        }
    }

    /// Why the execution stopped early, if it did.
    pub fn stopped(&self) -> Option<Stop> {
        self.stop()
    }

    fn draw(&mut self, states: &[JobState]) {
        let Some(lines) = &self.lines else { return };
        if self.shown == states {
            return;
        }
        self.shown = states.to_vec();
        for (i, bar) in lines.iter().enumerate() {
            bar.set_message(cell_line(self.plan, i, states));
        }
    }
}

impl AblationObserver for AblationProgress<'_> {
    fn changed(&mut self, job: usize, states: &[JobState]) {
        if self.lines.is_some() {
            return self.draw(states);
        }
        let at = clock(self.begun.elapsed().as_secs_f64());
        output::note(&format!("{at} {}: {}", self.plan.jobs[job].title(), phrase(&states[job])));
    }

    fn tick(&mut self, states: &[JobState]) {
        self.draw(states);
        if self.lines.is_none() && self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            let at = clock(self.begun.elapsed().as_secs_f64());
            output::note(&format!("{at} {}", summary(self.plan, states)));
        }
    }

    fn stop(&self) -> Option<Stop> {
        let time = self.limit.is_some_and(|limit| self.begun.elapsed() >= limit);
        self.signals.stop().or(time.then_some(Stop::Asked))
    }
}

fn bars(cells: usize) -> Vec<ProgressBar> {
    let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(5));
    // The template is ours; were it wrong, the default one would do.
    let style = ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    (0..cells).map(|_| all.add(ProgressBar::new(1).with_style(style.clone()))).collect()
}

/// `span         1 finished · 2 120/240 · 3 waiting`: the seeds of a cell.
fn cell_line(plan: &Plan, cell: usize, all: &[JobState]) -> String {
    let width = plan.cells.iter().map(|c| c.label.chars().count()).max().unwrap_or(0);
    let jobs = plan.jobs.iter().zip(all).filter(|(job, _)| job.cell == cell);
    let each = jobs.map(|(job, state)| match state {
        JobState::Running { step } => format!("{} {step}/{}", job.seed, job.total()),
        other => format!("{} {}", job.seed, states::word(other)),
    });
    format!("{:width$}  {}", plan.cells[cell].label, each.collect::<Vec<_>>().join(" · "))
}

/// What happened to a job.
fn phrase(state: &JobState) -> String {
    match state {
        JobState::Running { step: 0 } => "started".into(),
        JobState::Running { step } => format!("continued from step {step}"),
        JobState::Held(holder) => format!("waiting for {holder}, which works on this run"),
        JobState::Failed(reason) => format!("failed: {reason}"),
        other => states::word(other).into(),
    }
}

/// `3 of 21 finished, running: span, seed 1 (120/240), …`.
fn summary(plan: &Plan, states: &[JobState]) -> String {
    let complete = states.iter().filter(|s| s.complete()).count();
    let running = plan.jobs.iter().zip(states).filter_map(|(job, state)| match state {
        JobState::Running { step } => Some(format!("{} ({step}/{})", job.title(), job.total())),
        _ => None,
    });
    let running: Vec<String> = running.collect();
    let running = if running.is_empty() { "nothing running".into() } else { running.join("; ") };
    format!("{complete} of {} finished; {running}", states.len())
}
