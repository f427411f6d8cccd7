//! What the parameters of FourM hold at the start (REFERENCE §1).

use crate::architecture::{InitialStd, Kind, Spec};
use crate::rng::{stream, Purpose};
use rand_distr::{Distribution, Normal};

/// Initial values of parameter number `index`: a function of the seed, the index and `std`.
pub fn initial(spec: &Spec, seed: u64, index: usize, std: &InitialStd) -> Vec<f32> {
    let std = match spec.kind {
        Kind::Norm => return vec![1.0; spec.numel()],
        Kind::Bias => return vec![0.0; spec.numel()],
        Kind::Weight => std.linear,
        Kind::Embedding => std.embedding,
        Kind::Logits => std.logits,
    };
    let normal = Normal::new(0.0_f32, std as f32).expect("a checked manifest has no negative deviation");
    normal.sample_iter(stream(seed, Purpose::Init, &[index as u64])).take(spec.numel()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initial_values_follow_the_reference() {
        let spec = Spec { name: "w".into(), shape: vec![100, 100], kind: Kind::Weight };
        let std = InitialStd { linear: 0.02, embedding: 1.0, logits: 0.0 };
        let w = initial(&spec, 42, 3, &std);
        let mean = w.iter().map(|x| *x as f64).sum::<f64>() / w.len() as f64;
        let var = w.iter().map(|x| (*x as f64 - mean).powi(2)).sum::<f64>() / w.len() as f64;
        assert!(mean.abs() < 1e-3 && (var.sqrt() - 0.02).abs() < 5e-4);
        assert_eq!(w, initial(&spec, 42, 3, &std));
        assert_ne!(w, initial(&spec, 42, 4, &std));
        let logits = Spec { kind: Kind::Logits, ..spec };
        assert!(initial(&logits, 42, 3, &std).iter().all(|x| *x == 0.0));
    }
}
