//! How many tokens each step of a decoder fixes.
//!
//! ```text
//! constant (ROAR)    L div n at every step, and L mod n more at the last
//! cosine (MaskGIT)   known after step t of n:  int((1 − cos(π/2 · (t + 1)/n)) · L),
//!                    but at least one more than before
//! ```
//! In double precision 1 − cos(π/2) is just below 1, so the cosine schedule mostly leaves one token of
//! many: the decoder fills it by argmax, as the reference does.
//! Source: REFERENCE §6; Chang et al., MaskGIT, CVPR 2022 (the cosine schedule).

use std::f64::consts::FRAC_PI_2;

/// Tokens of each of `steps` steps that together fix `total`.
pub fn constant(total: usize, steps: usize) -> Vec<usize> {
    let mut sizes = vec![total / steps.max(1); steps];
    if let Some(last) = sizes.last_mut() {
        *last += total % steps;
    }
    sizes
}

/// Tokens that step `step` of `steps` fixes when `known` of `total` are.
pub fn cosine(step: usize, steps: usize, total: usize, known: usize) -> usize {
    let angle = FRAC_PI_2 * (step + 1) as f64 / steps as f64;
    let wanted = ((1.0 - angle.cos()) * total as f64) as usize;
    wanted.saturating_sub(known).max(1).min(total - known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_schedule_gives_the_remainder_to_the_last_step() {
        assert_eq!(constant(10, 3), [3, 3, 4]);
        assert_eq!(constant(196, 8), [24, 24, 24, 24, 24, 24, 24, 28]);
        assert_eq!(constant(3, 5), [0, 0, 0, 0, 3]);
        for total in 0..70 {
            assert!((1..20).all(|steps| constant(total, steps).iter().sum::<usize>() == total));
        }
    }

    fn all(total: usize, steps: usize) -> Vec<usize> {
        let mut known = 0;
        let step = |t| {
            let kept = if known < total { cosine(t, steps, total, known) } else { 0 };
            known += kept;
            kept
        };
        (0..steps).map(step).collect()
    }

    /// By hand: (1 − cos(π/2 · k/8)) · 196 = 3.77, 14.92, 33.03, 57.41, 87.11, 120.99, 157.76, 196 − 2e-14.
    #[test]
    fn the_cosine_schedule_by_hand() {
        assert_eq!(all(196, 8), [3, 11, 19, 24, 30, 33, 37, 38]);
        // 0.30 → at least 1; 1.17, 2.46 and 4 − 4e-16 would add nothing: 1 each.
        assert_eq!(all(4, 4), [1, 1, 1, 1]);
        assert_eq!(all(5, 1), [4]);
        assert_eq!(all(1, 1), [1]);
    }

    #[test]
    fn the_cosine_schedule_leaves_one_token_at_most() {
        for total in 1..600 {
            for steps in [1, 2, 3, 8, 12, 25, total] {
                let left = total - all(total, steps).iter().sum::<usize>();
                assert!(left <= 1, "{left} of {total} left by {steps} steps");
            }
        }
    }
}
