//! Two sides on the same clips and seeds: difference, interval, test, effect size, what could be missed.

use crate::metrics::clips::Clips;
use crate::metrics::estimate::{ALPHA, PERMUTATIONS, POWER};
use crate::metrics::Key;
use crate::report::scores::Scores;
use crate::report::tables::tested::Test;
use crate::stats::{
    binomial, bootstrap, crossed, detectable, hierarchical, mcnemar, two_recipes, Alternative, Bootstrap,
    Estimable, Estimate, NotEstimable,
};
use std::collections::BTreeMap;

/// What pairs the runs of two sides: init, data, masking and probes.
pub type Seed = [u64; 4];

/// Scores of one side, by seed.
pub type Runs = BTreeMap<Seed, Scores>;

/// Differences of each clip for each seed, in the metric's unit; their mean is the difference of the
/// sides' (token-weighted) means.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// `[seeds][clips]`.
    differences: Vec<Vec<f64>>,
    /// Whether each clip is either right or wrong.
    binary: bool,
}

/// A contrast with everything that is said about it but the correction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tested {
    pub estimate: Estimable<Estimate>,
    /// Two-sided; with the smallest difference found at 5 % with 80 % power.
    pub test: Test,
    /// Mean difference in standard deviations of the clips' differences (averaged over seeds).
    pub effect: Estimable<f64>,
    pub seeds: usize,
    pub clips: usize,
}

impl Contrast {
    /// `a − b`, averaged over pairs of sides, on the seeds and clips that all of them have.
    pub fn new(pairs: &[(&Runs, &Runs)], key: &Key) -> Estimable<Contrast> {
        let metric = key.to_string();
        let sides: Vec<&Runs> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
        let has = |runs: &Runs, seed: &Seed| runs.get(seed).is_some_and(|s| s.contains_key(&metric));
        let first = sides.first().ok_or(NotEstimable::NoData)?;
        let seeds: Vec<&Seed> = first.keys().filter(|s| sides.iter().all(|r| has(r, s))).collect();
        let clips_of = |runs: &&Runs, seed: &Seed| -> Option<Clips> { runs.get(seed)?.get(&metric).cloned() };
        let maps: Vec<Vec<Clips>> =
            seeds.iter().map(|s| sides.iter().filter_map(|r| clips_of(r, s)).collect()).collect();
        let known = |clip: &&String| {
            maps.iter().flatten().all(|m| m.get(*clip).is_some_and(|&(_, weight)| weight > 0.0))
        };
        let clips: Vec<&String> = maps.first().map_or(vec![], |m| m[0].keys().filter(known).collect());
        if clips.is_empty() {
            return Err(NotEstimable::NoData);
        }
        let differences: Vec<Vec<f64>> = maps.iter().map(|sides| mean_difference(sides, &clips)).collect();
        if differences.iter().flatten().any(|x| !x.is_finite()) {
            return Err(NotEstimable::NotFinite);
        }
        Ok(Contrast { differences, binary: pairs.len() == 1 && key.spec.right_or_wrong })
    }

    /// Everything that is said about it.
    pub fn tested(&self, plan: &Bootstrap) -> Tested {
        Tested {
            estimate: self.estimate(plan),
            test: Test::new(
                self.p(0.0, Alternative::TwoSided, plan),
                self.detectable(self.differences.len()),
            ),
            effect: self.effect(),
            seeds: self.differences.len(),
            clips: self.differences[0].len(),
        }
    }

    /// Mean difference: bootstrap over clips for one seed, over seeds × clips for several.
    pub fn estimate(&self, plan: &Bootstrap) -> Estimable<Estimate> {
        let weighted = |row: &Vec<f64>| row.iter().map(|&d| (d, 1.0)).collect::<Vec<_>>();
        match self.differences.as_slice() {
            [one] => bootstrap::mean_interval(&weighted(one), plan),
            several => {
                let table: Vec<_> = several.iter().map(weighted).collect();
                hierarchical::mean_interval(&table, plan)
            }
        }
    }

