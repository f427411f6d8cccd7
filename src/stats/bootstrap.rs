//! Bootstrap intervals over clips for token-weighted means and their paired differences.
//!
//! A clip is `(sum, weight)`, e.g. (cross-entropy of its target tokens in nats, their number); the
//! estimate is Σ sum / Σ weight and whole clips are resampled. Replicate `r` draws from
//! `rng::stream(seed, Bootstrap, [r])`, so the order of the clips matters (sort them by name) and
//! the number of threads does not. Efron, JASA 82 (1987) for BCa.

use super::estimate::{
    all_equal, check_level, enough, quantile, Estimable, Estimate, Interval, NotEstimable,
};
use super::proportion::normal_quantile;
use crate::rng::{stream, Purpose};
use rand::Rng;
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

/// How the ends are read from the replicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Quantiles of the replicates.
    Percentile,
    /// Bias-corrected and accelerated quantiles.
    Bca,
}

/// The settings of a bootstrap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// Coverage asked for, in (0, 1).
    pub level: f64,
    pub seed: u64,
    pub replicates: usize,
    pub method: Method,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Bootstrap { level: 0.95, seed: 42, replicates: 2000, method: Method::Bca }
    }
}

/// Mean over clips, weighted by tokens: Σ sum / Σ weight. Clips of weight 0 are left out.
pub fn mean_interval(clips: &[(f64, f64)], plan: &Bootstrap) -> Estimable<Estimate> {
    let rows: Vec<[f64; 2]> = clips.iter().filter(|c| c.1 != 0.0).map(|&(s, w)| [s, w]).collect();
    interval(&rows, ratio, plan)
}

/// Difference of two such means, `a − b`, on the same clips (`a[i]` and `b[i]` are one clip).
/// Clips of weight 0 on either side are left out.
pub fn difference_interval(a: &[(f64, f64)], b: &[(f64, f64)], plan: &Bootstrap) -> Estimable<Estimate> {
    if a.len() != b.len() {
        return Err(NotEstimable::Unpaired);
    }
    let pairs = a.iter().zip(b).filter(|(x, y)| x.1 != 0.0 && y.1 != 0.0);
    let rows: Vec<[f64; 4]> = pairs.map(|(x, y)| [x.0, x.1, y.0, y.1]).collect();
    interval(&rows, ratio_difference, plan)
}

pub(super) fn ratio(t: &[f64; 2]) -> f64 {
    t[0] / t[1]
}

pub(super) fn ratio_difference(t: &[f64; 4]) -> f64 {
    t[0] / t[1] - t[2] / t[3]
}

/// Refuses NaN, infinities and weights (odd columns) that are not positive.
pub(super) fn check_rows<const D: usize>(rows: &[[f64; D]], plan: &Bootstrap) -> Estimable<()> {
    check_level(plan.level)?;
    let fine = |row: &[f64; D]| {
        row.iter().all(|x| x.is_finite()) && row.iter().skip(1).step_by(2).all(|&weight| weight > 0.0)
    };
    if !rows.iter().all(fine) || plan.replicates < 2 {
        return Err(NotEstimable::NotFinite);
    }
    if rows.is_empty() {
        return Err(NotEstimable::NoData);
    }
    Ok(())
}

/// Estimate of a function of column totals.
fn interval<const D: usize>(
    rows: &[[f64; D]],
    statistic: fn(&[f64; D]) -> f64,
    plan: &Bootstrap,
) -> Estimable<Estimate> {
    check_rows(rows, plan)?;
    let value = statistic(&total(rows.iter()));
    let interval = spread(rows, statistic, value, plan);
    Ok(Estimate { value, n: rows.len(), interval })
}

