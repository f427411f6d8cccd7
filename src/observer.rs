//! What a run tells the outside, and what it asks: progress, the clock, whether to stop.

use crate::fault::{Exit, Result};
use std::fmt;
use std::path::Path;

/// Why a run stops before its last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A limit that was asked for: `--stop-after`, `--max-time`.
    Asked,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// Another signal, by its name.
    Signalled(&'static str),
}

impl Stop {
    /// What the program ends with.
    pub fn exit(self) -> Exit {
        match self {
            Stop::Asked | Stop::Signalled(_) => Exit::Stopped,
            Stop::Interrupted => Exit::Interrupted,
            Stop::Terminated => Exit::Terminated,
        }
    }
}

impl fmt::Display for Stop {
    /// As a status and a log give it for the reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Asked => f.write_str("stopped as asked"),
            Stop::Interrupted => f.write_str("interrupted"),
            Stop::Terminated => f.write_str("terminated"),
            Stop::Signalled(name) => write!(f, "stopped by {name}"),
        }
    }
}

/// One finished step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps done, this one included.
    pub step: u64,
    pub total: u64,
    pub loss: f64,
    pub lr: f64,
    /// Input and target tokens of this step's batch.
    pub tokens: usize,
    /// Wall time of this step, seconds.
    pub seconds: f64,
}

/// What the validation split says of one modality: its summed cross-entropy.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidationScore {
    /// Name of the modality.
    pub modality: String,
    /// Target tokens.
    pub tokens: usize,
    /// Sum over them, nats.
    pub ce_nats: f64,
}

impl ValidationScore {
    /// Nats per token; `None` without targets.
    pub fn mean(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.ce_nats / self.tokens as f64)
    }
}

/// Receives the events of a run, in this order: `begun`, `started`, then `stepped`, `evaluated` and `saved`
/// as they come, `ended`, `measured` for each probe, `ended`; `note` and `stop` at any time. The run itself
/// neither prints nor asks for the time.
pub trait Observer {
    /// The run's directory is locked and described; work on it begins.
    ///
    /// # Errors
    /// Whatever keeps the observer from watching: nothing is done then.
    fn begun(&mut self, _run: &Path) -> Result<()> {
        Ok(())
    }

    /// Training starts, or continues after `step` steps.
    fn started(&mut self, _step: u64, _total: u64) {}

    /// A step is done and its row written.
    fn stepped(&mut self, _progress: &Progress) {}

    /// The validation split was scored.
    fn evaluated(&mut self, _step: u64, _scores: &[ValidationScore]) {}

    /// A checkpoint of `step` is on disk.
    fn saved(&mut self, _step: u64) {}

    /// A probe has measured `done` of `total` samples.
    fn measured(&mut self, _probe: &str, _done: usize, _total: usize) {}

    /// Training is over, or measuring is, for whatever reason.
    fn ended(&mut self) {}

    /// Something worth a line, e.g. a damaged checkpoint that was passed over.
    fn note(&mut self, _message: &str) {}

    /// Asked before each step and between the samples of a probe; `step` steps are done (0 of a checkpoint
    /// that no run is known of).
    ///
    /// What stops a run ends it with [`Ended::Stopped`](crate::runner::Ended): while it is trained after a
    /// checkpoint, so that nothing is lost; while it is measured at once, and `resume` measures again from
    /// the first probe. What stops a measurement alone (`runner::evaluate`) is an `Err` with the exit code
    /// of the reason.
    fn stop(&mut self, _step: u64) -> Option<Stop> {
        None
    }

    /// Seconds on any monotonic clock: for rates, for a limit of time, and for how often `status.json` and
    /// `log.txt` tell of steps; never for a result. A clock that stands still leaves them with what
    /// checkpoints and evaluations tell.
    fn seconds(&self) -> f64;
}

/// Is told how far a probe is.
pub trait ProbeObserver {
    /// `done` of `total` samples are measured; an error ends the probe.
    fn progress(&mut self, _done: usize, _total: usize) -> Result<()> {
        Ok(())
    }

    /// Something worth a line, e.g. what could not be measured and why.
    fn note(&mut self, _message: &str) {}
}

/// Is told nothing and never stops. It has no clock: rates are absent, a limit of time is never reached, and
/// between two steps `status.json` moves with checkpoints and evaluations only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Silent;

impl Observer for Silent {
    fn seconds(&self) -> f64 {
        0.0
    }
}

impl ProbeObserver for Silent {}
