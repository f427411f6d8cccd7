//! The probes of a manifest, one after another: per-example scores to files, metrics to the record.

use super::baselines::Fitted;
use super::cross_entropy::{self as ce, Task};
use super::evaluation::Evaluation;
use super::{
    classification, directions, forward_vs_autoregressive, generation, linear_probe, memorization, retrieval,
};
use crate::data::Dataset;
use crate::fault::Result;
use crate::manifest::schema::{Direction, Experiment, Masking, Probe};
use crate::metrics::{self, rows, source, Metric, ScoreRow};
use crate::model::network::{Inference, Network};
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

/// Runs every probe of the experiment.
///
/// # Errors
/// What a probe cannot measure, and whatever the sink refuses.
pub fn measure(
    net: &dyn Inference,
    experiment: &Experiment,
    data: &Dataset,
    untrained: Untrained,
    sink: &mut dyn Sink,
) -> Result<Vec<Metric>> {
    let evaluation = Evaluation { net, experiment, data };
    let mut suite = Suite { evaluation, untrained, sink, files: BTreeMap::new(), metrics: Vec::new() };
    experiment.probes.iter().try_for_each(|probe| suite.probe(probe))?;
    Ok(suite.metrics)
}

struct Suite<'a> {
    /// What the probes measure.
    evaluation: Evaluation<'a>,
    untrained: Untrained<'a>,
    sink: &'a mut dyn Sink,
    /// Per-example files so far: two probes of one kind share theirs.
    files: BTreeMap<&'static str, Vec<u8>>,
    metrics: Vec<Metric>,
}

impl<'a> Suite<'a> {
    /// One arm per probe: measure, keep the scores, make metrics of them.
    fn probe(&mut self, probe: &Probe) -> Result<()> {
        match probe {
            Probe::CrossEntropy { masks, masking, directions } => {
                self.cross_entropy(*masks, masking.as_ref(), directions)
            }
            Probe::Classify { inputs, templates } => self.classification(inputs, templates),
            Probe::Retrieval { pairs, gallery } => self.retrieval(pairs, *gallery),
            Probe::Memorization { modality, given, clips } => self.memorization(modality, given, *clips),
            Probe::Directions(directions) => self.directions(directions),
            Probe::ForwardVsAutoregressive { input, target, clips } => {
                self.forward_vs_autoregressive(input, target, *clips)
            }
            Probe::Generation { inputs, target, clips, prefix, decode } => {
                let (clips, prefix) = (*clips, *prefix);
                self.generation(&generation::Settings { inputs, target, clips, prefix, decode })
            }
            Probe::LinearProbe { inputs } => self.linear_probe(inputs),
        }
    }

    fn cross_entropy(
        &mut self,
        masks: usize,
        masking: Option<&Masking>,
        directions: &[Direction],
    ) -> Result<()> {
        let evaluation = self.evaluation;
        let task = Task::new(&evaluation, masks, masking, directions)?;
        let mut rows = ce::network(evaluation.net, &task, source::MODEL, &mut self.observe("cross-entropy"))?;
        rows.extend(ce::shuffled(evaluation.net, &task, &mut self.observe("cross-entropy, shuffled input"))?);
        rows.extend(ce::unconditional(
            evaluation.net,
            &task,
            &mut self.observe("cross-entropy, unconditional"),
        )?);
        let untrained = (self.untrained)()?;
        let observer = &mut self.observe("cross-entropy, untrained");
        rows.extend(ce::network(untrained.as_ref(), &task, source::UNTRAINED, observer)?);
        rows.extend(ce::baselines(&Fitted::all(evaluation.data), &task));
        self.keep(&rows, metrics::cross_entropy::metrics(&rows, &task.names(), self.seed()))
    }

    fn classification(&mut self, inputs: &[Vec<String>], templates: &[String]) -> Result<()> {
        let evaluation = self.evaluation;
        let rows =
            classification::measure(&evaluation, inputs, templates, &mut self.observe("classification"))?;
        let name = |set: &Vec<String>| evaluation.indices(set).map(|set| evaluation.joined(&set));
        let names = inputs.iter().map(name).collect::<Result<Vec<_>>>()?;
        self.keep(&rows, metrics::classification::metrics(&rows, &names, self.seed()))
    }

    fn retrieval(&mut self, pairs: &[(String, String)], gallery: usize) -> Result<()> {
        let (evaluation, untrained) = (self.evaluation, (self.untrained)()?);
        let observer = &mut self.observe("retrieval");
        let rows = retrieval::measure(&evaluation, untrained.as_ref(), pairs, gallery, observer)?;
        self.keep(&rows, metrics::retrieval::metrics(&rows, pairs, gallery, self.seed()))
    }

    fn memorization(&mut self, modality: &str, given: &[String], clips: usize) -> Result<()> {
        let evaluation = self.evaluation;
        let rows =
            memorization::measure(&evaluation, modality, given, clips, &mut self.observe("memorization"))?;
        self.keep(&rows, metrics::memorization::metrics(&rows, self.seed()))
    }

    fn directions(&mut self, directions: &[Direction]) -> Result<()> {
        let (evaluation, untrained) = (self.evaluation, (self.untrained)()?);
        let observer = &mut self.observe("directions");
        let rows = directions::measure(&evaluation, untrained.as_ref(), directions, observer)?;
        self.keep(&rows, metrics::directions::metrics(&rows, self.seed()))
    }

    fn forward_vs_autoregressive(&mut self, input: &str, target: &str, clips: usize) -> Result<()> {
        let evaluation = self.evaluation;
        let observer = &mut self.observe("forward against autoregressive");
        let rows = forward_vs_autoregressive::measure(&evaluation, input, target, clips, observer)?;
        self.keep(&rows, metrics::forward_vs_autoregressive::metrics(&rows, target, self.seed()))
    }

    fn seed(&self) -> u64 {
        self.evaluation.experiment.seeds.probes
    }

    fn generation(&mut self, settings: &generation::Settings) -> Result<()> {
        let evaluation = self.evaluation;
        let rows = generation::measure(&evaluation, settings, &mut self.observe("generation"))?;
        self.keep(&rows, metrics::generation::metrics(&rows, evaluation.experiment.seeds.probes))
    }

    fn linear_probe(&mut self, sets: &[Vec<String>]) -> Result<()> {
        let (evaluation, untrained) = (self.evaluation, (self.untrained)()?);
        let rows =
            linear_probe::measure(&evaluation, untrained.as_ref(), sets, &mut self.observe("linear probe"))?;
        if rows.is_empty() {
            return Ok(());
        }
        self.keep(&rows, metrics::linear_probe::metrics(&rows, self.seed()))
    }

    /// Tells the sink about the probe called `name`.
    fn observe(&mut self, name: &'static str) -> OneProbe<'_> {
        OneProbe { sink: self.sink, name }
    }

    /// Adds scores to the file of their kind, and metrics to the record.
    fn keep<R: ScoreRow>(&mut self, scores: &[R], metrics: Vec<Metric>) -> Result<()> {
        let csv = rows::to_csv(scores)?;
        let file = self.files.entry(R::FILE).or_default();
        let header = csv.iter().position(|&b| b == b'\n').map_or(csv.len(), |i| i + 1);
        file.extend_from_slice(if file.is_empty() { &csv } else { &csv[header..] });
        self.metrics.extend(metrics);
        self.sink.file(R::FILE, file)
    }
}

/// A sink as one probe sees it.
struct OneProbe<'a> {
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