fn spread<const D: usize>(
    rows: &[[f64; D]],
    statistic: fn(&[f64; D]) -> f64,
    value: f64,
    plan: &Bootstrap,
) -> Estimable<Interval> {
    enough(rows.len())?;
    if all_equal(rows.iter().map(statistic)) {
        return Err(NotEstimable::NoSpread);
    }
    let replicates = sorted_replicates(plan, |mut draw| {
        statistic(&total((0..rows.len()).map(|_| &rows[draw.gen_range(0..rows.len())])))
    });
    let tail = (1.0 - plan.level) / 2.0;
    let (low, high) = match plan.method {
        Method::Percentile => (tail, 1.0 - tail),
        Method::Bca => {
            let bias = bias(&replicates, value);
            let acceleration = acceleration(rows, statistic);
            (corrected(tail, bias, acceleration), corrected(1.0 - tail, bias, acceleration))
        }
    };
    Ok(Interval { low: quantile(&replicates, low), high: quantile(&replicates, high) })
}

/// The statistic of every replicate, ascending.
pub(super) fn sorted_replicates(
    plan: &Bootstrap,
    one: impl Fn(crate::rng::Stream) -> f64 + Sync,
) -> Vec<f64> {
    let mut all: Vec<f64> = (0..plan.replicates as u64)
        .into_par_iter()
        .map(|r| one(stream(plan.seed, Purpose::Bootstrap, &[r])))
        .collect();
    all.sort_by(f64::total_cmp);
    all
}

/// Column sums, in the order given.
pub(super) fn total<'a, const D: usize>(rows: impl Iterator<Item = &'a [f64; D]>) -> [f64; D] {
    rows.fold([0.0; D], |mut sum, row| {
        for (s, x) in sum.iter_mut().zip(row) {
            *s += x;
        }
        sum
    })
}

/// `z0`: how far the estimate is from the median of its replicates, ties counted half. Kept away
/// from 0 and 1 by half a replicate, so that it is finite.
fn bias(replicates: &[f64], value: f64) -> f64 {
    let below = replicates.partition_point(|&x| x < value);
    let not_above = replicates.partition_point(|&x| x <= value);
    let n = replicates.len() as f64;
    let share = (below + not_above) as f64 / 2.0 / n;
    normal_quantile(share.clamp(0.5 / n, 1.0 - 0.5 / n))
}

/// `a`: a sixth of the skewness of the jackknife.
fn acceleration<const D: usize>(rows: &[[f64; D]], statistic: fn(&[f64; D]) -> f64) -> f64 {
    let all = total(rows.iter());
    let left_out: Vec<f64> = rows
        .iter()
        .map(|row| {
            let mut rest = all;
            rest.iter_mut().zip(row).for_each(|(r, x)| *r -= x);
            statistic(&rest)
        })
        .collect();
    let mean = left_out.iter().sum::<f64>() / rows.len() as f64;
    let squares: f64 = left_out.iter().map(|x| (mean - x).powi(2)).sum();
    let cubes: f64 = left_out.iter().map(|x| (mean - x).powi(3)).sum();
    if squares > 0.0 {
        cubes / (6.0 * squares.powf(1.5))
    } else {
        0.0
    }
}

