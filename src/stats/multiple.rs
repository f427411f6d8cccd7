//! Families of tests: Holm for declared claims, Benjamini–Hochberg for exploratory grids.

/// Adjusted p-values, in the order given, and the number of tests they are adjusted for.
/// A test without a p-value (`None`) stays without one and does not count.
#[derive(Clone, Debug, PartialEq)]
pub struct Corrected {
    pub adjusted: Vec<Option<f64>>,
    /// Tests in the family.
    pub m: usize,
}

/// Holm's step-down procedure: controls the probability of any false claim.
/// Holm, Scand. J. Statist. 6 (1979).
pub fn holm(p: &[Option<f64>]) -> Corrected {
    let order = ascending(p);
    let m = order.len();
    let mut adjusted = vec![None; p.len()];
    let mut running: f64 = 0.0;
    for (rank, &(i, value)) in order.iter().enumerate() {
        running = running.max((value * (m - rank) as f64).min(1.0));
        adjusted[i] = Some(running);
    }
    Corrected { adjusted, m }
}

/// Benjamini–Hochberg's step-up procedure: controls the expected share of false discoveries.
/// Benjamini & Hochberg, JRSS B 57 (1995).
pub fn benjamini_hochberg(p: &[Option<f64>]) -> Corrected {
    let order = ascending(p);
    let m = order.len();
    let mut adjusted = vec![None; p.len()];
    let mut running: f64 = 1.0;
    for (rank, &(i, value)) in order.iter().enumerate().rev() {
        running = running.min(value * m as f64 / (rank + 1) as f64);
        adjusted[i] = Some(running);
    }
    Corrected { adjusted, m }
}

/// Positions and values of the p-values present, ascending; NaN counts as absent.
fn ascending(p: &[Option<f64>]) -> Vec<(usize, f64)> {
    let mut order: Vec<(usize, f64)> =
        p.iter().enumerate().filter_map(|(i, v)| v.filter(|v| !v.is_nan()).map(|v| (i, v))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round(c: &Corrected) -> Vec<Option<i64>> {
        c.adjusted.iter().map(|v| v.map(|v| (v * 1e9).round() as i64)).collect()
    }

    /// Against R: `p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm" / "BH")`.
    #[test]
    fn known_values() {
        let p = [Some(0.01), Some(0.04), None, Some(0.03), Some(0.005), Some(f64::NAN)];
        let expect = |v: [f64; 4]| {
            let x = v.map(|v| Some((v * 1e9).round() as i64));
            vec![x[0], x[1], None, x[2], x[3], None]
        };
        assert_eq!(round(&holm(&p)), expect([0.03, 0.06, 0.06, 0.02]));
        assert_eq!(round(&benjamini_hochberg(&p)), expect([0.02, 0.04, 0.04, 0.02]));
        assert_eq!((holm(&p).m, holm(&[]).m), (4, 0));
    }

    proptest! {
        /// Between the raw p-value and Bonferroni's, Holm above BH, and the order is kept.
        #[test]
        fn bounds(p in proptest::collection::vec(0.0f64..1.0, 1..20)) {
            let some: Vec<_> = p.iter().copied().map(Some).collect();
            let (h, b) = (holm(&some).adjusted, benjamini_hochberg(&some).adjusted);
            for i in 0..p.len() {
                let (h, b) = (h[i].unwrap(), b[i].unwrap());
                prop_assert!(p[i] <= b + 1e-12 && b <= h + 1e-12);
                prop_assert!(h <= (p[i] * p.len() as f64).min(1.0) + 1e-12);
            }
        }
    }
}
