//! Randomness as a pure function of (seed, purpose, indices): one ChaCha stream per key.
//!
//! Nothing in the program draws from a generator that outlives one use. What happened before
//! (steps run, threads used, a resume) can therefore not change a draw.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// A stream of randomness; its own type so that the generator is named in one place.
pub type Stream = ChaCha8Rng;

/// What a stream is for. The names are hashed: renaming one changes every number drawn with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights; index = position of the parameter in the model's list.
    Init,
    /// Order of the clips; index = epoch.
    Order,
    /// Which of the K rows of a clip is used; indices = epoch, clip.
    Row,
    /// Budgets and positions of a mask; indices = epoch, clip (training) or mask, clip (probes).
    Mask,
    /// Synthetic data; indices = split, clip.
    Synthetic,
    /// Structure of the synthetic source (prototypes).
    Prototypes,
    /// Split of clips into train, validation and test; index = stratum.
    Split,
    /// Bootstrap resampling; index = replicate.
    Bootstrap,
    /// Permutation tests; index = replicate.
    Permutation,
    /// Decoding: order and sampling of tokens; indices = clip, step.
    Decode,
    /// Shuffled inputs or labels of control experiments.
    Control,
    /// Initial weights and order of a linear probe.
    LinearProbe,
    /// Simulations that validate statistics and benchmarks.
    Simulation,
}

/// The stream for `(seed, purpose, indices)`.
pub fn stream(seed: u64, purpose: Purpose, indices: &[u64]) -> Stream {
    let mut h = Sha256::new();
    h.update(b"nano4m.rng.v1\0");
    h.update(seed.to_le_bytes());
    h.update(format!("{purpose:?}\0"));
    for i in indices {
        h.update(i.to_le_bytes());
    }
    ChaCha8Rng::from_seed(h.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngCore;

    #[test]
    fn a_key_names_one_stream() {
        let draw = |s, p, i: &[u64]| stream(s, p, i).next_u64();
        assert_eq!(draw(1, Purpose::Mask, &[0, 7]), draw(1, Purpose::Mask, &[0, 7]));
        let all = [
            draw(1, Purpose::Mask, &[0, 7]),
            draw(2, Purpose::Mask, &[0, 7]),
            draw(1, Purpose::Order, &[0, 7]),
            draw(1, Purpose::Mask, &[7, 0]),
            draw(1, Purpose::Mask, &[0]),
        ];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }
}
