//! The probes of a manifest, one after another: per-example scores to files, metrics to the record.

use super::baselines::Fitted;
use super::cross_entropy::{self as ce, Task};
use super::{
    classification, directions, forward_vs_autoregressive, generation, linear_probe, memorization, retrieval,
};
use super::{Subject, Watch};
use crate::data::Dataset;
use crate::fault::Result;
use crate::manifest::schema::{Direction, Experiment, Masking, Probe};
use crate::model::network::Network;
use crate::record::examples::{self, source, Example};
use crate::record::{self, Metric};
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
    net: &dyn Network,
    experiment: &Experiment,
    data: &Dataset,
    untrained: Untrained,
    sink: &mut dyn Sink,
) -> Result<Vec<Metric>> {
    let subject = Subject { net, experiment, data };
    let mut suite = Suite { subject, untrained, sink, files: BTreeMap::new(), metrics: Vec::new() };
    experiment.probes.iter().try_for_each(|probe| suite.probe(probe))?;
    Ok(suite.metrics)
}

struct Suite<'a> {
    /// What the probes measure.
    subject: Subject<'a>,
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
        let s = self.subject;
        let task = Task::new(&s, masks, masking, directions)?;
        let mut rows = ce::network(s.net, &task, source::MODEL, &mut self.watch("cross-entropy"))?;
        rows.extend(ce::shuffled(s.net, &task, &mut self.watch("cross-entropy, shuffled input"))?);
        rows.extend(ce::unconditional(s.net, &task, &mut self.watch("cross-entropy, unconditional"))?);
        let untrained = (self.untrained)()?;
        let watch = &mut self.watch("cross-entropy, untrained");
        rows.extend(ce::network(untrained.as_ref(), &task, source::UNTRAINED, watch)?);
        rows.extend(ce::baselines(&Fitted::all(s.data), &task));
        self.keep(&rows, record::cross_entropy::metrics(&rows, &task.names(), self.seed()))
    }

    fn classification(&mut self, inputs: &[Vec<String>], templates: &[String]) -> Result<()> {
        let s = self.subject;
        let rows = classification::measure(&s, inputs, templates, &mut self.watch("classification"))?;
        let name = |set: &Vec<String>| {
            super::indices(s.experiment, set).map(|set| super::joined(s.experiment, &set))
        };
        let names = inputs.iter().map(name).collect::<Result<Vec<_>>>()?;
        self.keep(&rows, record::classification::metrics(&rows, &names, self.seed()))
    }

    fn retrieval(&mut self, pairs: &[(String, String)], gallery: usize) -> Result<()> {
        let (s, untrained) = (self.subject, (self.untrained)()?);
        let watch = &mut self.watch("retrieval");
        let rows = retrieval::measure(&s, untrained.as_ref(), pairs, gallery, watch)?;
        self.keep(&rows, record::retrieval::metrics(&rows, pairs, gallery, self.seed()))
    }

    fn memorization(&mut self, modality: &str, given: &[String], clips: usize) -> Result<()> {
        let s = self.subject;
        let rows = memorization::measure(&s, modality, given, clips, &mut self.watch("memorization"))?;
        self.keep(&rows, record::memorization::metrics(&rows, self.seed()))
    }

    fn directions(&mut self, directions: &[Direction]) -> Result<()> {
        let (s, untrained) = (self.subject, (self.untrained)()?);
        let watch = &mut self.watch("directions");
        let rows = directions::measure(&s, untrained.as_ref(), directions, watch)?;
        self.keep(&rows, record::directions::metrics(&rows, self.seed()))
    }

    fn forward_vs_autoregressive(&mut self, input: &str, target: &str, clips: usize) -> Result<()> {
        let s = self.subject;
        let watch = &mut self.watch("forward against autoregressive");
        let rows = forward_vs_autoregressive::measure(&s, input, target, clips, watch)?;
        self.keep(&rows, record::forward_vs_autoregressive::metrics(&rows, target, self.seed()))
    }

    fn seed(&self) -> u64 {
        self.subject.experiment.seeds.probes
    }

    fn generation(&mut self, settings: &generation::Settings) -> Result<()> {
        let subject = self.subject;
        let rows = generation::measure(&subject, settings, &mut self.watch("generation"))?;
        self.keep(&rows, record::generation::metrics(&rows, subject.experiment.seeds.probes))
    }

    fn linear_probe(&mut self, sets: &[Vec<String>]) -> Result<()> {
        let (subject, untrained) = (self.subject, (self.untrained)()?);
        let rows =
            linear_probe::measure(&subject, untrained.as_ref(), sets, &mut self.watch("linear probe"))?;
        if rows.is_empty() {
            return Ok(());
        }
        self.keep(&rows, record::linear_probe::metrics(&rows))
    }

    /// Tells the sink about the probe called `name`.
    fn watch(&mut self, name: &'static str) -> Told<'_> {
        Told { sink: self.sink, name }
    }

    /// Adds scores to the file of their kind, and metrics to the record.
    fn keep<E: Example>(&mut self, scores: &[E], metrics: Vec<Metric>) -> Result<()> {
        let csv = examples::to_csv(scores)?;
        let file = self.files.entry(E::FILE).or_default();
        let header = csv.iter().position(|&b| b == b'\n').map_or(csv.len(), |i| i + 1);
        file.extend_from_slice(if file.is_empty() { &csv } else { &csv[header..] });
        self.metrics.extend(metrics);
        self.sink.file(E::FILE, file)
    }
}

/// A sink as one probe sees it.
struct Told<'a> {
    sink: &'a mut dyn Sink,
    name: &'static str,
}

impl Watch for Told<'_> {
    fn progress(&mut self, done: usize, total: usize) -> Result<()> {
        self.sink.progress(self.name, done, total)
    }

    fn note(&mut self, message: &str) {
        self.sink.note(&format!("{}: {message}", self.name));
    }
}