/// The quantile that replaces `p` under bias `z0` and acceleration `a`.
fn corrected(p: f64, bias: f64, acceleration: f64) -> f64 {
    let z = bias + normal_quantile(p);
    Normal::standard().cdf(bias + z / (1.0 - acceleration * z))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::FEWEST;
    use rand_distr::{Distribution, Exp1, StandardNormal};

    fn plan(method: Method, replicates: usize) -> Bootstrap {
        Bootstrap { method, replicates, ..Bootstrap::default() }
    }

    #[test]
    fn degenerate() {
        let p = Bootstrap::default();
        assert_eq!(mean_interval(&[], &p), Err(NotEstimable::NoData));
        assert_eq!(mean_interval(&[(1.0, 0.0)], &p), Err(NotEstimable::NoData));
        assert_eq!(mean_interval(&[(f64::NAN, 1.0), (1.0, 1.0)], &p), Err(NotEstimable::NotFinite));
        assert_eq!(mean_interval(&[(1.0, -1.0), (1.0, 2.0)], &p), Err(NotEstimable::NotFinite));
        let one = mean_interval(&[(3.0, 2.0)], &p).unwrap();
        assert_eq!((one.value, one.interval), (1.5, Err(NotEstimable::OneUnit)));
        let same = mean_interval(&[(3.0, 2.0); 30], &p).unwrap();
        assert_eq!((same.value, same.n, same.interval), (1.5, 30, Err(NotEstimable::NoSpread)));
        let few: Vec<(f64, f64)> = (1..FEWEST).map(|i| (i as f64, 1.0)).collect();
        assert_eq!(mean_interval(&few, &p).unwrap().interval, Err(NotEstimable::TooFew));
        let enough: Vec<(f64, f64)> = (0..FEWEST).map(|i| (i as f64, 1.0)).collect();
        assert!(mean_interval(&enough, &p).unwrap().interval.is_ok());
        assert_eq!(difference_interval(&[(1.0, 1.0)], &[], &p), Err(NotEstimable::Unpaired));
    }

    #[test]
    fn a_long_clip_counts_for_its_tokens() {
        let e = mean_interval(&[(1.0, 1.0), (30.0, 10.0), (0.0, 0.0)], &Bootstrap::default()).unwrap();
        assert_eq!((e.value, e.n), (31.0 / 11.0, 2));
    }

    #[test]
    fn threads_do_not_matter() {
        let clips: Vec<(f64, f64)> = (0..50).map(|i| ((i * i % 17) as f64, 1.0 + (i % 3) as f64)).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| mean_interval(&clips, &Bootstrap::default()))
        };
        assert_eq!(run(1), run(4));
        assert_ne!(run(1), mean_interval(&clips, &Bootstrap { seed: 43, ..Bootstrap::default() }));
    }

    /// A paired difference takes out what clips have in common.
    #[test]
    fn pairing_helps() {
        let a: Vec<(f64, f64)> =
            (0..40).map(|i| (10.0 * (i % 7) as f64 + (i % 2) as f64 * 0.1, 1.0)).collect();
        let b: Vec<(f64, f64)> = (0..40).map(|i| (10.0 * (i % 7) as f64 - 0.5, 1.0)).collect();
        let e = difference_interval(&a, &b, &Bootstrap::default()).unwrap();
        let i = e.interval.unwrap();
        assert!((e.value - 0.55).abs() < 1e-12 && i.low > 0.5 && i.high < 0.6, "{e:?}");
    }

    /// Share of simulations whose interval contains the truth.
    fn coverage(method: Method, truth: f64, clip: fn(&mut crate::rng::Stream) -> (f64, f64)) -> f64 {
        let hits = (0..800u64).filter(|&s| {
            let mut draw = stream(s, Purpose::Simulation, &[]);
            let clips: Vec<_> = (0..120).map(|_| clip(&mut draw)).collect();
            let p = Bootstrap { seed: s, ..plan(method, 500) };
            mean_interval(&clips, &p).unwrap().interval.unwrap().contains(truth)
        });
        hits.count() as f64 / 800.0
    }

    /// Within three Monte-Carlo standard errors (0.023) of 0.95.
    #[test]
    fn coverage_of_both_methods() {
        for method in [Method::Percentile, Method::Bca] {
            let normal = coverage(method, 2.0, |d| {
                // Tokens per clip vary and the noise is the clip's, not the token's.
                let weight = d.gen_range(1..9) as f64;
                let noise: f64 = StandardNormal.sample(d);
                (weight * (2.0 + noise), weight)
            });
            assert!((normal - 0.95).abs() < 0.023, "{method:?} {normal}");
        }
        let skewed = coverage(Method::Bca, 1.0, |d| (Exp1.sample(d), 1.0));
        assert!((skewed - 0.95).abs() < 0.023, "{skewed}");
    }
}
