//! Every pair of sides on every metric, corrected together, and the ranks that follow from it.

use super::contrast::{Contrast, Tested};
use super::sides::Comparison;
use crate::metrics::{Key, Standing};
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

/// All pairs.
pub struct Grid {
    pub metrics: Vec<Key>,
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
        let metrics = comparison.metrics.clone();
        let mut pairs = Vec::new();
        for (m, metric) in metrics.iter().enumerate() {
            for a in 0..comparison.sides.len() {
                for b in a + 1..comparison.sides.len() {
                    let (x, y) = (&comparison.sides[a].scores, &comparison.sides[b].scores);
                    let tested = Contrast::new(&[(x, y)], metric).map(|c| c.tested(plan));
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

    /// How `a` stands to `b` by the corrected test, and the seeds it was made on.
    pub fn standing(&self, metric: usize, a: usize, b: usize) -> (Standing, u64) {
        let none = (Standing::NotEstimable, 0);
        let Some((pair, turned)) = self.pair(metric, a, b) else { return none };
        let Ok(tested) = pair.tested else { return none };
        let difference = tested.estimate.ok().map(|e| e.value);
        let better = self.metrics[metric].spec.better;
        let standing = Standing::new(better, difference, tested.test.adjusted);
        (if turned { standing.turned() } else { standing }, tested.seeds as u64)
    }

    /// Whether `a` is better than `b` by the corrected test, or, where neither side of the metric is better,
    /// larger; `None`: not distinguishable.
    pub fn verdict(&self, metric: usize, a: usize, b: usize) -> Option<bool> {
        let (standing, _) = self.standing(metric, a, b);
        standing.decided().then(|| standing.ahead())
    }

    /// Whether two of the sides were compared on one seed: trained models were, and no recipes.
    pub fn one_seed(&self, metric: usize) -> bool {
        let of_metric = self.pairs.iter().filter(|pair| pair.metric == metric);
        of_metric.filter_map(|pair| pair.tested.ok()).any(|tested| tested.seeds == 1)
    }

    /// The rank of `side` among `sides` (those that have the metric); none where neither side is better, and none with
    /// one seed, which ranks models and no recipes.
    pub fn rank(&self, metric: usize, side: usize, sides: &[usize]) -> Option<Rank> {
        let others = || sides.iter().filter(|s| **s != side);
        let verdicts =
            |wanted: bool| others().filter(|s| self.verdict(metric, side, **s) == Some(wanted)).count();
        let rank = || Rank { best: 1 + verdicts(false), worst: sides.len() - verdicts(true) };
        (self.metrics[metric].spec.directed() && !self.one_seed(metric)).then(rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue;
    use crate::report::tables::tested::Test;
    use crate::stats::{Estimate, NotEstimable};

    /// Differences `a − b` of cross-entropies and corrected p-values.
    fn grid(pairs: &[(usize, usize, f64, f64)]) -> Grid {
        grid_of("cross_entropy/x", pairs)
    }

    fn grid_of(key: &str, pairs: &[(usize, usize, f64, f64)]) -> Grid {
        let pair = |&(a, b, value, p): &(usize, usize, f64, f64)| {
            let none = Err(NotEstimable::OneUnit);
            let interval = Err(NotEstimable::OneUnit);
            let estimate = Ok(Estimate { value, n: 9, interval });
            let tested = Tested {
                estimate,
                test: Test { adjusted: Some(p), ..Test::new(Ok(p), none) },
                effect: none,
                seeds: 2,
                clips: 9,
            };
            Pair { metric: 0, a, b, tested: Ok(tested) }
        };
        let pairs: Vec<Pair> = pairs.iter().map(pair).collect();
        let at = pairs.iter().enumerate().map(|(i, p)| ((0, p.a, p.b), i)).collect();
        Grid { metrics: vec![catalogue::parse(key).unwrap()], tests: pairs.len(), pairs, at }
    }

    fn rank(grid: &Grid, side: usize) -> String {
        grid.rank(0, side, &[0, 1, 2]).unwrap().to_string()
    }

    /// More of what memorization measures is neither better nor worse.
    #[test]
    fn without_a_better_side_there_is_no_rank() {
        let grid = grid_of("memorization/train/accuracy", &[(0, 1, 0.1, 0.01)]);
        assert_eq!(grid.verdict(0, 0, 1), Some(true), "larger");
        assert_eq!(grid.rank(0, 0, &[0, 1]), None);
    }

    #[test]
    fn what_cannot_be_told_apart_shares_ranks() {
        // 0 is better than 2 for sure; 1 lies between and is distinguishable from neither.
        let shared = grid(&[(0, 1, -0.1, 0.3), (0, 2, -0.2, 0.01), (1, 2, -0.1, 0.3)]);
        let ranks: Vec<String> = (0..3).map(|s| rank(&shared, s)).collect();
        assert_eq!(ranks, ["1–2", "1–3", "2–3"]);
        assert_eq!(
            (shared.verdict(0, 0, 2), shared.verdict(0, 2, 0), shared.verdict(0, 0, 1)),
            (Some(true), Some(false), None)
        );
        let sure = grid(&[(0, 1, 0.1, 0.01), (0, 2, 0.2, 0.01), (1, 2, 0.1, 0.01)]);
        let ranks: Vec<String> = (0..3).map(|s| rank(&sure, s)).collect();
        assert_eq!(ranks, ["3", "2", "1"]);
        assert_eq!(grid(&[]).rank(0, 0, &[0]).unwrap().to_string(), "1");
    }
}
