//! Exact binomial test of `hits` of `n` against a chance level.

use super::estimate::{Alternative, Estimable, NotEstimable};
use statrs::function::beta::beta_reg;
use statrs::function::factorial::ln_binomial;

/// The p-value. Two-sided: all outcomes at most as likely as the one seen (as R's `binom.test`).
/// A chance of 0 or 1 leaves nothing to test.
pub fn test(hits: u64, n: u64, chance: f64, alternative: Alternative) -> Estimable<f64> {
    if n == 0 {
        return Err(NotEstimable::NoData);
    }
    if hits > n || !(chance > 0.0 && chance < 1.0) {
        return Err(NotEstimable::NotFinite);
    }
    Ok(match alternative {
        Alternative::Greater => at_least(hits, n, chance),
        Alternative::Less => at_most(hits, n, chance),
        Alternative::TwoSided => {
            // The factor keeps outcomes that are equally likely but for rounding.
            let seen = pmf(hits, n, chance) * (1.0 + 1e-7);
            (0..=n).map(|k| pmf(k, n, chance)).filter(|&p| p <= seen).sum::<f64>().min(1.0)
        }
    })
}

/// P(X = k) for X ~ Binomial(n, p), 0 < p < 1.
pub fn pmf(k: u64, n: u64, p: f64) -> f64 {
    (ln_binomial(n, k) + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p()).exp()
}

/// P(X >= k).
pub fn at_least(k: u64, n: u64, p: f64) -> f64 {
    match k {
        0 => 1.0,
        _ if k > n => 0.0,
        _ => beta_reg(k as f64, (n - k + 1) as f64, p),
    }
}

/// P(X <= k).
pub fn at_most(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        1.0
    } else {
        beta_reg((n - k) as f64, (k + 1) as f64, 1.0 - p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_p_values() {
        // scipy.stats.binomtest(9, 200, 0.025, alternative)
        for (alternative, expected) in
            [(Alternative::Greater, SCIPY.0), (Alternative::Less, SCIPY.1), (Alternative::TwoSided, SCIPY.2)]
        {
            let found = test(9, 200, 0.025, alternative).unwrap();
            assert!((found - expected).abs() < 1e-9, "{alternative:?} {found}");
        }
        assert_eq!(test(5, 10, 0.5, Alternative::TwoSided), Ok(1.0));
    }

    const SCIPY: (f64, f64, f64) = (0.0656187476046, 0.9699889655263, 0.1043673848735);

    #[test]
    fn tails_add_up() {
        for k in 1..=30u64 {
            let direct: f64 = (k..=30).map(|j| pmf(j, 30, 0.3)).sum();
            assert!((at_least(k, 30, 0.3) - direct).abs() < 1e-12);
            assert!((at_least(k, 30, 0.3) + at_most(k - 1, 30, 0.3) - 1.0).abs() < 1e-12);
        }
    }

    /// The false-positive rate, enumerated exactly, never exceeds the significance.
    #[test]
    fn false_positives() {
        for alternative in [Alternative::Greater, Alternative::Less, Alternative::TwoSided] {
            let rate: f64 = (0..=200)
                .filter(|&k| test(k, 200, 1.0 / 11.0, alternative).unwrap() <= 0.05)
                .map(|k| pmf(k, 200, 1.0 / 11.0))
                .sum();
            assert!(rate <= 0.05 && rate > 0.02, "{alternative:?} {rate}");
        }
    }

    #[test]
    fn degenerate() {
        assert_eq!(test(0, 0, 0.5, Alternative::Greater), Err(NotEstimable::NoData));
        assert_eq!(test(1, 2, 0.0, Alternative::Greater), Err(NotEstimable::NotFinite));
        assert_eq!(test(1, 2, f64::NAN, Alternative::Less), Err(NotEstimable::NotFinite));
    }
}
