//! Sign-flip permutation test of paired differences: under the null each clip's difference is as
//! likely to have the other sign. Exact for few clips, seeded Monte Carlo otherwise.

use super::estimate::{Alternative, Estimable, NotEstimable};
use crate::rng::{stream, Purpose};
use rand::RngCore;
use rayon::prelude::*;

/// Up to this many non-zero differences all 2^n sign patterns are enumerated.
pub const EXACT: usize = 16;

/// p-value of Σ `differences` (one per clip) against sign flips. Zero differences carry no sign and
/// are left out. Monte Carlo: (hits + 1) / (replicates + 1), Phipson & Smyth (2010).
pub fn test(differences: &[f64], alternative: Alternative, seed: u64, replicates: usize) -> Estimable<f64> {
    if differences.is_empty() {
        return Err(NotEstimable::NoData);
    }
    if differences.iter().any(|d| !d.is_finite()) {
        return Err(NotEstimable::NotFinite);
    }
    let d: Vec<f64> = differences.iter().copied().filter(|&d| d != 0.0).collect();
    if d.is_empty() {
        return Err(NotEstimable::NoSpread);
    }
    let extreme = Extreme::new(&d, alternative);
    if d.len() <= EXACT {
        let patterns = 1u64 << d.len();
        let hits = (0..patterns).filter(|&bits| extreme.holds(flipped(&d, |_| bits))).count();
        return Ok(hits as f64 / patterns as f64);
    }
    let hits = (0..replicates as u64).into_par_iter().filter(|&r| {
        let mut draw = stream(seed, Purpose::Permutation, &[r]);
        extreme.holds(flipped(&d, |_| draw.next_u64()))
    });
    Ok((hits.count() + 1) as f64 / (replicates + 1) as f64)
}

/// Sum with the sign of every difference decided by one bit of a word per 64 of them.
fn flipped(d: &[f64], mut word: impl FnMut(usize) -> u64) -> f64 {
    let mut sum = 0.0;
    for (w, chunk) in d.chunks(64).enumerate() {
        let bits = word(w);
        for (i, x) in chunk.iter().enumerate() {
            sum += if bits >> i & 1 == 1 { -x } else { *x };
        }
    }
    sum
}

/// "At least as extreme as seen", with room for the rounding of a sum.
struct Extreme {
    seen: f64,
    slack: f64,
    alternative: Alternative,
}

impl Extreme {
    fn new(d: &[f64], alternative: Alternative) -> Extreme {
        let slack = 1e-12 * d.iter().map(|x| x.abs()).sum::<f64>();
        Extreme { seen: d.iter().sum(), slack, alternative }
    }

    fn holds(&self, sum: f64) -> bool {
        match self.alternative {
            Alternative::TwoSided => sum.abs() >= self.seen.abs() - self.slack,
            Alternative::Greater => sum >= self.seen - self.slack,
            Alternative::Less => sum <= self.seen + self.slack,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn exact_by_hand() {
        let d = [1.0, 2.0, 3.0];
        assert_eq!(test(&d, Alternative::Greater, 1, 99), Ok(1.0 / 8.0));
        assert_eq!(test(&d, Alternative::TwoSided, 1, 99), Ok(2.0 / 8.0));
        assert_eq!(test(&d, Alternative::Less, 1, 99), Ok(1.0));
        // Ties by rounding count: 0.1 + 0.2 against 0.3 flipped.
        assert_eq!(test(&[0.1, 0.2, -0.3], Alternative::TwoSided, 1, 99), Ok(1.0));
    }

    #[test]
    fn degenerate() {
        assert_eq!(test(&[], Alternative::TwoSided, 1, 99), Err(NotEstimable::NoData));
        assert_eq!(test(&[0.0, 0.0], Alternative::TwoSided, 1, 99), Err(NotEstimable::NoSpread));
        assert_eq!(test(&[1.0, f64::NAN], Alternative::TwoSided, 1, 99), Err(NotEstimable::NotFinite));
    }

    fn rejections(n: usize, shift: f64, simulations: u64) -> f64 {
        let hits = (0..simulations).filter(|&s| {
            let mut draw = stream(s, Purpose::Simulation, &[2]);
            let d: Vec<f64> =
                (0..n).map(|_| shift + Distribution::<f64>::sample(&StandardNormal, &mut draw)).collect();
            test(&d, Alternative::TwoSided, s, 199).unwrap() <= 0.05
        });
        hits.count() as f64 / simulations as f64
    }

    /// Within three Monte-Carlo standard errors: 0.05 under the null; the power of a t-test
    /// (n = 40, shift 0.5: 0.869) otherwise.
    #[test]
    fn false_positives_and_power() {
        let null = rejections(40, 0.0, 1000);
        assert!((null - 0.05).abs() < 0.021, "{null}");
        let exact = rejections(8, 0.0, 1000);
        assert!((exact - 0.05).abs() < 0.021, "{exact}");
        let power = rejections(40, 0.5, 500);
        assert!((power - 0.86).abs() < 0.05, "{power}");
    }

    #[test]
    fn threads_do_not_matter() {
        let d: Vec<f64> = (0..100).map(|i| ((i * 37 % 101) as f64) - 45.0).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| test(&d, Alternative::Greater, 3, 999))
        };
        assert_eq!(run(1), run(3));
    }
}
