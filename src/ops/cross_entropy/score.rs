//! What a row of logits on the host says: its log-sum-exp in the two roundings that are used, and its argmax.

use crate::ops::cpu::simd::{exp_row, max};

/// What one row of logits says, before the truth is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowScore {
    /// `log Σ exp(logit)` over the ids that compete, nats.
    pub log_sum: f32,
    /// The most likely id; the lowest wins ties.
    pub argmax: u32,
}

impl RowScore {
    /// Scores a row of logits cut to the ids that compete; destroys the row.
    pub fn of(row: &mut [f32]) -> RowScore {
        let largest = max(row);
        // None where all are NaN or −∞: the sum says so.
        let argmax = row.iter().position(|v| *v == largest).unwrap_or(0) as u32;
        let (m, total) = exp_row(row);
        RowScore { log_sum: total.ln() + m, argmax }
    }
}

/// `log Σ exp(x)` in double precision, for log-probabilities of single ids. [`RowScore`] rounds as the
/// training loss does, in single precision.
pub fn log_sum_exp(row: &[f32]) -> f64 {
    let m = row.iter().fold(f32::NEG_INFINITY, |m, x| m.max(*x)) as f64;
    m + row.iter().map(|x| (*x as f64 - m).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_and_numbers_that_are_none() {
        assert_eq!(RowScore::of(&mut [1.0, 2.0, 2.0]).argmax, 1);
        assert!(!RowScore::of(&mut [f32::NAN, 0.0]).log_sum.is_finite());
    }

    #[test]
    fn both_sums_agree_to_single_precision() {
        let row: Vec<f32> = (0..100).map(|i| (i as f32 * 0.37).sin() * 9.0).collect();
        let single = f64::from(RowScore::of(&mut row.clone()).log_sum);
        assert!((single - log_sum_exp(&row)).abs() < 1e-5);
    }
}
