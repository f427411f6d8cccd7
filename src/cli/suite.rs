//! The probes of a manifest, one after another: per-example scores to files, metrics to the record.

use super::session::Session;
use crate::data::Part;
use crate::fault::Result;
use crate::manifest::schema::Probe;
use crate::model::network::Network;
use crate::probes::baselines::Fitted;
use crate::probes::cross_entropy::{self as ce, Task};
use crate::record::examples::{self, CrossEntropy, Example};
use crate::record::{cross_entropy, Metric};

/// Where the probes report to.
pub trait Sink {
    /// Keeps a per-example file, named relative to the run's directory.
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<()>;

    /// `done` of `total` examples of a probe; an error ends the suite.
    fn progress(&mut self, probe: &str, done: usize, total: usize) -> Result<()>;

    /// Something worth a line.
    fn note(&mut self, message: &str);
}

/// Runs every probe of the manifest on the test split.
pub fn measure(net: &dyn Network, session: &Session, sink: &mut dyn Sink) -> Result<Vec<Metric>> {
    let mut metrics = Vec::new();
    for probe in &session.experiment.probes {
        match probe {
            Probe::CrossEntropy { masks } => metrics.extend(cross_entropies(net, session, *masks, sink)?),
            other => sink.note(&format!("not measured: this version has no probe {}", kind(other))),
        }
    }
    Ok(metrics)
}

fn cross_entropies(net: &dyn Network, s: &Session, masks: usize, sink: &mut dyn Sink) -> Result<Vec<Metric>> {
    let e = &s.experiment;
    let task = Task {
        modalities: &e.modalities,
        masking: &e.masking,
        split: s.data.split(Part::Test),
        seed: e.seeds.probes,
        masks,
    };
    let mut scores = ce::model(net, &task, &mut |done| sink.progress("cross-entropy", done, task.len()))?;
    scores.extend(ce::baselines(&Fitted::all(&s.data), &task));
    sink.file(CrossEntropy::FILE, &examples::to_csv(&scores)?)?;
    let names: Vec<&str> = e.modalities.iter().map(|m| m.name.as_str()).collect();
    Ok(cross_entropy::metrics(&scores, &names, e.seeds.probes))
}

/// `Classify(inputs: …)` → `Classify`.
fn kind(probe: &Probe) -> String {
    format!("{probe:?}").chars().take_while(|c| c.is_ascii_alphanumeric()).collect()
}
