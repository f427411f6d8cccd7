//! Whole comparisons of two cells, 200 times: equal ones are called different at most as often as
//! promised, different ones as often as forecast. The test is the one `compare` makes.

use super::{at_most, draw, normal, share};
use nano4m::metrics::catalogue;
use nano4m::report::comparison::{Contrast, Runs};
use nano4m::rng::Stream;
use nano4m::stats::crossed::Spread;
use nano4m::stats::{Alternative, Bootstrap};
use rand::Rng;
use std::collections::BTreeMap;

const ALPHA: f64 = 0.05;
const METRIC: &str = "cross_entropy/x";
const COMPARISONS: u64 = 200;

/// How the scores of a cell vary, in nats per token.
#[derive(Clone, Copy)]
struct Truth {
    seeds: usize,
    clips: usize,
    /// Of a trained network's mean, from seed to seed.
    seed: f64,
    /// Of a network on a clip, beyond what all find hard.
    noise: f64,
    /// Whether both cells predict the same tokens.
    same_targets: bool,
}

/// Cross-entropies of a cell: what a clip is like is shared by everything that sees it.
fn cell(d: &mut Stream, truth: &Truth, hard: &[(f64, f64)], mean: f64) -> Runs {
    let one = |d: &mut Stream| {
        let level = mean + truth.seed * normal(d);
        let score = |(c, &(hard, tokens)): (usize, &(f64, f64))| {
            let tokens = if truth.same_targets { tokens } else { f64::from(d.gen_range(10..40)) };
            (format!("c{c:04}"), (tokens * (level + hard + truth.noise * normal(d)), tokens))
        };
        BTreeMap::from([(METRIC.to_string(), hard.iter().enumerate().map(score).collect())])
    };
    (0..truth.seeds as u64).map(|s| ([s; 4], one(d))).collect()
}

/// p of one comparison of cells whose means differ by `effect`.
fn p(truth: &Truth, which: u64, s: u64, effect: f64) -> f64 {
    let mut d = draw(which, s);
    let hard: Vec<(f64, f64)> =
        (0..truth.clips).map(|_| (normal(&mut d), f64::from(d.gen_range(10..40)))).collect();
    let (a, b) = (cell(&mut d, truth, &hard, 5.0), cell(&mut d, truth, &hard, 5.0 + effect));
    let plan = Bootstrap { seed: s, ..Bootstrap::default() };
    let metric = catalogue::parse(METRIC).unwrap();
    Contrast::new(&[(&a, &b)], &metric).unwrap().p(0.0, Alternative::TwoSided, &plan).unwrap()
}

const MANY: Truth = Truth { seeds: 3, clips: 100, seed: 0.05, noise: 0.3, same_targets: true };
const ALIKE: Truth = Truth { seeds: 3, clips: 100, seed: 0.0, noise: 0.3, same_targets: true };
const ONE: Truth = Truth { seeds: 1, clips: 100, seed: 0.0, noise: 0.3, same_targets: true };
const MASKED: Truth = Truth { seeds: 3, clips: 100, seed: 0.05, noise: 0.3, same_targets: false };

#[test]
fn equal_cells_are_not_called_different() {
    for (which, truth) in (100u64..).zip([MANY, ALIKE, ONE, MASKED]) {
        let found = share(COMPARISONS, |s| p(&truth, which, s, 0.0) <= ALPHA);
        at_most(found, ALPHA, COMPARISONS);
    }
}

/// The forecast that `ablate --plan` makes: each cell has its own seeds and noise, so that their
/// difference varies by √2 of both; token weights of 10 to 39 cost 12 % of the clips.
#[test]
fn different_cells_are_found_as_often_as_forecast() {
    for (which, truth) in (110u64..).zip([MANY, ONE]) {
        let weights = (10..40).map(f64::from);
        let uneven = weights.clone().map(|w| w * w).sum::<f64>() * 30.0 / weights.sum::<f64>().powi(2);
        let spread =
            Spread { seed: 2f64.sqrt() * truth.seed, clip: 0.0, noise: (2.0 * uneven).sqrt() * truth.noise };
        for power in [0.4, 0.8] {
            let effect = spread.detectable(truth.seeds, truth.clips, ALPHA, power).unwrap();
            let found = share(COMPARISONS, |s| p(&truth, which, s, effect) <= ALPHA);
            assert!((found - power).abs() <= 0.1, "{} seeds: {found}, forecast {power}", truth.seeds);
        }
    }
}
