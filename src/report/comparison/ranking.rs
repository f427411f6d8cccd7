//! Every pair of sides on every metric, corrected together, and the ranks that follow from it.

use super::contrast::{Contrast, Tested};
use super::sides::Comparison;
use crate::report::scores::Metric;
use crate::report::tables::tested::correct;
use crate::stats::{Bootstrap, Estimable};
use std::collections::BTreeMap;

/// Two sides on one metric.
pub struct Pair {
    /// Index into the comparison's metrics.
    pub metric: usize,
    /// Indices into the comparison's sides, `a` before `b`.
    pub a: usize,
    pub b: usize,
    /// Of `a − b`.
    pub tested: Estimable<Tested>,
}

impl Pair {
    /// The p-value after Benjamini–Hochberg over all pairs and metrics.
    pub fn adjusted(&self) -> Option<f64> {
        self.tested.ok().and_then(|tested| tested.test.adjusted)
    }
}

/// All pairs.
pub struct Grid {
    pub metrics: Vec<Metric>,
    pub pairs: Vec<Pair>,
    /// Tests in the family.
    pub tests: usize,
    at: BTreeMap<(usize, usize, usize), usize>,
}

/// The ranks a side can claim: from 1 + the sides that are better by the corrected test to all but
/// those that are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    pub best: usize,
    pub worst: usize,
}

impl std::fmt::Display for Rank {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.best == self.worst {
            write!(f, "{}", self.best)
        } else {
            write!(f, "{}–{}", self.best, self.worst)
        }
    }
}

impl Grid {
    pub fn new(comparison: &Comparison, plan: &Bootstrap) -> Grid {
        let metrics: Vec<Metric> = comparison.metrics.iter().map(|k| Metric::new(k)).collect();
        let mut pairs = Vec::new();
        for (m, metric) in metrics.iter().enumerate() {
            for a in 0..comparison.sides.len() {
                for b in a + 1..comparison.sides.len() {
                    let (x, y) = (&comparison.sides[a].scores, &comparison.sides[b].scores);
                    let tested = Contrast::new(&[(x, y)], &metric.key).map(|c| c.tested(plan));
                    pairs.push(Pair { metric: m, a, b, tested });
                }
            }
        }
        let tested = pairs.iter_mut().filter_map(|pair| pair.tested.as_mut().ok());
        let tests = correct(tested.map(|tested| &mut tested.test));
        let at = pairs.iter().enumerate().map(|(i, p)| ((p.metric, p.a, p.b), i)).collect();
        Grid { metrics, pairs, tests, at }
    }

    /// The pair of two sides, and whether `a` and `b` are the other way round in it.
    pub fn pair(&self, metric: usize, a: usize, b: usize) -> Option<(&Pair, bool)> {
        let key = (metric, a.min(b), a.max(b));
        self.at.get(&key).map(|&i| (&self.pairs[i], a > b))
    }

    /// Whether `a` is better than `b` by the corrected test; `None`: not distinguishable.
    pub fn verdict(&self, metric: usize, a: usize, b: usize) -> Option<bool> {
        let (pair, turned) = self.pair(metric, a, b)?;
        let tested = pair.tested.ok()?;
        let difference = tested.estimate.ok()?.value;
        tested.test.significant().then(|| self.metrics[metric].better(difference) != turned)
    }

    /// The rank of `side` among `sides` (those that have the metric).
    pub fn rank(&self, metric: usize, side: usize, sides: &[usize]) -> Rank {
        let others = || sides.iter().filter(|s| **s != side);
        let verdicts =
            |wanted: bool| others().filter(|s| self.verdict(metric, side, **s) == Some(wanted)).count();
        Rank { best: 1 + verdicts(false), worst: sides.len() - verdicts(true) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tables::tested::Test;
    use crate::stats::{Estimate, NotEstimable};

    /// Differences `a − b` of cross-entropies and corrected p-values.
    fn grid(pairs: &[(usize, usize, f64, f64)]) -> Grid {
        let pair = |&(a, b, value, p): &(usize, usize, f64, f64)| {
            let none = Err(NotEstimable::OneUnit);
            let interval = Err(NotEstimable::OneUnit);
            let estimate = Ok(Estimate { value, n: 9, interval });
            let tested = Tested {
                estimate,
                test: Test { adjusted: Some(p), ..Test::new(Ok(p), none) },
                effect: none,
                seeds: 1,
                clips: 9,
            };
            Pair { metric: 0, a, b, tested: Ok(tested) }
        };
        let pairs: Vec<Pair> = pairs.iter().map(pair).collect();
        let at = pairs.iter().enumerate().map(|(i, p)| ((0, p.a, p.b), i)).collect();
        Grid { metrics: vec![Metric::new("cross_entropy/x")], tests: pairs.len(), pairs, at }
    }

    #[test]
    fn what_cannot_be_told_apart_shares_ranks() {
        // 0 is better than 2 for sure; 1 lies between and is distinguishable from neither.
        let shared = grid(&[(0, 1, -0.1, 0.3), (0, 2, -0.2, 0.01), (1, 2, -0.1, 0.3)]);
        let ranks: Vec<String> = (0..3).map(|s| shared.rank(0, s, &[0, 1, 2]).to_string()).collect();
        assert_eq!(ranks, ["1–2", "1–3", "2–3"]);
        assert_eq!(
            (shared.verdict(0, 0, 2), shared.verdict(0, 2, 0), shared.verdict(0, 0, 1)),
            (Some(true), Some(false), None)
        );
        let sure = grid(&[(0, 1, 0.1, 0.01), (0, 2, 0.2, 0.01), (1, 2, 0.1, 0.01)]);
        let ranks: Vec<String> = (0..3).map(|s| sure.rank(0, s, &[0, 1, 2]).to_string()).collect();
        assert_eq!(ranks, ["3", "2", "1"]);
        assert_eq!(grid(&[]).rank(0, 0, &[0]).to_string(), "1");
    }
}
