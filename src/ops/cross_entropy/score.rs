//! What a row of logits on the host says: its log-sum-exp, rounded as in the training loss
//! ([`log_sum_exp`](super::log_sum_exp) has the other roundings), and its argmax.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_and_numbers_that_are_none() {
        assert_eq!(RowScore::of(&mut [1.0, 2.0, 2.0]).argmax, 1);
        assert!(!RowScore::of(&mut [f32::NAN, 0.0]).log_sum.is_finite());
    }
}
