//! What a run writes about itself while it is made: `status.json` and `log.txt`. It stands between the
//! training loop and whoever watches, keeps the files, applies the limits, and passes everything on.

use super::description;
use super::rate::Rate;
use super::settings::Settings;
use crate::fault::Result;
use crate::observer::{Observer, Progress, Stop, ValidationScore};
use crate::store::{Follower, RunDir, State, Status, TableAt};
use crate::train::TABLES;
use std::path::Path;

/// Seconds between two writes of `status.json`, and the fewest between two lines of steps in `log.txt`.
const EVERY: f64 = 5.0;

/// A line of steps in `log.txt` is due when this share of the time so far has passed since the last one: a
/// hundred lines for the first eight minutes, seventy for each doubling after that, under a thousand for weeks.
const SHARE: f64 = 0.01;

/// Keeps the files of one run.
pub struct Journal<'a> {
    run: &'a RunDir,
    /// As it will be written next.
    pub status: Status,
    settings: &'a Settings,
    observer: &'a mut dyn Observer,
    /// The observer's clock when this start began, seconds.
    begun: f64,
    /// Steps that were done before this start.
    first: u64,
    rate: Rate,
    /// The observer's clock at the last write of `status.json` that only time called for.
    written: Option<f64>,
    /// The observer's clock at the last line of steps.
    logged: Option<f64>,
    /// The tables as they grow.
    tables: [Follower; 3],
}

impl<'a> Journal<'a> {
    /// Opens it where `status` stands.
    ///
    /// # Errors
    /// If the observer cannot watch.
    pub fn open(
        run: &'a RunDir,
        status: Status,
        settings: &'a Settings,
        observer: &'a mut dyn Observer,
    ) -> Result<Journal<'a>> {
        observer.begun(&run.path)?;
        let begun = observer.seconds();
        let rate = Rate::default();
        let tables = TABLES.map(|name| Follower::new(run.file(name)));
        let (written, logged) = (None, None);
        Ok(Journal { run, status, settings, observer, begun, first: 0, rate, written, logged, tables })
    }

    /// A line to the observer and into the log.
    pub fn say(&mut self, message: &str) {
        self.observer.note(message);
        self.log(message);
    }

    /// Progress of the probe called `what`, in samples.
    pub fn measured(&mut self, what: &str, done: usize, total: usize) {
        self.observer.measured(what, done, total);
    }

    /// Why measuring should stop; the limits are those of training.
    pub fn interrupted(&mut self) -> Option<Stop> {
        self.observer.stop(self.status.step)
    }

    /// Puts the state the run ends in into `status.json` and the log.
    ///
    /// # Errors
    /// If `status.json` cannot be written.
    pub fn close(&mut self, state: State, reason: Option<String>) -> Result<()> {
        (self.status.state, self.status.reason) = (state, reason);
        self.status.updated = (self.settings.now)();
        let written = self.run.set_status(&self.status);
        self.log(&format!("{} at step {}", state.name(), self.status.step));
        written
    }

    /// A line in `log.txt`. A log that cannot be written must not end a run that can.
    fn log(&self, message: &str) {
        let _ = self.run.log(&format!("{} {message}", (self.settings.now)()));
    }

    /// Puts what the tables hold at the checkpoint of `step` into the status, beside those of the other that is kept. A table
    /// that cannot be read now is noticed when the run goes on.
    fn keep_tables(&mut self, step: u64) {
        let kept = self.run.checkpoints();
        self.status.tables.retain(|t| t.step < step && kept.contains(&t.step));
        for (file, follower) in TABLES.iter().zip(&mut self.tables) {
            if let Ok(rows) = follower.now() {
                self.status.tables.push(TableAt { step, file: file.to_string(), rows });
            }
        }
    }

    /// A status between two checkpoints that cannot be written must not end the run either.
    fn write_status(&mut self) {
        self.status.updated = (self.settings.now)();
        let _ = self.run.set_status(&self.status);
    }

    /// What of time alone is due after `progress`.
    fn keep_time(&mut self, progress: &Progress) {
        let now = self.observer.seconds();
        if self.written.is_none_or(|then| now - then >= EVERY) {
            self.written = Some(now);
            self.write_status();
        }
        let pause = EVERY.max(SHARE * (now - self.begun));
        if self.logged.is_none_or(|then| now - then >= pause) {
            self.logged = Some(now);
            let Progress { step, total, .. } = progress;
            self.log(&format!("step {step}/{total} · {}", self.rate.line(progress)));
        }
    }
}

impl Observer for Journal<'_> {
    fn begun(&mut self, run: &Path) -> Result<()> {
        self.observer.begun(run)
    }

    fn started(&mut self, step: u64, total: u64) {
        self.first = step;
        (self.status.step, self.status.total) = (step, total);
        // What leads to a later checkpoint is made again, at another speed.
        self.status.tables.retain(|t| t.step <= step);
        self.write_status();
        // Known only now: a checkpoint may have been passed over.
        if let Err(fault) = description::begins_at(self.run, step) {
            self.log(&fault.to_string());
        }
        self.log(&format!("training from step {step} of {total}"));
        self.observer.started(step, total);
    }

    fn stepped(&mut self, progress: &Progress) {
        self.status.step = progress.step;
        self.status.train_seconds += progress.seconds;
        self.status.train_tokens += progress.tokens as u64;
        self.rate.add(progress);
        self.keep_time(progress);
        self.observer.stepped(progress);
    }

    fn evaluated(&mut self, step: u64, scores: &[ValidationScore]) {
        self.write_status();
        self.log(&validation(step, scores));
        self.observer.evaluated(step, scores);
    }

    fn saved(&mut self, step: u64) {
        self.status.step = step;
        self.keep_tables(step);
        self.write_status();
        self.log(&format!("checkpoint of step {step}"));
        self.observer.saved(step);
    }

    fn measured(&mut self, probe: &str, done: usize, total: usize) {
        self.observer.measured(probe, done, total);
    }

    fn ended(&mut self) {
        self.observer.ended();
    }

    fn note(&mut self, message: &str) {
        self.say(&format!("note: {message}"));
    }

    fn stop(&mut self, step: u64) -> Option<Stop> {
        let limits = self.settings.limits;
        let passed = self.observer.seconds() - self.begun;
        let steps = limits.stop_after.is_some_and(|n| step - self.first >= n);
        let time = limits.max_time.is_some_and(|limit| passed >= limit.as_secs_f64());
        self.observer.stop(step).or((steps || time).then_some(Stop::Asked))
    }

    fn seconds(&self) -> f64 {
        self.observer.seconds()
    }
}

/// The line about an evaluation of the validation split.
pub fn validation(step: u64, scores: &[ValidationScore]) -> String {
    let each = scores.iter().map(|s| match s.mean() {
        Some(ce) => format!("{} {ce:.4}", s.modality),
        None => format!("{} –", s.modality),
    });
    format!("step {step}: validation CE, nats/token: {}", each.collect::<Vec<_>>().join(", "))
}
