//! What a probe is given to run on, and where its scores go.

use super::evaluation::Evaluation;
use crate::fault::Result;
use crate::metrics::{rows, Metric, ScoreRow};
use crate::model::network::Network;
use crate::observer::ProbeObserver;
use std::collections::BTreeMap;

/// Where the probes report to.
pub trait Sink {
    /// Keeps a per-example file, named relative to the run's directory. A later file of the same name
    /// replaces it.
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<()>;

    /// `done` of `total` samples of a probe; an error ends the suite.
    fn progress(&mut self, probe: &str, done: usize, total: usize) -> Result<()>;

    /// Something worth a line.
    fn note(&mut self, message: &str);
}

/// Makes the network as it was before training, for the probes that compare with it.
pub type Untrained<'a> = &'a dyn Fn() -> Result<Box<dyn Network>>;

/// The scores of the probes so far, and what the next one needs.
pub struct Scores<'a> {
    /// What the probes measure.
    pub evaluation: Evaluation<'a>,
    pub untrained: Untrained<'a>,
    sink: &'a mut dyn Sink,
    /// Per-example files so far: two probes of one kind share theirs.
    files: BTreeMap<&'static str, Vec<u8>>,
    /// What the record will hold.
    pub metrics: Vec<Metric>,
}

impl<'a> Scores<'a> {
    /// None yet.
    pub fn new(evaluation: Evaluation<'a>, untrained: Untrained<'a>, sink: &'a mut dyn Sink) -> Scores<'a> {
        Scores { evaluation, untrained, sink, files: BTreeMap::new(), metrics: Vec::new() }
    }

    /// `seeds.probes`.
    pub fn seed(&self) -> u64 {
        self.evaluation.experiment.seeds.probes
    }

    /// Tells the sink about the probe called `name`.
    pub fn observe(&mut self, name: &'static str) -> OneProbe<'_> {
        OneProbe { sink: &mut *self.sink, name }
    }

    /// Adds scores to the file of their kind, and metrics to the record.
    ///
    /// # Errors
    /// What the sink refuses.
    pub fn keep<R: ScoreRow>(&mut self, scores: &[R], metrics: Vec<Metric>) -> Result<()> {
        let csv = rows::to_csv(scores)?;
        let file = self.files.entry(R::FILE).or_default();
        let header = csv.iter().position(|&b| b == b'\n').map_or(csv.len(), |i| i + 1);
        file.extend_from_slice(if file.is_empty() { &csv } else { &csv[header..] });
        self.metrics.extend(metrics);
        self.sink.file(R::FILE, file)
    }
}

/// A sink as one probe sees it.
pub struct OneProbe<'a> {
    sink: &'a mut dyn Sink,
    name: &'static str,
}

impl ProbeObserver for OneProbe<'_> {
    fn progress(&mut self, done: usize, total: usize) -> Result<()> {
        self.sink.progress(self.name, done, total)
    }

    fn note(&mut self, message: &str) {
        self.sink.note(&format!("{}: {message}", self.name));
    }
}
