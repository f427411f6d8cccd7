//! A tensor on the host, and its digest.

use crate::digest::Hasher;
use std::collections::BTreeMap;

/// A parameter or state tensor on the host, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl NamedTensor {
    /// Digest of name, rank, shape and little-endian values, 64 hex digits: what `digests.csv` begins with
    /// and `verify` recomputes.
    pub fn digest(&self) -> String {
        let mut hasher = Hasher::new("nano4m.tensor.v1");
        hasher.field(self.name.as_bytes()).number(self.shape.len() as u64);
        for &size in &self.shape {
            hasher.number(size as u64);
        }
        let bytes: Vec<u8> = self.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        hasher.field(&bytes);
        hasher.finish_hex()
    }
}

/// Tensors keyed by name.
pub fn by_name(tensors: Vec<NamedTensor>) -> BTreeMap<String, NamedTensor> {
    tensors.into_iter().map(|t| (t.name.clone(), t)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256_hex;

    fn tensor(name: &str, shape: &[usize], values: &[f32]) -> NamedTensor {
        NamedTensor { name: name.into(), shape: shape.to_vec(), values: values.to_vec() }
    }

    #[test]
    fn names_shapes_and_every_bit_count_in_a_digest() {
        let all = [
            tensor("a", &[2], &[0.0, 1.0]),
            tensor("b", &[2], &[0.0, 1.0]),
            tensor("a", &[1, 2], &[0.0, 1.0]),
            tensor("a", &[2], &[-0.0, 1.0]),
            tensor("a", &[2], &[0.0, 1.000_000_1]),
        ]
        .map(|t| t.digest());
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }

    /// Runs of every version are verified with it: each field after its length, numbers of eight bytes.
    #[test]
    fn what_a_digest_covers_is_fixed() {
        let number = |n: u64| [8u64.to_le_bytes(), n.to_le_bytes()].concat();
        let field = |bytes: &[u8]| [&(bytes.len() as u64).to_le_bytes(), bytes].concat();
        let values = [1f32.to_le_bytes(), 2f32.to_le_bytes()].concat();
        let bytes =
            [field(b"nano4m.tensor.v1"), field(b"w"), number(2), number(1), number(2), field(&values)]
                .concat();
        assert_eq!(tensor("w", &[1, 2], &[1.0, 2.0]).digest(), sha256_hex(&bytes));
    }
}
