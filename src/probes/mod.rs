//! Measurements on a trained network: one probe per file. Each gives per-example scores; tables and
//! metrics are made from those alone (`record`, `report`).

pub mod baselines;
mod class_texts;
pub mod classification;
pub mod control;
pub mod cross_entropy;
pub mod directions;
pub mod forward_vs_autoregressive;
pub mod generation;
pub mod linear_probe;
pub mod memorization;
pub mod packing;
pub mod retrieval;
pub mod suite;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
pub(crate) use testing::Silent;

use crate::data::Dataset;
use crate::fault::{Fault, Result};
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

/// Index of the modality called `name`.
///
/// # Errors
/// If there is none; checking a manifest finds it earlier, with a suggestion.
pub fn index(e: &Experiment, name: &str) -> Result<usize> {
    let all = || e.modalities.iter().map(|m| m.name.as_str());
    all().position(|n| n == name).ok_or_else(|| {
        Fault::invalid(format!("a probe names `{name}`, which is no modality"))
            .at("probes")
            .expected(all().collect::<Vec<_>>().join(", "))
            .help("correct the name in the probe")
    })
}

/// Indices of the modalities called `names`, in the manifest's order.
///
/// # Errors
/// As [`index`].
pub fn indices(e: &Experiment, names: &[String]) -> Result<Vec<usize>> {
    let mut all: Vec<usize> = names.iter().map(|n| index(e, n)).collect::<Result<_>>()?;
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// A set of modalities as files name it: in the manifest's order, joined by `+`.
pub fn joined(e: &Experiment, modalities: &[usize]) -> String {
    modalities.iter().map(|&m| e.modalities[m].name.as_str()).collect::<Vec<_>>().join("+")
}

/// `inputs->targets` as files name it.
pub fn direction_name(e: &Experiment, inputs: &[usize], targets: &[usize]) -> String {
    format!("{}->{}", joined(e, inputs), joined(e, targets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_and_put_in_order() {
        let bench = testing::bench(1, false);
        let e = &bench.experiment;
        let found = indices(e, &["scene_desc".into(), "a@8".into(), "a@8".into()]).unwrap();
        assert_eq!(
            (joined(e, &found), direction_name(e, &found, &[1])),
            ("a@8+scene_desc".into(), "a@8+scene_desc->b@6".into())
        );
        let fault = indices(e, &["c@8".into()]).unwrap_err();
        assert_eq!(fault.what, "a probe names `c@8`, which is no modality");
    }
}
