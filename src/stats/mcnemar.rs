//! McNemar's exact test: two classifiers on the same clips. McNemar, Psychometrika 12 (1947).

use super::binomial;
use super::estimate::{Alternative, Estimable, NotEstimable};

/// Two-sided p-value from the clips only the first (`only_a`) or only the second got right.
/// Without such a clip there is nothing to tell the two apart.
pub fn test(only_a: u64, only_b: u64) -> Estimable<f64> {
    match only_a + only_b {
        0 => Err(NotEstimable::NoSpread),
        n => binomial::test(only_a, n, 0.5, Alternative::TwoSided),
    }
}

/// Counts the discordant clips and tests them; `a[i]` and `b[i]` are the same clip.
pub fn paired(a: &[bool], b: &[bool]) -> Estimable<f64> {
    if a.len() != b.len() {
        return Err(NotEstimable::Unpaired);
    }
    if a.is_empty() {
        return Err(NotEstimable::NoData);
    }
    let only = |first: &[bool], second: &[bool]| {
        first.iter().zip(second).filter(|(x, y)| **x && !**y).count() as u64
    };
    test(only(a, b), only(b, a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        assert!((test(0, 5).unwrap() - 2.0 / 32.0).abs() < 1e-12);
        assert!((test(3, 1).unwrap() - 10.0 / 16.0).abs() < 1e-12);
        assert_eq!(test(0, 0), Err(NotEstimable::NoSpread));
        assert_eq!(paired(&[true, true], &[true, true]), Err(NotEstimable::NoSpread));
        assert_eq!(paired(&[], &[]), Err(NotEstimable::NoData));
        assert_eq!(paired(&[true], &[]), Err(NotEstimable::Unpaired));
    }

    proptest! {
        #[test]
        fn symmetric(a in proptest::collection::vec(any::<(bool, bool)>(), 1..40)) {
            let (x, y): (Vec<_>, Vec<_>) = a.into_iter().unzip();
            let (p, q) = (paired(&x, &y), paired(&y, &x));
            match (p, q) {
                (Ok(p), Ok(q)) => prop_assert!((p - q).abs() < 1e-12),
                (p, q) => prop_assert_eq!(p, q),
            }
        }
    }
}
