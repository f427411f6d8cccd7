//! What the number of tokens that probes pass through a network is made of: their time is forecast from it.
//!
//! A token of a longer sequence costs more, by the attention it takes part in; a count does not know that,
//! and says about what a measurement will take, no more.

use crate::data::{Dataset, Part};
use crate::fault::Result;
use crate::manifest::schema::{Direction, Experiment};
use crate::modality::{self, Text};

/// Clips of the splits and the lengths of the modalities.
pub struct Workload<'a> {
    pub experiment: &'a Experiment,
    /// Clips in training, validation and test.
    clips: [usize; 3],
    /// Tokens of a clip under the training masking, input and targets, on average.
    pub masked: f64,
}

impl<'a> Workload<'a> {
    /// Of `experiment` on its `data`; `masked` tokens per masked clip.
    pub fn new(experiment: &'a Experiment, data: &Dataset, masked: f64) -> Workload<'a> {
        Workload::of(experiment, Part::ALL.map(|part| data.split(part).len()), masked)
    }

    /// The same, from the number of `clips` in training, validation and test.
    pub(super) fn of(experiment: &'a Experiment, clips: [usize; 3], masked: f64) -> Workload<'a> {
        Workload { experiment, clips, masked }
    }

    /// Tokens of one validation pass.
    pub fn validation(&self) -> f64 {
        self.split(Part::Eval) * self.masked
    }

    /// Clips of a split.
    pub(super) fn split(&self, part: Part) -> f64 {
        self.clips[part as usize] as f64
    }

    /// Tokens of a clip in all of these directions, inputs and targets.
    pub(super) fn directions(&self, all: &[Direction]) -> Result<f64> {
        all.iter().map(|d| Ok(self.lengths(&d.inputs)? + self.lengths(&d.targets)?)).sum()
    }

    /// Tokens of a clip in all of these modalities.
    pub(super) fn lengths<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> Result<f64> {
        names.into_iter().map(|name| self.length(name)).sum()
    }

    /// Tokens of a clip in one of them.
    pub(super) fn length(&self, name: &str) -> Result<f64> {
        let modalities = &self.experiment.modalities;
        Ok(modalities[modality::index(modalities, name)?].length as f64)
    }

    /// Tokens of a caption, 0 without one, and whether every class has a key token.
    pub(super) fn caption(&self) -> (f64, bool) {
        let caption = self.experiment.modalities.iter().find(|m| m.text.is_some());
        caption.map_or((0.0, false), |m| (m.length as f64, m.text == Some(Text::Gpt2)))
    }
}

/// A number of clips where 0 means all.
pub(super) fn limited(clips: usize, all: f64) -> f64 {
    if clips == 0 {
        return all;
    }
    all.min(clips as f64)
}
