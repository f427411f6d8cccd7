//! Digests of a network's parameters and optimizer state: what `verify` compares.
//!
//! Made of the digests of the tensors ([`NamedTensor::digest`]), never of a file's bytes.

use super::network::{NamedTensor, State};
use crate::digest;
use rayon::prelude::*;

/// Hex digits kept of a tensor's digest in `digests.csv`; the whole state keeps all 64.
const SHORT: usize = 16;

/// Digests of one moment of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDigest {
    /// Over the digests of all tensors, 64 hex digits.
    pub whole: String,
    /// Name and first 16 hex digits: parameters in state-dict order, then the moments.
    pub tensors: Vec<(String, String)>,
}

/// Digests of the parameters and of the optimizer's moments.
pub fn of_state(net: &dyn State) -> StateDigest {
    // One after the other, so that both copies are never held together.
    let mut tensors = of_tensors(&net.parameters());
    tensors.extend(of_tensors(&net.moments()));
    combine(tensors)
}

/// Digest of the parameters alone, 64 hex digits.
pub fn of_parameters(net: &dyn State) -> String {
    combine(of_tensors(&net.parameters())).whole
}

fn of_tensors(tensors: &[NamedTensor]) -> Vec<(String, String)> {
    tensors.par_iter().map(|t| (t.name.clone(), t.digest())).collect()
}

fn combine(mut tensors: Vec<(String, String)>) -> StateDigest {
    let whole = digest::of_state(tensors.iter().map(|(_, digest)| digest.as_str()));
    tensors.iter_mut().for_each(|(_, digest)| digest.truncate(SHORT));
    StateDigest { whole, tensors }
}
