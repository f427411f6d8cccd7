//! Bootstrap over seeds × clips: how a mean would vary with another seed *and* other clips.
//!
//! All seeds are scored on the same clips, so the design is crossed: each replicate draws seeds and,
//! independently, one set of clips used for all of them (Owen, Ann. Appl. Stat. 1 (2007)). A plain
//! bootstrap of a few seeds is far too narrow (three of them span at most their own range), so the
//! deviation between seeds is widened by sqrt(k/(k−1)) · t(k−1)/z: Student's width for normal seeds,
//! and no effect where the seeds agree.

use super::bootstrap::{check_rows, ratio, ratio_difference, sorted_replicates, Bootstrap};
use super::estimate::{all_equal, enough, quantile, Estimable, Estimate, Interval, NotEstimable};
use super::proportion::normal_quantile;
use crate::rng::Stream;
use rand::Rng;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Clips of one seed: (sum, weight) each, in the same order for every seed.
pub type Seed = Vec<(f64, f64)>;

/// Mean over seeds of each seed's token-weighted mean. `n` counts seeds.
pub fn mean_interval(seeds: &[Seed], plan: &Bootstrap) -> Estimable<Estimate> {
    let table: Vec<Vec<[f64; 2]>> =
        seeds.iter().map(|clips| clips.iter().map(|&(s, w)| [s, w]).collect()).collect();
    interval(&table, ratio, plan)
}

/// Mean over seeds of the paired difference `a − b`; seed `i` of both sides belong together.
pub fn difference_interval(a: &[Seed], b: &[Seed], plan: &Bootstrap) -> Estimable<Estimate> {
    let same = a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.len() == y.len());
    if !same {
        return Err(NotEstimable::Unpaired);
    }
    let pair = |(x, y): (&Seed, &Seed)| {
        x.iter().zip(y).map(|(x, y)| [x.0, x.1, y.0, y.1]).collect::<Vec<[f64; 4]>>()
    };
    let table: Vec<_> = a.iter().zip(b).map(pair).collect();
    interval(&table, ratio_difference, plan)
}

fn interval<const D: usize>(
    table: &[Vec<[f64; D]>],
    statistic: fn(&[f64; D]) -> f64,
    plan: &Bootstrap,
) -> Estimable<Estimate> {
    let clips = table.first().map_or(0, Vec::len);
    if table.iter().any(|seed| seed.len() != clips) {
        return Err(NotEstimable::Unpaired);
    }
    // A clip without tokens for some seed cannot be compared between seeds.
    let kept: Vec<usize> = (0..clips)
        .filter(|&c| table.iter().all(|seed| seed[c].iter().skip(1).step_by(2).all(|&w| w != 0.0)))
        .collect();
    let table: Vec<Vec<[f64; D]>> =
        table.iter().map(|seed| kept.iter().map(|&c| seed[c]).collect()).collect();
    if table.is_empty() {
        return Err(NotEstimable::NoData);
    }
    for seed in &table {
        check_rows(seed, plan)?;
    }
    let value = mean(&per_seed(&table, statistic, 0..kept.len()));
    Ok(Estimate { value, n: table.len(), interval: spread(&table, statistic, plan) })
}

fn spread<const D: usize>(
    table: &[Vec<[f64; D]>],
    statistic: fn(&[f64; D]) -> f64,
    plan: &Bootstrap,
) -> Estimable<Interval> {
    let (seeds, clips) = (table.len(), table[0].len());
    if seeds == 1 {
        return Err(NotEstimable::OneUnit);
    }
    enough(clips)?;
    let scores = table.iter().flat_map(|seed| seed.iter().map(statistic));
    if all_equal(scores) {
        return Err(NotEstimable::NoSpread);
    }
    let widen = widening(seeds, plan.level);
    // Deviations between seeds are those seen on all clips: resampled ones would count the noise
    // of a seed on a clip once more.
    let deviations: Vec<f64> = {
        let means = per_seed(table, statistic, 0..clips);
        means.iter().map(|m| m - mean(&means)).collect()
    };
    let replicates = sorted_replicates(plan, |mut draw: Stream| {
        let drawn: Vec<usize> = (0..clips).map(|_| draw.gen_range(0..clips)).collect();
        let means = per_seed(table, statistic, drawn.iter().copied());
        let shift = (0..seeds).map(|_| deviations[draw.gen_range(0..seeds)]).sum::<f64>() / seeds as f64;
        mean(&means) + widen * shift
    });
    let tail = (1.0 - plan.level) / 2.0;
    Ok(Interval { low: quantile(&replicates, tail), high: quantile(&replicates, 1.0 - tail) })
}

