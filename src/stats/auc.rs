//! Area under the ROC curve of two groups of scores, e.g. train against held-out loss.

use super::estimate::{check_level, enough, Estimable, Estimate, Interval, NotEstimable};
use super::proportion::normal_quantile;
use crate::rng::{stream, Purpose};
use rand::seq::SliceRandom;
use rayon::prelude::*;

/// P(a random `positive` scores higher than a random `negative`), ties half, with DeLong's variance
/// on the logit scale (Biometrics 44 (1988)). `n` counts both groups. Perfect separation has an
/// estimate but no interval.
pub fn auc(positive: &[f64], negative: &[f64], level: f64) -> Estimable<Estimate> {
    check_level(level)?;
    if positive.is_empty() || negative.is_empty() {
        return Err(NotEstimable::NoData);
    }
    if positive.iter().chain(negative).any(|s| !s.is_finite()) {
        return Err(NotEstimable::NotFinite);
    }
    let above = placements(positive, negative);
    let below: Vec<f64> = placements(negative, positive).iter().map(|p| 1.0 - p).collect();
    let value = above.iter().sum::<f64>() / above.len() as f64;
    let n = positive.len() + negative.len();
    Ok(Estimate { value, n, interval: delong(value, &above, &below, level) })
}

/// Two-sided p-value that both groups score alike: who is positive is permuted, (hits + 1) / (replicates + 1)
/// of the smaller tail, doubled.
pub fn test(positive: &[f64], negative: &[f64], seed: u64, replicates: usize) -> Estimable<f64> {
    if positive.is_empty() || negative.is_empty() {
        return Err(NotEstimable::NoData);
    }
    let scores: Vec<f64> = positive.iter().chain(negative).copied().collect();
    if scores.iter().any(|s| !s.is_finite()) {
        return Err(NotEstimable::NotFinite);
    }
    // Twice the place of every score among all, ties half: whole numbers, whose sums are exact.
    let places: Vec<u64> =
        placements(&scores, &scores).iter().map(|p| (2.0 * p * scores.len() as f64).round() as u64).collect();
    if places.iter().all(|place| *place == places[0]) {
        return Err(NotEstimable::NoSpread);
    }
    let seen: u64 = places[..positive.len()].iter().sum();
    let sums: Vec<u64> = (0..replicates as u64)
        .into_par_iter()
        .map(|r| {
            let mut permuted = places.clone();
            let mut draw = stream(seed, Purpose::Permutation, &[r]);
            permuted.partial_shuffle(&mut draw, positive.len()).0.iter().sum()
        })
        .collect();
    let tail = |holds: &dyn Fn(u64) -> bool| {
        (sums.iter().filter(|sum| holds(**sum)).count() + 1) as f64 / (replicates + 1) as f64
    };
    Ok((2.0 * tail(&|sum| sum >= seen).min(tail(&|sum| sum <= seen))).min(1.0))
}

/// For each `x` the share of `others` below it, ties half.
fn placements(x: &[f64], others: &[f64]) -> Vec<f64> {
    let mut sorted = others.to_vec();
    sorted.sort_by(f64::total_cmp);
    x.iter()
        .map(|v| {
            let below = sorted.partition_point(|o| o < v);
            let not_above = sorted.partition_point(|o| o <= v);
            (below + not_above) as f64 / 2.0 / sorted.len() as f64
        })
        .collect()
}

fn delong(value: f64, above: &[f64], below: &[f64], level: f64) -> Estimable<Interval> {
    enough(above.len())?;
    enough(below.len())?;
    let variance = |placed: &[f64]| {
        placed.iter().map(|p| (p - value).powi(2)).sum::<f64>()
            / (placed.len() - 1) as f64
            / placed.len() as f64
    };
    let total = variance(above) + variance(below);
    if total <= 0.0 || value <= 0.0 || value >= 1.0 {
        return Err(NotEstimable::NoSpread);
    }
    let half = normal_quantile(1.0 - (1.0 - level) / 2.0) * total.sqrt() / (value * (1.0 - value));
    let logit = (value / (1.0 - value)).ln();
    let back = |x: f64| 1.0 / (1.0 + (-x).exp());
    Ok(Interval { low: back(logit - half), high: back(logit + half) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{stream, Purpose};
    use rand_distr::{Distribution, StandardNormal};
    use statrs::distribution::{ContinuousCDF, Normal};

    #[test]
    fn by_hand() {
        let e = auc(&[2.0, 3.0], &[1.0, 2.0], 0.95).unwrap();
        assert_eq!((e.value, e.n, e.interval), (0.875, 4, Err(NotEstimable::TooFew)));
        let apart = auc(&[3.0; 30], &[1.0; 30], 0.95).unwrap();
        assert_eq!((apart.value, apart.interval), (1.0, Err(NotEstimable::NoSpread)));
        assert_eq!(auc(&[1.0; 30], &[1.0; 30], 0.95).unwrap().interval, Err(NotEstimable::NoSpread));
        assert_eq!(auc(&[], &[1.0], 0.95), Err(NotEstimable::NoData));
        assert_eq!(auc(&[f64::NAN], &[1.0], 0.95), Err(NotEstimable::NotFinite));
    }

    /// Four of eight above the others: 1 of 70 ways, and as many below.
    #[test]
    fn the_permutation_test_by_hand() {
        let (high, low) = ([5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0]);
        let p = test(&high, &low, 1, 9999).unwrap();
        assert!((p - 2.0 / 70.0).abs() < 0.006, "{p}");
        assert!((test(&low, &high, 1, 9999).unwrap() - 2.0 / 70.0).abs() < 0.006);
        assert_eq!(test(&[1.0, 2.0], &[1.0, 2.0], 1, 99).unwrap(), 1.0);
        assert_eq!(test(&[1.0; 3], &[1.0; 3], 1, 99), Err(NotEstimable::NoSpread));
        assert_eq!(test(&[], &[1.0], 1, 99), Err(NotEstimable::NoData));
    }

    /// Normal groups one unit apart: the truth is Φ(1/√2); within three standard errors of 0.95.
    #[test]
    fn coverage() {
        for shift in [0.0, 1.0] {
            let truth = Normal::standard().cdf(shift / 2f64.sqrt());
            let hits = (0..1000u64).filter(|&s| {
                let mut draw = stream(s, Purpose::Simulation, &[4]);
                let mut group = |shift: f64, n: usize| -> Vec<f64> {
                    (0..n).map(|_| shift + Distribution::<f64>::sample(&StandardNormal, &mut draw)).collect()
                };
                let (a, b) = (group(shift, 60), group(0.0, 40));
                auc(&a, &b, 0.95).unwrap().interval.unwrap().contains(truth)
            });
            let share = hits.count() as f64 / 1000.0;
            assert!((share - 0.95).abs() < 0.021, "{shift}: {share}");
        }
    }
}
