//! What can be said of detectable differences before anything has run; afterwards see
//! `report::comparison::detectable`.

use crate::stats::NotEstimable;
use statrs::distribution::{ContinuousCDF, Normal};

/// Probability of a false positive, two-sided, and of finding a true difference.
pub const ALPHA: f64 = 0.05;
pub const POWER: f64 = 0.8;

/// The smallest mean difference that is found, in standard deviations of one clip's difference:
/// (z(1 − α/2) + z(power)) / √n. It knows nothing of how seeds differ.
///
/// # Errors
/// With fewer than two clips.
pub fn in_deviations(clips: usize) -> Result<f64, NotEstimable> {
    let z = |p: f64| Normal::standard().inverse_cdf(p);
    match clips {
        0 => Err(NotEstimable::NoData),
        1 => Err(NotEstimable::OneUnit),
        n => Ok((z(1.0 - ALPHA / 2.0) + z(POWER)) / (n as f64).sqrt()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // (1.959964 + 0.841621) / 10
        assert!((in_deviations(100).unwrap() - 0.2801585).abs() < 1e-6);
        assert_eq!(in_deviations(1), Err(NotEstimable::OneUnit));
    }
}