/// sqrt(k/(k−1)) · t(k−1)/z at the level's tail.
fn widening(seeds: usize, level: f64) -> f64 {
    let p = 1.0 - (1.0 - level) / 2.0;
    let freedom = (seeds - 1) as f64;
    let t = StudentsT::new(0.0, 1.0, freedom).expect("at least one degree of freedom");
    (seeds as f64 / freedom).sqrt() * t.inverse_cdf(p) / normal_quantile(p)
}

fn per_seed<const D: usize>(
    table: &[Vec<[f64; D]>],
    statistic: fn(&[f64; D]) -> f64,
    clips: impl Iterator<Item = usize> + Clone,
) -> Vec<f64> {
    let one = |seed: &Vec<[f64; D]>| statistic(&super::bootstrap::total(clips.clone().map(|c| &seed[c])));
    table.iter().map(one).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{stream, Purpose};
    use rand_distr::{Distribution, StandardNormal};

    /// Truth 0; clip effects shared by all seeds, seed effects shared by all clips, noise of each.
    fn simulated(s: u64, seeds: usize, seed_sd: f64, clip_sd: f64, noise_sd: f64) -> Vec<Seed> {
        let mut draw = stream(s, Purpose::Simulation, &[1]);
        let mut normal = |sd: f64| -> f64 { sd * Distribution::<f64>::sample(&StandardNormal, &mut draw) };
        let clips: Vec<f64> = (0..40).map(|_| normal(clip_sd)).collect();
        (0..seeds)
            .map(|_| {
                let shift = normal(seed_sd);
                clips.iter().map(|c| (c + shift + normal(noise_sd), 1.0)).collect()
            })
            .collect()
    }

    /// Near 0.95 whichever source of variation dominates, with as few as three seeds
    /// (40 clips: percentile intervals lose a point or two; standard error of the share 0.011).
    #[test]
    fn coverage() {
        // The last number: the most that is expected. Noise of each seed on each clip counts twice,
        // once with the seeds and once with the clips: there the interval is too wide, never too narrow.
        let cases = [
            (3, 1.0, 0.1, 0.1, 0.98),
            (5, 1.0, 0.1, 0.1, 0.98),
            (3, 0.02, 1.0, 0.1, 0.98),
            (5, 0.2, 1.0, 0.1, 0.98),
            (3, 0.0, 0.0, 1.0, 1.0),
            (5, 0.1, 0.5, 1.0, 1.0),
        ];
        for (seeds, seed_sd, clip_sd, noise_sd, most) in cases {
            let hits = (0..400).filter(|&s| {
                let plan = Bootstrap { replicates: 300, seed: s, ..Bootstrap::default() };
                let table = simulated(s, seeds, seed_sd, clip_sd, noise_sd);
                mean_interval(&table, &plan).unwrap().interval.unwrap().contains(0.0)
            });
            let share = hits.count() as f64 / 400.0;
            assert!(
                (0.915..=most).contains(&share),
                "{seeds} seeds, {seed_sd}, {clip_sd}, {noise_sd}: {share}"
            );
        }
    }

    #[test]
    fn degenerate() {
        let p = Bootstrap::default();
        assert_eq!(mean_interval(&[], &p), Err(NotEstimable::NoData));
        let one = mean_interval(&[vec![(1.0, 1.0), (2.0, 1.0)]], &p).unwrap();
        assert_eq!((one.value, one.interval), (1.5, Err(NotEstimable::OneUnit)));
        let ragged = [vec![(1.0, 1.0)], vec![]];
        assert_eq!(mean_interval(&ragged, &p), Err(NotEstimable::Unpaired));
        let same = vec![vec![(1.0, 1.0); 30]; 3];
        assert_eq!(mean_interval(&same, &p).unwrap().interval, Err(NotEstimable::NoSpread));
        assert_eq!(difference_interval(&same, &same[1..], &p), Err(NotEstimable::Unpaired));
    }

    /// What clips and seeds have in common cancels in a paired difference.
    #[test]
    fn differences_are_paired() {
        let a = simulated(9, 3, 1.0, 1.0, 0.1);
        let b: Vec<Seed> = a
            .iter()
            .map(|s| s.iter().enumerate().map(|(i, c)| (c.0 - 0.5 - 0.01 * (i % 3) as f64, 1.0)).collect())
            .collect();
        let i = difference_interval(&a, &b, &Bootstrap::default()).unwrap().interval.unwrap();
        assert!(i.low > 0.5 && i.high < 0.52, "{i:?}");
    }
}