    /// p-value of the mean difference against `margin`. One seed: McNemar (right or wrong, margin 0) or sign flips
    /// over clips, which speak of two trained models; several seeds: [`two_recipes`].
    pub fn p(&self, margin: f64, alternative: Alternative, plan: &Bootstrap) -> Estimable<f64> {
        if alternative != Alternative::TwoSided && self.differences.iter().flatten().all(|d| *d == margin) {
            // The claim that one is ahead is judged also where both are alike on every clip: nothing speaks for it.
            return Ok(1.0);
        }
        if let ([one], true) = (self.differences.as_slice(), self.binary && margin == 0.0) {
            return discordant(one, alternative);
        }
        two_recipes::test(&self.differences, margin, alternative, plan.seed, PERMUTATIONS)
    }

    /// Seeds and clips.
    pub fn size(&self) -> [usize; 2] {
        [self.differences.len(), self.differences[0].len()]
    }

    fn effect(&self) -> Estimable<f64> {
        let means = two_recipes::clip_means(&self.differences);
        let n = means.len() as f64;
        if means.len() < 2 {
            return Err(NotEstimable::OneUnit);
        }
        let mean = means.iter().sum::<f64>() / n;
        let variance = means.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        // Differences that are equal but for rounding have no spread to count in.
        if variance.sqrt() > 1e-12 * mean.abs() {
            Ok(mean / variance.sqrt())
        } else {
            Err(NotEstimable::NoSpread)
        }
    }

    /// Smallest difference that `seeds` seeds like these would find; one seed tells of clips alone.
    pub fn detectable(&self, seeds: usize) -> Estimable<f64> {
        match self.differences.as_slice() {
            [one] => detectable::paired_mean(one, ALPHA, POWER),
            several => {
                let fit = crossed::fit(several)?;
                fit.spread().detectable(seeds, fit.clips, ALPHA, POWER)
            }
        }
    }
}

/// McNemar's test from differences that are −100, 0 or 100.
fn discordant(differences: &[f64], alternative: Alternative) -> Estimable<f64> {
    let count = |sign: f64| differences.iter().filter(|d| sign * **d > 0.0).count();
    let (a, b) = (count(1.0), count(-1.0));
    match (alternative, a + b) {
        (_, 0) => Err(NotEstimable::NoSpread),
        (Alternative::TwoSided, _) => mcnemar::test(a as u64, b as u64),
        (one_sided, n) => binomial::test(a as u64, n as u64, 0.5, one_sided),
    }
}

/// Sides alternate: a, b, a, b, …
fn mean_difference(sides: &[Clips], clips: &[&String]) -> Vec<f64> {
    let column = |m: &Clips| clips.iter().map(|c| m[*c]).collect::<Vec<_>>();
    let pairs: Vec<Vec<f64>> =
        sides.chunks_exact(2).map(|p| clip_differences(&column(&p[0]), &column(&p[1]))).collect();
    let count = pairs.len() as f64;
    (0..clips.len()).map(|c| pairs.iter().map(|p| p[c]).sum::<f64>() / count).collect()
}

