//! Learning rate of each step (REFERENCE §4): linear warmup with both ends, then a cosine.

use crate::manifest::schema::Train;
use std::f64::consts::PI;

/// The learning rate of `step` (from 0).
///
/// ```text
/// step < w:   lr · step / (w − 1)          linspace(0, lr, w): step 0 has 0, step w − 1 has lr
/// step ≥ w:   min + ½ (lr − min) (1 + cos(π (step − w) / (total − w)))
/// ```
/// The cosine starts at `lr` and ends one step before `min`. A warmup of one step is `[0]`, the
/// start of its range, as numpy and torch have it.
pub fn learning_rate(step: u64, t: &Train) -> f64 {
    let (total, warmup) = (t.steps(), t.warmup_steps());
    if step < warmup {
        return if warmup == 1 { 0.0 } else { t.lr * (step as f64 / (warmup - 1) as f64) };
    }
    let progress = (step - warmup) as f64 / total.saturating_sub(warmup).max(1) as f64;
    t.min_lr + 0.5 * (t.lr - t.min_lr) * (1.0 + (PI * progress).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn train(steps: u64, warmup: u64, lr: f64, min_lr: f64) -> Train {
        Train {
            batch: 1,
            tokens_per_sample: 1,
            tokens: steps,
            warmup_tokens: warmup,
            lr,
            min_lr,
            ..Train::default()
        }
    }

    fn all(t: &Train) -> Vec<f64> {
        (0..t.steps()).map(|s| learning_rate(s, t)).collect()
    }

    /// The reference's own five steps (fixture `tiny`, generated with torch 2.5.1).
    #[test]
    fn golden_end_points() {
        let found = all(&train(5, 2, 1e-3, 1e-5));
        let expected = [0.0, 1e-3, 1e-3, 0.0007525, 0.00025750000000000013];
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() <= 1e-18, "{f} is not {e}");
        }
        assert_eq!(found[..3], expected[..3], "the ends are exact");
    }

    #[test]
    fn published_numbers_of_steps() {
        let t = Train::default();
        assert_eq!((t.steps(), t.warmup_steps()), (18_311, 916));
        assert_eq!(learning_rate(915, &t), 1e-4);
        assert_eq!(learning_rate(916, &t), 1e-4);
        assert!(learning_rate(18_310, &t) > t.min_lr);
    }

    #[test]
    fn edges() {
        assert_eq!(all(&train(3, 0, 1.0, 0.0))[0], 1.0, "no warmup starts at the peak");
        assert_eq!(all(&train(3, 1, 1.0, 0.0))[..2], [0.0, 1.0]);
        assert_eq!(all(&train(3, 3, 1.0, 0.0)), [0.0, 0.5, 1.0], "all warmup");
        assert_eq!(all(&train(2, 5, 1.0, 0.0)), [0.0, 0.25], "more warmup than steps");
    }
}
