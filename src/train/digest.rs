//! Digests of parameters and optimizer state: what `verify` compares.
//!
//! Each tensor's digest covers its name, shape and little-endian values, never a file's bytes.

use crate::digest::Hasher;
use crate::model::network::{NamedTensor, Network};
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
pub fn of_state(net: &dyn Network) -> StateDigest {
    // One after the other, so that both copies are never held together.
    let mut tensors = of_tensors(&net.parameters());
    tensors.extend(of_tensors(&net.moments()));
    combine(tensors)
}

/// Digest of the parameters alone, 64 hex digits.
pub fn of_parameters(net: &dyn Network) -> String {
    combine(of_tensors(&net.parameters())).whole
}

fn of_tensors(tensors: &[NamedTensor]) -> Vec<(String, String)> {
    tensors.par_iter().map(|t| (t.name.clone(), of_tensor(t))).collect()
}

fn of_tensor(t: &NamedTensor) -> String {
    let mut hasher = Hasher::new("nano4m.tensor.v1");
    hasher.field(t.name.as_bytes());
    hasher.number(t.shape.len() as u64);
    for &d in &t.shape {
        hasher.number(d as u64);
    }
    let bytes: Vec<u8> = t.values.iter().flat_map(|v| v.to_le_bytes()).collect();
    hasher.field(&bytes);
    hasher.finish_hex()
}

fn combine(mut tensors: Vec<(String, String)>) -> StateDigest {
    let mut hasher = Hasher::new("nano4m.state.v1");
    for (_, digest) in &mut tensors {
        hasher.field(digest.as_bytes());
        digest.truncate(SHORT);
    }
    StateDigest { whole: hasher.finish_hex(), tensors }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_shapes_and_every_bit_count() {
        let tensor = |name: &str, shape: &[usize], values: &[f32]| NamedTensor {
            name: name.into(),
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        let all = [
            of_tensor(&tensor("a", &[2], &[0.0, 1.0])),
            of_tensor(&tensor("b", &[2], &[0.0, 1.0])),
            of_tensor(&tensor("a", &[1, 2], &[0.0, 1.0])),
            of_tensor(&tensor("a", &[2], &[-0.0, 1.0])),
            of_tensor(&tensor("a", &[2], &[0.0, 1.000_000_1])),
        ];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }
}
