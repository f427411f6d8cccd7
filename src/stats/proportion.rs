//! Intervals for a proportion: `hits` of `n`.

use super::estimate::{check_level, Estimable, Interval, NotEstimable};
use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::beta::beta_reg;

/// Clopper–Pearson: inverts the two exact one-sided tests; never covers less than `level`.
/// Clopper & Pearson, Biometrika 26 (1934).
///
/// ```
/// use nano4m::stats::{proportion::clopper_pearson, NotEstimable};
///
/// let none_of_31 = clopper_pearson(0, 31, 0.95)?;
/// assert_eq!((none_of_31.low, format!("{:.4}", none_of_31.high)), (0.0, "0.1122".to_string()));
/// assert_eq!(clopper_pearson(0, 0, 0.95), Err(NotEstimable::NoData));
/// # Ok::<(), NotEstimable>(())
/// ```
pub fn clopper_pearson(hits: u64, n: u64, level: f64) -> Estimable<Interval> {
    check(hits, n, level)?;
    let tail = (1.0 - level) / 2.0;
    let (k, n) = (hits as f64, n as f64);
    let low = if hits == 0 { 0.0 } else { bisect(|p| beta_reg(k, n - k + 1.0, p) < tail) };
    let high = if k == n { 1.0 } else { bisect(|p| beta_reg(k + 1.0, n - k, p) < 1.0 - tail) };
    Ok(Interval { low, high })
}

/// Wilson's score interval: shorter, covers `level` on average. Wilson, JASA 22 (1927).
pub fn wilson(hits: u64, n: u64, level: f64) -> Estimable<Interval> {
    check(hits, n, level)?;
    let z = normal_quantile(1.0 - (1.0 - level) / 2.0);
    let (p, n) = (hits as f64 / n as f64, n as f64);
    let denominator = 1.0 + z * z / n;
    let center = (p + z * z / (2.0 * n)) / denominator;
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / denominator;
    Ok(Interval { low: (center - half).max(0.0), high: (center + half).min(1.0) })
}

fn check(hits: u64, n: u64, level: f64) -> Estimable<()> {
    check_level(level)?;
    match n {
        0 => Err(NotEstimable::NoData),
        _ if hits > n => Err(NotEstimable::NotFinite),
        _ => Ok(()),
    }
}

/// The point in (0, 1) where a condition that holds on the left stops holding.
pub(super) fn bisect(left: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if left(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Quantile of the standard normal distribution.
pub(super) fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

#[cfg(test)]
mod tests {
    use super::super::binomial::pmf;
    use super::*;

    fn close(found: Interval, low: f64, high: f64) {
        assert!((found.low - low).abs() < 1e-11 && (found.high - high).abs() < 1e-11, "{found:?}");
    }

    /// Against `scipy.stats.binomtest(9, 200).proportion_ci(method="exact" / "wilson")`.
    #[test]
    fn known_intervals() {
        close(clopper_pearson(9, 200, 0.95).unwrap(), CP_9_200.0, CP_9_200.1);
        close(wilson(9, 200, 0.95).unwrap(), WILSON_9_200.0, WILSON_9_200.1);
        close(clopper_pearson(0, 80, 0.95).unwrap(), 0.0, 1.0 - 0.025f64.powf(1.0 / 80.0));
        close(clopper_pearson(80, 80, 0.95).unwrap(), 0.025f64.powf(1.0 / 80.0), 1.0);
    }

    const CP_9_200: (f64, f64) = (0.020780422227, 0.083702688076);
    const WILSON_9_200: (f64, f64) = (0.023852543001, 0.083296704002);

    #[test]
    fn nothing_is_not_zero() {
        assert_eq!(clopper_pearson(0, 0, 0.95), Err(NotEstimable::NoData));
        assert_eq!(wilson(0, 0, 0.95), Err(NotEstimable::NoData));
        assert_eq!(wilson(1, 2, f64::NAN), Err(NotEstimable::NotFinite));
        assert_eq!(clopper_pearson(3, 2, 0.95), Err(NotEstimable::NotFinite));
    }

    /// Exact coverage by enumeration: at least the level for Clopper–Pearson, near it for Wilson.
    #[test]
    fn coverage() {
        let n = 60;
        let mut average = 0.0;
        let grid: Vec<f64> = (1..40).map(|i| i as f64 / 40.0).collect();
        for &p in &grid {
            let covered = |f: fn(u64, u64, f64) -> Estimable<Interval>| -> f64 {
                (0..=n).filter(|&k| f(k, n, 0.95).unwrap().contains(p)).map(|k| pmf(k, n, p)).sum()
            };
            assert!(covered(clopper_pearson) >= 0.95, "p = {p}");
            assert!(covered(wilson) > 0.88, "p = {p}");
            average += covered(wilson) / grid.len() as f64;
        }
        assert!((average - 0.95).abs() < 0.01, "{average}");
    }
}
