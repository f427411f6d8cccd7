//! How a run is watched: a bar on a terminal, else a line every few seconds.

use super::output;
use super::signals::Signals;
use crate::fault::Result;
use crate::observer::{Observer, Progress, Stop, ValidationScore};
use crate::runner::{validation, Rate};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

/// Time between two plain lines.
const EVERY: Duration = Duration::from_secs(5);

/// Watches one run.
pub struct RunProgress {
    /// Listened for from the moment the run is locked: before it, a signal ends the program as it would any.
    signals: Option<Signals>,
    begun: Instant,
    bar: Option<ProgressBar>,
    rate: Rate,
    told: Option<Instant>,
    /// The probe the bar is about.
    probe: String,
}

impl RunProgress {
    pub fn new() -> RunProgress {
        RunProgress {
            signals: None,
            begun: Instant::now(),
            bar: None,
            rate: Rate::default(),
            told: None,
            probe: String::new(),
        }
    }

    fn due(&mut self) -> bool {
        let due = self.told.is_none_or(|told| told.elapsed() >= EVERY);
        if due {
            self.told = Some(Instant::now());
        }
        due
    }
}

impl Observer for RunProgress {
    fn begun(&mut self, _run: &Path) -> Result<()> {
        self.signals = Some(Signals::listen()?);
        Ok(())
    }

    fn started(&mut self, step: u64, total: u64) {
        if step < total && std::io::stderr().is_terminal() {
            let bar = new_bar(total, "step");
            bar.set_position(step);
            self.bar = Some(bar);
        }
    }

    fn stepped(&mut self, progress: &Progress) {
        self.rate.add(progress);
        let line = self.rate.line(progress);
        if let Some(bar) = &self.bar {
            bar.set_position(progress.step);
            bar.set_message(line);
        } else if self.due() {
            output::note(&format!("step {}/{} · {line}", progress.step, progress.total));
        }
    }

    fn evaluated(&mut self, step: u64, scores: &[ValidationScore]) {
        self.note(&validation(step, scores));
    }

    fn measured(&mut self, probe: &str, done: usize, total: usize) {
        if self.probe != probe {
            self.ended();
            self.probe = probe.into();
        }
        if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| new_bar(total as u64, probe));
            bar.set_position(done as u64);
        } else if self.due() {
            output::note(&format!("{probe}: {done}/{total}"));
        }
    }

    fn ended(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn note(&mut self, message: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(message)),
            None => output::note(message),
        }
    }

    fn stop(&mut self, _step: u64) -> Option<Stop> {
        self.signals.as_ref().and_then(Signals::stop)
    }

    fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
}

/// Prints what is worth a line and shows no progress.
pub struct Notes;

impl Observer for Notes {
    fn note(&mut self, message: &str) {
        output::note(message);
    }

    fn seconds(&self) -> f64 {
        0.0
    }
}

fn new_bar(total: u64, unit: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5));
    let colour = if output::colour_wanted() { ".cyan" } else { "" };
    let template = format!("{unit} {{pos}}/{{len}} {{wide_bar:{colour}}} {{msg}}");
    // The template is ours; were it wrong, the default bar would do.
    bar.with_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}