/// Per clip, with the difference of the token-weighted means as their mean. Where both sides have
/// the same tokens the clips' own differences, exactly; else, to first order, how far a clip pulls
/// each side's mean (comparing sums of unequal numbers of tokens would measure their number).
fn clip_differences(a: &[(f64, f64)], b: &[(f64, f64)]) -> Vec<f64> {
    let n = a.len() as f64;
    let totals = |x: &[(f64, f64)]| x.iter().fold((0.0, 0.0), |t, c| (t.0 + c.0, t.1 + c.1));
    let (ta, tb) = (totals(a), totals(b));
    let (wa, wb) = (ta.1 / n, tb.1 / n);
    if a.iter().zip(b).all(|(x, y)| x.1 == y.1) {
        return a.iter().zip(b).map(|(x, y)| (x.0 - y.0) / wa).collect();
    }
    let (ra, rb) = (ta.0 / ta.1, tb.0 / tb.1);
    let influence = |(x, y): (&(f64, f64), &(f64, f64))| (x.0 - ra * x.1) / wa - (y.0 - rb * y.1) / wb;
    a.iter().zip(b).map(influence).map(|influence| ra - rb + influence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue;
    use crate::stats::sign_flip;

    const KEY: &str = "linear_probe/m";

    fn key(text: &str) -> Key {
        catalogue::parse(text).unwrap()
    }

    fn clips(values: &[(f64, f64)]) -> Clips {
        values.iter().enumerate().map(|(i, &v)| (format!("c{i:02}"), v)).collect()
    }

    fn runs(seeds: &[&[(f64, f64)]]) -> Runs {
        let one =
            |(s, v): (usize, &&[(f64, f64)])| ([s as u64; 4], Scores::from([(KEY.to_string(), clips(v))]));
        seeds.iter().enumerate().map(one).collect()
    }

    #[test]
    fn the_mean_of_the_differences_is_the_difference_of_the_means() {
        let a = runs(&[&[(4.0, 2.0), (9.0, 3.0), (1.0, 5.0)]]);
        for b in [[(3.0, 2.0), (3.0, 3.0), (4.0, 5.0)], [(3.0, 1.0), (3.0, 7.0), (4.0, 4.0)]] {
            let c = Contrast::new(&[(&a, &runs(&[&b]))], &key(KEY)).unwrap();
            let mean = c.differences[0].iter().sum::<f64>() / 3.0;
            let weighted =
                |x: &[(f64, f64)]| x.iter().map(|c| c.0).sum::<f64>() / x.iter().map(|c| c.1).sum::<f64>();
            let direct = 1.4 - weighted(&b);
            assert!((mean - direct).abs() < 1e-12, "{mean} {direct}");
        }
    }

    #[test]
    fn only_seeds_and_clips_of_all_sides_count() {
        let a = runs(&[&[(1.0, 1.0), (2.0, 1.0), (3.0, 1.0)], &[(1.0, 1.0); 3]]);
        let b = runs(&[&[(0.0, 1.0), (1.0, 0.0)]]);
        let c = Contrast::new(&[(&a, &b)], &key(KEY)).unwrap();
        assert_eq!(c.differences, [[1.0]]);
        assert_eq!(Contrast::new(&[(&a, &b)], &key("cross_entropy/other")), Err(NotEstimable::NoData));
        assert_eq!(Contrast::new(&[], &key(KEY)), Err(NotEstimable::NoData));
        let t = c.tested(&Bootstrap::default());
        assert_eq!(
            (t.seeds, t.clips, t.effect, t.test.mde),
            (1, 1, Err(NotEstimable::OneUnit), Err(NotEstimable::OneUnit))
        );
    }

    #[test]
    fn right_or_wrong_is_mcnemar() {
        let share = |bits: [u8; 6]| bits.map(|b| (100.0 * f64::from(b), 1.0));
        let (a, b) = (share([1, 1, 1, 1, 1, 0]), share([0, 0, 0, 0, 1, 0]));
        let c = Contrast::new(&[(&runs(&[&a]), &runs(&[&b]))], &key(KEY)).unwrap();
        let plan = Bootstrap::default();
        assert_eq!(c.p(0.0, Alternative::TwoSided, &plan), mcnemar::test(4, 0));
        let one_sided = c.p(0.0, Alternative::Greater, &plan).unwrap();
        assert!((one_sided - 1.0 / 16.0).abs() < 1e-12, "{one_sided}");
        let same = Contrast::new(&[(&runs(&[&a]), &runs(&[&a]))], &key(KEY)).unwrap();
        assert_eq!(same.tested(&plan).test.p, Err(NotEstimable::NoSpread));
        assert_eq!(same.p(0.0, Alternative::Greater, &plan), Ok(1.0), "a claim is judged");
    }

    /// Three seeds that differ among themselves as much as from the other side: clips alone would
    /// be sure, seeds are not.
    #[test]
    fn seeds_are_not_recipes() {
        let side = |shift: [f64; 3]| {
            let rows: Vec<Vec<(f64, f64)>> = shift
                .iter()
                .map(|s| (0..40).map(|c| (s + 0.01 * ((c * 7 % 11) as f64 * (1.0 + s)), 1.0)).collect())
                .collect();
            runs(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        let (a, b) = (side([1.0, 1.5, 0.8]), side([0.9, 0.9, 1.0]));
        let c = Contrast::new(&[(&a, &b)], &key(KEY)).unwrap();
        let plan = Bootstrap::default();
        let means = two_recipes::clip_means(&c.differences);
        let flips = sign_flip::test(&means, Alternative::TwoSided, plan.seed, PERMUTATIONS).unwrap();
        let p = c.p(0.0, Alternative::TwoSided, &plan).unwrap();
        assert!(flips < 0.001 && p > 0.2, "{flips} {p}");
        assert!(c.estimate(&plan).unwrap().interval.unwrap().contains(0.0));
    }
}
