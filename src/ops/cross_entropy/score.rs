//! What a row of logits on the host says: its log-sum-exp, rounded as in the training loss
//! ([`log_sum_exp`](super::log_sum_exp) has the other roundings), and its argmax.

use crate::ops::cpu::simd::{exp_row, max};
use rayon::prelude::*;

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

/// What rows of logits say, and the logits of some ids.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredRows {
    /// `[rows]`
    pub rows: Vec<RowScore>,
    /// `[truths][rows]`: of the id that a truth names for a row.
    pub logits: Vec<Vec<f32>>,
}

impl ScoredRows {
    /// Of rows that have not been scored: not a number.
    pub(super) fn blank(rows: usize, truths: usize) -> ScoredRows {
        let blank = RowScore { log_sum: f32::NAN, argmax: 0 };
        ScoredRows { rows: vec![blank; rows], logits: vec![vec![f32::NAN; rows]; truths] }
    }

    /// Scores some `rows` by their `logits` on the host, row-major, which it destroys.
    pub(super) fn take(&mut self, logits: &mut [f32], rows: &[usize], truths: &[&[u32]]) {
        let score = |(row, &r): (&mut [f32], &usize)| {
            let of_truths: Vec<f32> = truths.iter().map(|ids| row[ids[r] as usize]).collect();
            (RowScore::of(row), of_truths)
        };
        let width = logits.len() / rows.len();
        let scored: Vec<_> = logits.par_chunks_mut(width).zip(rows).map(score).collect();
        for ((row, of_truths), &r) in scored.into_iter().zip(rows) {
            self.rows[r] = row;
            self.logits.iter_mut().zip(of_truths).for_each(|(all, logit)| all[r] = logit);
        }
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
