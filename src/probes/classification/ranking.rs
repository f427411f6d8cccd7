//! Ranks of the true class among the scores of all classes.

use crate::ops::log_sum_exp::of_likelihoods;

/// Rank of `truth` (0 is best) and the best class; `None` where all scores are equal. A tie counts
/// against `truth`, unless both classes have the same of the `keys` and `truth` comes first.
pub fn rank(scores: &[f64], truth: usize, keys: &[u32]) -> Option<(u32, usize)> {
    if scores.iter().all(|s| *s == scores[0]) {
        return None;
    }
    let behind = |c: usize| c > truth && !keys.is_empty() && keys[c] == keys[truth];
    let ahead: Vec<usize> =
        (0..scores.len()).filter(|&c| c != truth && scores[c] >= scores[truth] && !behind(c)).collect();
    let best = ahead.iter().copied().reduce(|best, c| if scores[c] > scores[best] { c } else { best });
    Some((ahead.len() as u32, best.unwrap_or(truth)))
}

/// `scores[i][c]` minus the log of its mean likelihood on the other clips; `None` for a single clip.
pub fn minus_prior(scores: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    if scores.len() < 2 {
        return None;
    }
    let prior = |i: usize, c: usize| {
        let others: Vec<f64> = (0..scores.len()).filter(|&j| j != i).map(|j| scores[j][c]).collect();
        of_likelihoods(&others) - (others.len() as f64).ln()
    };
    let one = |(i, of): (usize, &Vec<f64>)| of.iter().enumerate().map(|(c, s)| s - prior(i, c)).collect();
    Some(scores.iter().enumerate().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_against_the_model() {
        assert_eq!(rank(&[1.0, 3.0, 2.0], 1, &[]), Some((0, 1)));
        assert_eq!(rank(&[1.0, 3.0, 3.0], 1, &[]), Some((1, 2)));
        assert_eq!(rank(&[3.0, 3.0, 1.0], 2, &[]), Some((2, 0)));
        assert_eq!(rank(&[2.0; 3], 1, &[]), None);
        // Different keys tie by chance, one key by construction.
        assert_eq!(rank(&[1.0, 3.0, 3.0], 1, &[7, 8, 9]), Some((1, 2)));
        assert_eq!(rank(&[1.0, 3.0, 3.0], 1, &[7, 8, 8]), Some((0, 1)));
        assert_eq!(rank(&[1.0, 3.0, 3.0], 2, &[7, 8, 8]), Some((1, 1)));
    }

    #[test]
    fn a_class_that_is_likely_everywhere_loses_its_prior() {
        let scores = vec![vec![-1.0, -5.0], vec![-1.0, -9.0], vec![-1.0, -9.0]];
        let without = minus_prior(&scores).unwrap();
        assert_eq!(rank(&scores[0], 1, &[]), Some((1, 0)));
        assert_eq!(rank(&without[0], 1, &[]), Some((0, 1)));
        assert!((without[0][1] - 4.0).abs() < 1e-12 && without[0][0].abs() < 1e-12, "{without:?}");
        assert_eq!(minus_prior(&scores[..1]), None);
    }
}
