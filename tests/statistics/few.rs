//! How few clips an interval may be made of: at the fewest that are allowed it covers what it says, below there is
//! none, and exact intervals and tests hold at any number.

use super::{at_most, draw, normal, share, table};
use nano4m::stats::bootstrap::mean_interval;
use nano4m::stats::proportion::clopper_pearson;
use nano4m::stats::{auc, binomial, hierarchical, sign_flip};
use nano4m::stats::{Alternative, Bootstrap, Estimable, Estimate, NotEstimable, FEWEST};
use rand::Rng;
use rand_distr::{Distribution, Exp1};
use statrs::distribution::{Binomial, Discrete};

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

#[test]
fn means_of_the_fewest_clips_are_covered() {
    let normal_scores = share(SIMULATIONS, |s| {
        let mut d = draw(120, s);
        covers(mean_interval(&clips(FEWEST, || (normal(&mut d), 1.0)), &plan(s)), 0.0)
    });
    let skewed = share(SIMULATIONS, |s| {
        let mut d = draw(121, s);
        covers(mean_interval(&clips(FEWEST, || (Exp1.sample(&mut d), 1.0)), &plan(s)), 1.0)
    });
    let truth = (1..=8).map(f64::from).map(|w| w * (2.0 + w / 8.0)).sum::<f64>() / 36.0;
    let weighted = share(SIMULATIONS, |s| {
        let mut d = draw(122, s);
        let score = || {
            let w = f64::from(d.gen_range(1..=8));
            (w * (2.0 + w / 8.0 + normal(&mut d)), w)
        };
        covers(mean_interval(&clips(FEWEST, score), &plan(s)), truth)
    });
    for (what, found) in [("normal", normal_scores), ("skewed", skewed), ("weighted", weighted)] {
        // 1000 simulations: a standard error of 0.009.
        assert!(found >= LEAST - 0.015, "{what}: {found}");
    }
}

#[test]
fn seeds_and_areas_of_the_fewest_clips_are_covered() {
    for (case, deviation) in [(123, [0.3, 0.1, 0.1]), (124, [0.02, 1.0, 0.1])] {
        let found = share(500, |s| {
            let seeds = table(&mut draw(case, s), (2, FEWEST), deviation, 0.7);
            let seeds: Vec<Vec<(f64, f64)>> =
                seeds.iter().map(|row| row.iter().map(|&x| (x, 1.0)).collect()).collect();
            covers(hierarchical::mean_interval(&seeds, &plan(s)), 0.7)
        });
        assert!(found >= LEAST, "{deviation:?}: {found}");
    }
    let found = share(SIMULATIONS, |s| {
        let mut d = draw(125, s);
        let mut group = || (0..FEWEST).map(|_| normal(&mut d)).collect::<Vec<_>>();
        covers(auc::auc(&group(), &group(), 0.95), 0.5)
    });
    assert!(found >= LEAST, "{found}");
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
