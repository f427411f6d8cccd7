//! Dirichlet draws that stay finite for any concentration.
//!
//! A Dirichlet vector is a vector of independent Gamma(alpha, 1) variables divided by their sum. For
//! small alpha these underflow (at 1e-9 nearly all are below 1e-308), so their logarithms are drawn:
//! if G ~ Gamma(alpha + 1) and U is uniform, then G·U^(1/alpha) ~ Gamma(alpha) (Marsaglia & Tsang 2000, §6).

use crate::rng::Stream;
use rand::distributions::OpenClosed01;
use rand::Rng;
use rand_distr::{Distribution, Gamma};

/// Concentrations below this count as this (REFERENCE §3).
pub const SMALLEST_ALPHA: f64 = 1e-9;

/// One draw of the shares: non-negative, summing to 1 up to rounding.
pub fn shares(alphas: &[f64], rng: &mut Stream) -> Vec<f64> {
    let logs = log_gammas(alphas, rng);
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

/// Index of the largest share of one draw; the first of equals.
pub fn argmax(alphas: &[f64], rng: &mut Stream) -> usize {
    let logs = log_gammas(alphas, rng);
    (0..logs.len()).fold(0, |best, i| if logs[i] > logs[best] { i } else { best })
}

fn log_gammas(alphas: &[f64], rng: &mut Stream) -> Vec<f64> {
    alphas.iter().map(|&alpha| log_gamma(alpha.max(SMALLEST_ALPHA), rng)).collect()
}

/// Logarithm of one Gamma(alpha, 1) variable; finite for every finite positive alpha.
fn log_gamma(alpha: f64, rng: &mut Stream) -> f64 {
    let shape = if alpha < 1.0 { alpha + 1.0 } else { alpha };
    // the shape is at least 1 here, so the only error (a shape that is not positive) cannot happen
    let gamma = Gamma::new(shape, 1.0).expect("a positive shape").sample(rng);
    let log = gamma.max(f64::MIN_POSITIVE).ln();
    if alpha < 1.0 {
        let u: f64 = rng.sample(OpenClosed01);
        log + u.ln() / alpha
    } else {
        log
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{stream, Purpose};
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn shares_are_shares(exponents in prop::collection::vec(-320.0..6.0f64, 1..6), seed: u64) {
            let alphas: Vec<f64> = exponents.iter().map(|e| 10f64.powf(*e)).collect();
            let x = shares(&alphas, &mut stream(seed, Purpose::Simulation, &[]));
            prop_assert!(x.iter().all(|x| (0.0..=1.0).contains(x)), "{alphas:?} gave {x:?}");
            prop_assert!((x.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn moments_are_those_of_the_dirichlet() {
        let (alphas, n) = ([0.3, 1.0, 2.5], 40_000);
        let total: f64 = alphas.iter().sum();
        let mut rng = stream(3, Purpose::Simulation, &[]);
        let draws: Vec<Vec<f64>> = (0..n).map(|_| shares(&alphas, &mut rng)).collect();
        for (i, alpha) in alphas.iter().enumerate() {
            let mean = draws.iter().map(|x| x[i]).sum::<f64>() / n as f64;
            let var = draws.iter().map(|x| (x[i] - mean).powi(2)).sum::<f64>() / n as f64;
            let m = alpha / total;
            let v = m * (1.0 - m) / (total + 1.0);
            assert!((mean - m).abs() < 4.0 * (v / n as f64).sqrt(), "mean of {i}: {mean}, expected {m}");
            assert!((var / v - 1.0).abs() < 0.05, "variance of {i}: {var}, expected {v}");
        }
    }

    #[test]
    fn a_vanishing_alpha_gets_nothing() {
        let mut rng = stream(1, Purpose::Simulation, &[]);
        for alpha in [0.0, -1.0, 1e-300, 1e-12] {
            let x = shares(&[1.0, alpha, 1.0], &mut rng);
            assert_eq!(x[1], 0.0, "alpha {alpha}");
            assert_ne!(argmax(&[1.0, alpha, 1.0], &mut rng), 1);
        }
    }

    #[test]
    fn one_modality_gets_everything() {
        assert_eq!(shares(&[0.2], &mut stream(1, Purpose::Simulation, &[])), [1.0]);
    }
}
