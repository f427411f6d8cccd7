//! How few clips an interval may be made of: at the fewest that are allowed it covers what it says, below there is
//! none, and exact intervals and tests hold at any number.

use super::{at_most, draw, normal, share, table};
use nano4m::stats::bootstrap::mean_interval;
use nano4m::stats::proportion::clopper_pearson;
use nano4m::stats::{auc, binomial, hierarchical, sign_flip};
use nano4m::stats::{Alternative, Bootstrap, Estimable, Estimate, NotEstimable, FEWEST};
use rand::Rng;
use rand_distr::{Distribution, Exp1};
use statrs::distribution::{Binomial, ContinuousCDF, Discrete, Normal};

const SIMULATIONS: u64 = 1000;
/// What is promised at the fewest clips: a few points less than the 95 % that is said.
const LEAST: f64 = 0.90;

fn plan(number: u64) -> Bootstrap {
    Bootstrap { seed: number, replicates: 500, ..Bootstrap::default() }
}

fn covers(found: Estimable<Estimate>, truth: f64) -> bool {
    found.unwrap().interval.unwrap().contains(truth)
}

fn clips(n: usize, mut score: impl FnMut() -> (f64, f64)) -> Vec<(f64, f64)> {
    (0..n).map(|_| score()).collect()
}

fn of_normal(n: usize) -> f64 {
    share(SIMULATIONS, |s| {
        let mut d = draw(120, s);
        covers(mean_interval(&clips(n, || (normal(&mut d), 1.0)), &plan(s)), 0.0)
    })
}

fn of_skewed(n: usize) -> f64 {
    share(SIMULATIONS, |s| {
        let mut d = draw(121, s);
        covers(mean_interval(&clips(n, || (Exp1.sample(&mut d), 1.0)), &plan(s)), 1.0)
    })
}

/// Longer clips are harder.
fn of_weighted(n: usize) -> f64 {
    let truth = (1..=8).map(f64::from).map(|w| w * (2.0 + w / 8.0)).sum::<f64>() / 36.0;
    share(SIMULATIONS, |s| {
        let mut d = draw(122, s);
        let score = || {
            let w = f64::from(d.gen_range(1..=8));
            (w * (2.0 + w / 8.0 + normal(&mut d)), w)
        };
        covers(mean_interval(&clips(n, score), &plan(s)), truth)
    })
}

fn of_heavy_tails(n: usize) -> f64 {
    share(SIMULATIONS, |s| {
        let mut d = draw(128, s);
        covers(mean_interval(&clips(n, || (normal(&mut d).powi(3), 1.0)), &plan(s)), 0.0)
    })
}

/// Two seeds; deviations of seeds, clips and noise.
fn of_seeds(n: usize, (case, deviation): (u64, [f64; 3])) -> f64 {
    share(SIMULATIONS, |s| {
        let seeds = table(&mut draw(case, s), (2, n), deviation, 0.7);
        let seeds: Vec<Vec<(f64, f64)>> =
            seeds.iter().map(|row| row.iter().map(|&x| (x, 1.0)).collect()).collect();
        covers(hierarchical::mean_interval(&seeds, &plan(s)), 0.7)
    })
}

/// What separates all of both groups has no interval, and is not counted as covered.
fn of_area(n: usize, shift: f64) -> f64 {
    let truth = Normal::standard().cdf(shift / 2f64.sqrt());
    share(SIMULATIONS, |s| {
        let mut d = draw(125, s);
        let mut group = |shift: f64| (0..n).map(|_| shift + normal(&mut d)).collect::<Vec<_>>();
        let found = auc::auc(&group(shift), &group(0.0), 0.95).unwrap();
        found.interval.is_ok_and(|interval| interval.contains(truth))
    })
}

const MORE_BETWEEN_CLIPS: (u64, [f64; 3]) = (124, [0.02, 1.0, 0.1]);

#[test]
fn means_of_the_fewest_clips_are_covered() {
    for found in [of_normal(FEWEST), of_skewed(FEWEST), of_weighted(FEWEST)] {
        // 1000 simulations: a standard error of 0.009.
        assert!(found >= LEAST - 0.015, "{found}");
    }
}

