//! What a probe measures, and how its files name the modalities.

use crate::data::Dataset;
use crate::fault::{Fault, Result};
use crate::manifest::schema::Experiment;
use crate::modality;
use crate::model::network::Inference;

/// A network, and the data it is measured on.
#[derive(Clone, Copy)]
pub struct Evaluation<'a> {
    pub net: &'a dyn Inference,
    pub experiment: &'a Experiment,
    pub data: &'a Dataset,
}

impl Evaluation<'_> {
    /// Index of the modality that a probe calls `name`.
    ///
    /// # Errors
    /// If there is none; checking a manifest finds it earlier.
    pub fn index(&self, name: &str) -> Result<usize> {
        modality::index(&self.experiment.modalities, name).map_err(in_probes)
    }

    /// Indices of the modalities that a probe calls `names`, ascending, each once.
    ///
    /// # Errors
    /// As [`Evaluation::index`].
    pub fn indices(&self, names: &[String]) -> Result<Vec<usize>> {
        modality::indices(&self.experiment.modalities, names).map_err(in_probes)
    }

    /// A set of modalities as files name it: in the manifest's order, joined by `+`.
    pub fn joined(&self, modalities: &[usize]) -> String {
        let names = modalities.iter().map(|&m| self.experiment.modalities[m].name.as_str());
        names.collect::<Vec<_>>().join("+")
    }

    /// `inputs->targets` as files name it.
    pub fn direction(&self, inputs: &[usize], targets: &[usize]) -> String {
        format!("{}->{}", self.joined(inputs), self.joined(targets))
    }
}

fn in_probes(fault: Fault) -> Fault {
    fault.at("probes")
}

#[cfg(test)]
mod tests {
    use crate::probes::testing;

    #[test]
    fn names_are_looked_up_and_put_in_order() {
        let bench = testing::bench(1, false);
        let evaluation = bench.evaluation();
        let found = evaluation.indices(&["scene_desc".into(), "a@8".into(), "a@8".into()]).unwrap();
        assert_eq!(
            (evaluation.joined(&found), evaluation.direction(&found, &[1])),
            ("a@8+scene_desc".into(), "a@8+scene_desc->b@6".into())
        );
        let fault = evaluation.index("a@6").unwrap_err();
        assert_eq!(
            (fault.place.as_deref(), fault.what.as_str()),
            (Some("probes"), "no modality is named `a@6`")
        );
    }
}
