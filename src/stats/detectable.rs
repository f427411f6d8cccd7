//! Minimum detectable effect: what a null result could have missed.

use super::binomial::{self, at_least};
use super::estimate::{all_equal, check_level, enough, Alternative, Estimable, NotEstimable};
use super::proportion::{bisect, normal_quantile};

/// Smallest mean difference a two-sided test of paired differences finds with probability `power`:
/// (z(1−α/2) + z(power)) · sd / √n, with the sample's standard deviation.
pub fn paired_mean(differences: &[f64], alpha: f64, power: f64) -> Estimable<f64> {
    check_level(alpha)?;
    check_level(power)?;
    if differences.iter().any(|d| !d.is_finite()) {
        return Err(NotEstimable::NotFinite);
    }
    let n = differences.len() as f64;
    enough(differences.len())?;
    if all_equal(differences.iter().copied()) {
        return Err(NotEstimable::NoSpread);
    }
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Ok((normal_quantile(1.0 - alpha / 2.0) + normal_quantile(power)) * (variance / n).sqrt())
}

/// [`paired_mean`] before anything was measured, in standard deviations of one clip's difference:
/// (z(1−α/2) + z(power)) / √n. It knows nothing of how seeds differ.
pub fn in_deviations(clips: usize, alpha: f64, power: f64) -> Estimable<f64> {
    check_level(alpha)?;
    check_level(power)?;
    enough(clips)?;
    Ok((normal_quantile(1.0 - alpha / 2.0) + normal_quantile(power)) / (clips as f64).sqrt())
}

/// Smallest true proportion above `chance` that the two-sided exact binomial test on `n` clips finds on that
/// side with probability `power`. `Err(NoSpread)` when no outcome above chance is significant.
pub fn proportion(n: u64, chance: f64, alpha: f64, power: f64) -> Estimable<f64> {
    for level in [chance, alpha, power] {
        check_level(level)?;
    }
    if n == 0 {
        return Err(NotEstimable::NoData);
    }
    // The fewest hits above chance that are significant; above the mode p falls with the hits.
    let (mut low, mut high) = ((chance * n as f64).floor() as u64, n + 1);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if binomial::test(middle, n, chance, Alternative::TwoSided)? <= alpha {
            high = middle;
        } else {
            low = middle;
        }
    }
    if high > n {
        return Err(NotEstimable::NoSpread);
    }
    Ok(bisect(|p| at_least(high, n, p) < power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_by_hand() {
        // sd of (0, 2) repeated 50 times: sqrt(100/99); (1.959964 + 0.841621) / 10.
        let d: Vec<f64> = (0..100).map(|i| 2.0 * (i % 2) as f64).collect();
        let expected = 2.801585 * (100.0f64 / 99.0).sqrt() / 10.0;
        assert!((paired_mean(&d, 0.05, 0.8).unwrap() - expected).abs() < 1e-6);
        assert_eq!(paired_mean(&[], 0.05, 0.8), Err(NotEstimable::NoData));
        assert_eq!(paired_mean(&[1.0], 0.05, 0.8), Err(NotEstimable::OneUnit));
        assert_eq!(paired_mean(&[1.0, 2.0], 0.05, 0.8), Err(NotEstimable::TooFew));
        assert_eq!(paired_mean(&[1.0; 30], 0.05, 0.8), Err(NotEstimable::NoSpread));
    }

    #[test]
    fn deviations_by_hand() {
        // (1.959964 + 0.841621) / 10
        assert!((in_deviations(100, 0.05, 0.8).unwrap() - 0.2801585).abs() < 1e-6);
        assert_eq!(in_deviations(1, 0.05, 0.8), Err(NotEstimable::OneUnit));
    }

    /// At the returned proportion the test has just the power asked for.
    #[test]
    fn a_proportion_has_its_power() {
        for (n, chance) in [(938, 1.0 / 11.0), (200, 0.005), (30, 0.5)] {
            let p = proportion(n, chance, 0.05, 0.8).unwrap();
            let found = |k: u64| binomial::test(k, n, chance, Alternative::TwoSided).unwrap() <= 0.05;
            let critical = (0..=n).find(|&k| k as f64 > chance * n as f64 && found(k)).unwrap();
            assert!(p > chance && (at_least(critical, n, p) - 0.8).abs() < 1e-9);
        }
        assert_eq!(proportion(2, 0.5, 0.05, 0.8), Err(NotEstimable::NoSpread));
        assert_eq!(proportion(0, 0.5, 0.05, 0.8), Err(NotEstimable::NoData));
    }
}