#[test]
fn seeds_and_areas_of_the_fewest_clips_are_covered() {
    for case in [(123, [0.3, 0.1, 0.1]), MORE_BETWEEN_CLIPS] {
        let found = of_seeds(FEWEST, case);
        assert!(found >= LEAST, "{case:?}: {found}");
    }
    let found = of_area(FEWEST, 0.0);
    assert!(found >= LEAST, "{found}");
}

/// The rows of the table beside [`FEWEST`] for which there are intervals.
#[test]
fn the_documented_coverage_is_what_is_simulated() {
    let text = include_str!("../../src/stats/estimate.rs");
    let rows = text.lines().filter_map(|line| {
        let numbers: Vec<f64> = line.strip_prefix("///")?.split_whitespace().flat_map(str::parse).collect();
        (numbers.len() == 7).then_some(numbers)
    });
    let rows: Vec<Vec<f64>> = rows.filter(|row| row[0] >= FEWEST as f64).collect();
    assert_eq!(rows.len(), 2, "at the fewest, and at twice as many");
    for row in rows {
        let n = row[0] as usize;
        let found = [
            of_normal(n),
            of_skewed(n),
            of_weighted(n),
            of_seeds(n, MORE_BETWEEN_CLIPS),
            of_area(n, 0.0),
            of_area(n, 1.0),
        ];
        for (found, said) in found.iter().zip(&row[1..]) {
            // Two shares of 1000 simulations differ by 0.01 in two of three cases.
            assert!((found - said).abs() < 0.03, "{n} clips: {said} is said, {found} found");
        }
    }
    for (n, said) in [(20, 0.80), (40, 0.84)] {
        assert!(text.contains(&format!("{said:.2} at {n}")), "{said} at {n}");
        let found = of_heavy_tails(n);
        assert!((found - said).abs() < 0.03, "{n} clips: {said} is said, {found} found");
    }
}

/// Two clips, as in a test split of 2, and all others that are too few.
#[test]
fn below_the_fewest_clips_there_is_no_interval() {
    for n in 2..FEWEST {
        let mut d = draw(126, n as u64);
        let scores = clips(n, || (normal(&mut d), 1.0));
        let found = mean_interval(&scores, &plan(1)).unwrap();
        assert_eq!((found.n, found.interval), (n, Err(NotEstimable::TooFew)));
        let seeds = [scores.clone(), scores];
        let found = hierarchical::mean_interval(&seeds, &plan(1)).unwrap();
        assert_eq!(found.interval, Err(NotEstimable::TooFew));
        let group: Vec<f64> = (0..n).map(|i| i as f64).collect();
        assert_eq!(auc::auc(&group, &group, 0.95).unwrap().interval, Err(NotEstimable::TooFew));
    }
}

#[test]
fn exact_intervals_and_tests_hold_at_any_number_of_clips() {
    for n in 1..=6u64 {
        for share in (1..20).map(|i| f64::from(i) / 20.0) {
            let outcomes = Binomial::new(share, n).unwrap();
            let inside = (0..=n).filter(|&k| clopper_pearson(k, n, 0.95).unwrap().contains(share));
            assert!(inside.map(|k| outcomes.pmf(k)).sum::<f64>() >= 0.95 - 1e-9, "{n} {share}");
            let found =
                (0..=n).filter(|&k| binomial::test(k, n, share, Alternative::TwoSided).unwrap() <= 0.05);
            assert!(found.map(|k| outcomes.pmf(k)).sum::<f64>() <= 0.05 + 1e-9, "{n} {share}");
        }
    }
    // With two clips the smallest p is a half: nothing can come out significant.
    assert_eq!(sign_flip::test(&[3.0, 4.0], Alternative::TwoSided, 1, 99), Ok(0.5));
    let found = share(2000, |s| {
        let mut d = draw(127, s);
        let x: Vec<f64> = (0..7).map(|_| normal(&mut d)).collect();
        sign_flip::test(&x, Alternative::TwoSided, s, 99).unwrap() <= 0.05
    });
    at_most(found, 0.05, 2000);
}
