//! Measurements on a trained network: one probe per file. Each gives per-example scores; tables and
//! metrics are made from those alone (`record`, `report`).

pub mod baselines;
pub mod cross_entropy;
pub mod generation;
pub mod linear_probe;
pub mod packing;

use crate::data::Dataset;
use crate::fault::Result;
use crate::manifest::schema::Experiment;
use crate::model::network::Network;

/// What a probe measures.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub net: &'a dyn Network,
    pub experiment: &'a Experiment,
    pub data: &'a Dataset,
}

/// Who is told how far a probe is.
pub trait Watch {
    /// `done` of `total` samples are measured; an error ends the probe.
    fn progress(&mut self, done: usize, total: usize) -> Result<()>;

    /// Something worth a line, e.g. what could not be measured and why.
    fn note(&mut self, message: &str);
}

/// Tells nobody.
#[cfg(test)]
pub(crate) struct Silent;

#[cfg(test)]
impl Watch for Silent {
    fn progress(&mut self, _done: usize, _total: usize) -> Result<()> {
        Ok(())
    }

    fn note(&mut self, _message: &str) {}
}
