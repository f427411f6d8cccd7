//! From clips of one or several seeds to what is said about them: estimate, difference, test, smallest effect.

use super::clips::{self, aligned, hits, Clips};
use crate::stats::{
    binomial, bootstrap, detectable, hierarchical, proportion, sign_flip, Alternative, Bootstrap, Estimable,
    Estimate, NotEstimable,
};

/// Significance after correction.
pub const ALPHA: f64 = 0.05;
/// Power of the minimum detectable effect.
pub const POWER: f64 = 0.8;
/// Replicates of a Monte-Carlo permutation test.
pub const PERMUTATIONS: usize = 9999;

/// Σ sum / Σ weight: over clips for one seed, over seeds and clips for several.
pub fn estimate(maps: &[&Clips], plan: &Bootstrap) -> Estimable<Estimate> {
    match aligned(maps).as_slice() {
        [] => Err(NotEstimable::NoData),
        [one] => bootstrap::mean_interval(one, plan),
        several => hierarchical::mean_interval(several, plan),
    }
}

/// `a − b` on the same clips, likewise.
pub fn difference(a: &[&Clips], b: &[&Clips], plan: &Bootstrap) -> Estimable<Estimate> {
    let (a, b) = paired(a, b)?;
    match (a.as_slice(), b.as_slice()) {
        ([a], [b]) => bootstrap::difference_interval(a, b, plan),
        (a, b) => hierarchical::difference_interval(a, b, plan),
    }
}

/// A share of clips in percent: Clopper–Pearson for one seed, seeds × clips for several.
pub fn share(maps: &[&Clips], plan: &Bootstrap) -> Estimable<Estimate> {
    if let [one] = maps {
        return share_of_clips(one, plan.level).map(Estimate::percent);
    }
    estimate(maps, plan).map(Estimate::share_percent)
}

/// A share of clips that are 0 or 1 each, as a fraction, with its Clopper–Pearson interval.
pub fn share_of_clips(clips: &Clips, level: f64) -> Estimable<Estimate> {
    let (hits, n) = hits(clips);
    if n == 0 {
        return Err(NotEstimable::NoData);
    }
    let interval = proportion::clopper_pearson(hits, n, level);
    Ok(Estimate { value: hits as f64 / n as f64, n: n as usize, interval })
}

/// The share that guessing gets right within `k` of `n`; `n` no larger than `k` leaves nothing to find.
pub fn chance(k: u32, n: u32) -> Estimable<f64> {
    match n {
        0 => Err(NotEstimable::NoData),
        few if few <= k => Err(NotEstimable::NoSpread),
        many => Ok(f64::from(k) / f64::from(many)),
    }
}

/// Sums of each clip, one column per seed.
type Columns = Vec<Vec<(f64, f64)>>;

fn paired(a: &[&Clips], b: &[&Clips]) -> Estimable<(Columns, Columns)> {
    if a.len() != b.len() || a.is_empty() {
        return Err(NotEstimable::Unpaired);
    }
    let both: Vec<&Clips> = a.iter().chain(b).copied().collect();
    let mut columns = aligned(&both);
    let second = columns.split_off(a.len());
    Ok((columns, second))
}

/// The p-value of several seeds: the largest of theirs, so that it is true of every seed.
pub fn largest_of_seeds(each: impl IntoIterator<Item = Estimable<f64>>) -> Estimable<f64> {
    let mut largest: Estimable<f64> = Err(NotEstimable::NoData);
    for p in each {
        let p = p?;
        largest = Ok(largest.map_or(p, |q: f64| q.max(p)));
    }
    largest
}

/// Of two-sided tests, each with the difference it is about: the largest p, and 1 where the seeds do not even agree
/// in the sign.
pub fn agreeing(each: impl IntoIterator<Item = (f64, Estimable<f64>)>) -> Estimable<f64> {
    let (differences, tests): (Vec<f64>, Vec<Estimable<f64>>) = each.into_iter().unzip();
    let largest = largest_of_seeds(tests)?;
    let above = |difference: &f64| *difference > 0.0;
    let agree = differences.iter().all(|d| above(d) == above(&differences[0]));
    Ok(if agree { largest } else { 1.0 })
}

/// Two-sided exact binomial test of a share of clips against `chance`; of several seeds as [`agreeing`].
pub fn chance_p(maps: &[&Clips], chance: Estimable<f64>) -> Estimable<f64> {
    let chance = chance?;
    agreeing(maps.iter().map(|map| {
        let (hits, n) = hits(map);
        let p = binomial::test(hits, n, chance, Alternative::TwoSided);
        (hits as f64 - chance * n as f64, p)
    }))
}

/// McNemar's exact test of two answers to the same clips; of several seeds as [`agreeing`].
pub fn mcnemar_p(a: &[&Clips], b: &[&Clips]) -> Estimable<f64> {
    if a.len() != b.len() || a.is_empty() {
        return Err(NotEstimable::Unpaired);
    }
    agreeing(a.iter().zip(b).map(|(a, b)| {
        let common = aligned(&[a, b]);
        let ahead = common[0].iter().zip(&common[1]).map(|(x, y)| x.0 - y.0).sum();
        (ahead, clips::mcnemar(a, b))
    }))
}

