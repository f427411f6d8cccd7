//! How a run is watched: a bar on a terminal, else a line every few seconds; `log.txt`; `status.json`.

use super::args::Limits;
use super::output;
use super::signals::Signals;
use crate::fault::Result;
use crate::observer::{Observer, Progress, Scored, Stop};
use crate::store::{RunDir, Status};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Time between two plain lines, and between two writes of `status.json`.
const EVERY: Duration = Duration::from_secs(5);

/// Watches one run.
pub struct Watch<'a> {
    run: &'a RunDir,
    pub status: Status,
    signals: Signals,
    limits: Limits,
    begun: Instant,
    first: u64,
    bar: Option<ProgressBar>,
    rate: Rate,
    told: Option<Instant>,
    /// The probe the bar is about.
    measuring: String,
}

impl<'a> Watch<'a> {
    /// Starts listening for signals.
    pub fn new(run: &'a RunDir, status: Status, limits: Limits) -> Result<Watch<'a>> {
        Ok(Watch {
            run,
            status,
            signals: Signals::listen()?,
            limits,
            begun: Instant::now(),
            first: 0,
            bar: None,
            rate: Rate::default(),
            told: None,
            measuring: String::new(),
        })
    }

    /// A line on stderr and in the log.
    pub fn say(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(message)),
            None => output::note(message),
        }
        self.log(message);
    }

    /// A line in `log.txt`. A log that cannot be written must not end a run that can.
    pub fn log(&self, message: &str) {
        let _ = self.run.log(&format!("{} {message}", super::session::now()));
    }

    /// Ends the bar.
    pub fn rest(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Progress of the probes, in samples.
    pub fn measuring(&mut self, what: &str, done: usize, total: usize) {
        if self.measuring != what {
            self.rest();
            self.measuring = what.into();
        }
        if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| new_bar(total as u64, what));
            bar.set_position(done as u64);
        } else if self.due() {
            output::note(&format!("{what}: {done}/{total}"));
        }
    }

    /// Why the probes should stop.
    pub fn interrupted(&self) -> Option<Stop> {
        self.signals.stop()
    }

    fn due(&mut self) -> bool {
        let due = self.told.is_none_or(|t| t.elapsed() >= EVERY);
        if due {
            self.told = Some(Instant::now());
        }
        due
    }

    fn write_status(&mut self) {
        self.status.updated = super::session::now();
        let _ = self.run.set_status(&self.status);
    }
}

impl Observer for Watch<'_> {
    fn started(&mut self, step: u64, total: u64) {
        self.first = step;
        (self.status.step, self.status.total) = (step, total);
        self.write_status();
        self.log(&format!("training from step {step} of {total}"));
        if step < total && std::io::stderr().is_terminal() {
            let bar = new_bar(total, "step");
            bar.set_position(step);
            self.bar = Some(bar);
        }
    }

    fn stepped(&mut self, p: &Progress) {
        self.status.step = p.step;
        self.status.train_seconds += p.seconds;
        self.status.train_tokens += p.tokens as u64;
        self.rate.add(p);
        let line = self.rate.line(p);
        if let Some(bar) = &self.bar {
            bar.set_position(p.step);
            bar.set_message(line.clone());
        }
        if self.due() {
            self.write_status();
            if self.bar.is_none() {
                let text = format!("step {}/{} · {line}", p.step, p.total);
                output::note(&text);
                self.log(&text);
            }
        }
    }

    fn evaluated(&mut self, step: u64, scores: &[Scored]) {
        let each = scores.iter().map(|s| match s.mean() {
            Some(ce) => format!("{} {ce:.4}", s.modality),
            None => format!("{} –", s.modality),
        });
        let line = format!("step {step}: validation CE, nats/token: {}", each.collect::<Vec<_>>().join(", "));
        self.say(&line);
    }

    fn saved(&mut self, step: u64) {
        self.status.step = step;
        self.write_status();
        self.log(&format!("checkpoint of step {step}"));
    }

    fn note(&mut self, message: &str) {
        self.say(&format!("note: {message}"));
    }

    fn stop(&mut self, step: u64) -> Option<Stop> {
        let steps = self.limits.stop_after.is_some_and(|n| step - self.first >= n);
        let time = self.limits.max_time.is_some_and(|t| self.begun.elapsed() >= t);
        self.signals.stop().or((steps || time).then_some(Stop::Asked))
    }

    fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
}

fn new_bar(total: u64, unit: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5));
    let colour = if output::colour_wanted() { ".cyan" } else { "" };
    let template = format!("{unit} {{pos}}/{{len}} {{wide_bar:{colour}}} {{msg}}");
    // The template is ours; were it wrong, the default bar would do.
    bar.with_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Recent speed: exponential means over about the last 20 steps.
#[derive(Default)]
struct Rate {
    seconds: f64,
    tokens: f64,
    loss: f64,
    weight: f64,
}

impl Rate {
    fn add(&mut self, p: &Progress) {
        const KEEP: f64 = 0.95;
        self.seconds = KEEP * self.seconds + p.seconds;
        self.tokens = KEEP * self.tokens + p.tokens as f64;
        self.loss = KEEP * self.loss + p.loss;
        self.weight = KEEP * self.weight + 1.0;
    }

    fn line(&self, p: &Progress) -> String {
        let left = (p.total - p.step) as f64 * self.seconds / self.weight;
        format!(
            "loss {:.4} · lr {:.2e} · {:.0} tokens/s · {} left",
            self.loss / self.weight,
            p.lr,
            self.tokens / self.seconds.max(1e-9),
            clock(left)
        )
    }
}

/// `m:ss` or `h:mm:ss`.
pub fn clock(seconds: f64) -> String {
    let s = seconds.max(0.0).round() as u64;
    match s / 3600 {
        0 => format!("{}:{:02}", s / 60, s % 60),
        h => format!("{h}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_and_time_left() {
        let mut rate = Rate::default();
        let p = Progress { step: 10, total: 110, loss: 2.0, lr: 1e-3, tokens: 500, seconds: 0.5 };
        (0..10).for_each(|_| rate.add(&p));
        assert_eq!(rate.line(&p), "loss 2.0000 · lr 1.00e-3 · 1000 tokens/s · 0:50 left");
        assert_eq!((clock(3725.4), clock(59.6)), ("1:02:05".into(), "1:00".into()));
    }
}
