//! What the parameters of FourM hold at the start, and the fixed position table (REFERENCE §1).

use crate::architecture::{Config, InitialStd, Kind, Spec};
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

/// The fixed sin–cos table `[positions, dim]`: row n = [sin(n·ω) ‖ cos(n·ω)], ω_d = 10000^(−d/(dim/2)).
pub fn positions(config: &Config) -> Vec<f32> {
    let half = config.dim / 2;
    let rows = config.modalities.iter().map(|m| m.length).max().unwrap_or(0);
    let mut table = Vec::with_capacity(rows * config.dim);
    for n in 0..rows {
        let angle = |d: usize| n as f64 * 10000_f64.powf(-(d as f64) / half as f64);
        table.extend((0..half).map(|d| angle(d).sin() as f32));
        table.extend((0..half).map(|d| angle(d).cos() as f32));
    }
    table
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