/// Two-sided sign-flip test over clips; of several seeds as [`agreeing`].
pub fn paired_p(a: &[&Clips], b: &[&Clips], plan: &Bootstrap) -> Estimable<f64> {
    let (a, b) = paired(a, b)?;
    agreeing(a.iter().zip(&b).map(|(a, b)| {
        let differences = differences(a, b);
        let p = sign_flip::test(&differences, Alternative::TwoSided, plan.seed, PERMUTATIONS);
        (differences.iter().sum(), p)
    }))
}

/// Per clip, scaled so that their mean is the difference of the weighted means.
fn differences(a: &[(f64, f64)], b: &[(f64, f64)]) -> Vec<f64> {
    let scale = |x: &[(f64, f64)]| x.len() as f64 / x.iter().map(|c| c.1).sum::<f64>();
    let (scale_a, scale_b) = (scale(a), scale(b));
    a.iter().zip(b).map(|(x, y)| x.0 * scale_a - y.0 * scale_b).collect()
}

/// Smallest difference that would have been found; of several seeds, on the first.
pub fn paired_mde(a: &[&Clips], b: &[&Clips]) -> Estimable<f64> {
    let (a, b) = paired(a, b)?;
    detectable::paired_mean(&differences(&a[0], &b[0]), ALPHA, POWER)
}

/// How far above `chance` a share of `n` clips must lie to be found, in percent.
pub fn share_mde(n: u64, chance: Estimable<f64>) -> Estimable<f64> {
    let chance = chance?;
    Ok(100.0 * (detectable::proportion(n, chance, ALPHA, POWER)? - chance))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::clips::common_clips;

    fn clips(values: &[(&str, f64, f64)]) -> Clips {
        values.iter().map(|(n, s, w)| (n.to_string(), (*s, *w))).collect()
    }

    #[test]
    fn only_common_clips_are_compared() {
        let a = clips(&[("a", 1.0, 1.0), ("b", 2.0, 1.0), ("c", 3.0, 1.0)]);
        let b = clips(&[("c", 1.0, 1.0), ("b", 1.0, 1.0), ("d", 9.0, 1.0)]);
        assert_eq!(common_clips(&[&a, &b]), 2);
        let d = difference(&[&a], &[&b], &Bootstrap::default()).unwrap();
        assert_eq!((d.value, d.n), (1.5, 2));
        assert_eq!(difference(&[&a, &a], &[&b], &Bootstrap::default()), Err(NotEstimable::Unpaired));
    }

    #[test]
    fn several_seeds_must_all_agree() {
        let zero = clips(&[("a", 0.0, 1.0), ("b", 0.0, 1.0), ("c", 0.0, 1.0)]);
        let up = clips(&[("a", 1.0, 1.0), ("b", 1.0, 1.0), ("c", 1.0, 1.0)]);
        let mixed = clips(&[("a", 1.0, 1.0), ("b", -1.0, 1.0), ("c", 1.0, 1.0)]);
        let level = |map: &[&Clips], chance| chance_p(map, Ok(chance)).unwrap();
        assert!((level(&[&up], 0.5) - 0.25).abs() < 1e-12);
        assert_eq!(level(&[&up, &zero], 0.5), 1.0, "one above, one below");
        assert!((mcnemar_p(&[&up], &[&zero]).unwrap() - 0.25).abs() < 1e-12);
        assert_eq!(mcnemar_p(&[&up, &zero], &[&zero, &up]), Ok(1.0));
        let plan = Bootstrap::default();
        let p = |x: &[&Clips], y: &[&Clips]| paired_p(x, y, &plan).unwrap();
        assert_eq!(p(&[&up], &[&zero]), 0.25);
        assert_eq!(p(&[&up, &mixed], &[&zero, &zero]), p(&[&mixed], &[&zero]));
        assert_eq!(p(&[&up, &zero], &[&zero, &up]), 1.0);
    }

    #[test]
    fn one_seed_without_a_p_leaves_none() {
        assert_eq!(largest_of_seeds([]), Err(NotEstimable::NoData));
        assert_eq!(largest_of_seeds([Ok(0.2), Ok(0.5), Ok(0.1)]), Ok(0.5));
        assert_eq!(largest_of_seeds([Ok(0.2), Err(NotEstimable::NoSpread)]), Err(NotEstimable::NoSpread));
    }

    #[test]
    fn chance_is_k_of_n_where_something_can_be_missed() {
        assert_eq!((chance(1, 4), chance(5, 200)), (Ok(0.25), Ok(0.025)));
        assert_eq!((chance(5, 5), chance(10, 4)), (Err(NotEstimable::NoSpread), Err(NotEstimable::NoSpread)));
        assert_eq!(chance(1, 0), Err(NotEstimable::NoData));
    }
}
