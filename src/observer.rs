//! What a run tells the outside, and what it asks: progress, the clock, whether to stop.

/// Why a run stops before its last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A limit that was asked for: `--stop-after`, `--max-time`.
    Asked,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
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

/// Summed cross-entropy of one modality.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Name of the modality.
    pub modality: String,
    /// Target tokens.
    pub tokens: usize,
    /// Sum over them, nats.
    pub ce_nats: f64,
}

impl Scored {
    /// Nats per token; `None` without targets.
    pub fn mean(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.ce_nats / self.tokens as f64)
    }
}

/// Receives the events of a run. Training itself neither prints nor reads the clock.
pub trait Observer {
    /// Training starts, or continues after `step` steps.
    fn started(&mut self, _step: u64, _total: u64) {}

    /// A step is done and its row written.
    fn stepped(&mut self, _progress: &Progress) {}

    /// The validation split was scored.
    fn evaluated(&mut self, _step: u64, _scores: &[Scored]) {}

    /// A checkpoint of `step` is on disk.
    fn saved(&mut self, _step: u64) {}

    /// Something worth a line in the log, e.g. a damaged checkpoint that was passed over.
    fn note(&mut self, _message: &str) {}

    /// Asked before each step; `step` steps are done.
    fn stop(&mut self, _step: u64) -> Option<Stop> {
        None
    }

    /// Seconds on any monotonic clock; only for rates.
    fn seconds(&self) -> f64;
}
