//! The probes of a manifest, one after another: per-example scores to files, metrics to the record.

use super::args::Global;
use super::execute;
use super::session::Session;
use crate::data::Part;
use crate::fault::Result;
use crate::manifest::schema::{Masking, Probe};
use crate::model::network::Network;
use crate::probes::baselines::Fitted;
use crate::probes::cross_entropy::{self as ce, Task};
use crate::probes::{generation, linear_probe, Subject, Watch};
use crate::record::examples::{self, source, Example};
use crate::record::{self, cross_entropy, Metric};
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

/// Runs every probe of the manifest.
pub fn measure(net: &dyn Network, session: &Session, g: &Global, sink: &mut dyn Sink) -> Result<Vec<Metric>> {
    let mut suite = Suite { net, session, g, sink, files: BTreeMap::new(), metrics: Vec::new() };
    session.experiment.probes.iter().try_for_each(|probe| suite.probe(probe))?;
    Ok(suite.metrics)
}

struct Suite<'a> {
    net: &'a dyn Network,
    session: &'a Session,
    g: &'a Global,
    sink: &'a mut dyn Sink,
    /// Per-example files so far: two probes of one kind share theirs.
    files: BTreeMap<&'static str, Vec<u8>>,
    metrics: Vec<Metric>,
}

impl<'a> Suite<'a> {
    /// One arm per probe: measure, keep the scores, make metrics of them.
    fn probe(&mut self, probe: &Probe) -> Result<()> {
        match probe {
            Probe::CrossEntropy { masks, masking } => self.cross_entropy(*masks, masking.as_ref()),
            Probe::Generation { inputs, target, clips, prefix, decode } => {
                let (clips, prefix) = (*clips, *prefix);
                self.generation(&generation::Settings { inputs, target, clips, prefix, decode })
            }
            Probe::LinearProbe { inputs } => self.linear_probe(inputs),
            other => {
                self.sink.note(&format!("not measured: this version has no probe {}", kind(other)));
                Ok(())
            }
        }
    }

    fn cross_entropy(&mut self, masks: usize, fixed: Option<&Masking>) -> Result<()> {
        let Subject { experiment: e, data, .. } = self.subject();
        let (modalities, masking) = ce::masked(e, fixed);
        let task = Task {
            modalities: &modalities,
            masking,
            split: data.split(Part::Test),
            seed: e.seeds.probes,
            masks,
        };
        let mut scores = ce::model(self.net, &task, &mut self.watch("cross-entropy"))?;
        scores.extend(ce::baselines(&Fitted::all(data), &task));
        let untrained = self.untrained()?;
        let mut watch = self.watch("cross-entropy, untrained");
        scores.extend(ce::network(untrained.as_ref(), &task, source::UNTRAINED, &mut watch)?);
        let names: Vec<&str> = e.modalities.iter().map(|m| m.name.as_str()).collect();
        self.keep(&scores, cross_entropy::metrics(&scores, &names, e.seeds.probes))
    }

    fn generation(&mut self, settings: &generation::Settings) -> Result<()> {
        let subject = self.subject();
        let rows = generation::measure(&subject, settings, &mut self.watch("generation"))?;
        self.keep(&rows, record::generation::metrics(&rows, subject.experiment.seeds.probes))
    }

    fn linear_probe(&mut self, sets: &[Vec<String>]) -> Result<()> {
        let (subject, untrained) = (self.subject(), self.untrained()?);
        let rows =
            linear_probe::measure(&subject, untrained.as_ref(), sets, &mut self.watch("linear probe"))?;
        if rows.is_empty() {
            return Ok(());
        }
        self.keep(&rows, record::linear_probe::metrics(&rows))
    }

    /// What the probes measure.
    fn subject(&self) -> Subject<'a> {
        Subject { net: self.net, experiment: &self.session.experiment, data: &self.session.data }
    }

    /// The network before training.
    fn untrained(&self) -> Result<Box<dyn Network>> {
        execute::network(self.session, self.g)
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

/// `Classify(inputs: …)` → `Classify`.
fn kind(probe: &Probe) -> String {
    format!("{probe:?}").chars().take_while(|c| c.is_ascii_alphanumeric()).collect()
}
