//! Power where the truth is known, and what the minimum detectable effect promises.

use super::{draw, normal, share, table};
use nano4m::stats::crossed::{fit, Spread};
use nano4m::stats::{binomial, detectable, sign_flip, Alternative};
use rand::Rng;

const ALPHA: f64 = 0.05;

/// At the detectable difference of paired means the sign-flip test has the power it says.
#[test]
fn paired_means() {
    for (case, n) in [(0, 50usize), (1, 200)] {
        // The population's own deviation: 1 (so the effect is not estimated from the sample tested).
        let two: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let sd = (n as f64 / (n - 1) as f64).sqrt();
        let effect = detectable::paired_mean(&two, ALPHA, 0.8).unwrap() / sd;
        let found = share(800, |s| {
            let mut d = draw(70 + case, s);
            let x: Vec<f64> = (0..n).map(|_| effect + normal(&mut d)).collect();
            sign_flip::test(&x, Alternative::TwoSided, s, 499).unwrap() <= ALPHA
        });
        assert!((found - 0.8).abs() < 0.05, "{n} clips: {found}");
    }
}

/// At the detectable proportion the exact binomial test has the power it says.
#[test]
fn proportions() {
    for (case, (n, chance)) in [(0, (938, 1.0 / 11.0)), (1, (200, 0.025))] {
        let p = detectable::proportion(n, chance, ALPHA, 0.8).unwrap();
        let found = share(4000, |s| {
            let mut d = draw(80 + case, s);
            let hits = (0..n).filter(|_| d.gen_bool(p)).count() as u64;
            hits as f64 > chance * n as f64
                && binomial::test(hits, n, chance, Alternative::TwoSided).unwrap() <= ALPHA
        });
        assert!((found - 0.8).abs() < 0.025, "{n}: {found}");
    }
}

/// The forecast for seeds × clips against simulation, from low to high power.
#[test]
fn seeds_and_clips() {
    let cases = [
        ((3, 60), [0.1, 0.3, 0.5]),
        ((2, 60), [0.05, 0.5, 0.2]),
        ((5, 40), [0.2, 0.2, 0.2]),
        ((3, 300), [0.0, 0.4, 0.0]),
    ];
    for (case, (size, deviation)) in (0u64..).zip(cases) {
        let [seed, clip, noise] = deviation;
        let spread = Spread { seed, clip, noise };
        let whole = spread.detectable(size.0, size.1, ALPHA, 0.8).unwrap();
        for (part, effect) in [0.5 * whole, whole].into_iter().enumerate() {
            let forecast = spread.power(size.0, size.1, effect, ALPHA).unwrap();
            let found = share(2000, |s| {
                let d = table(&mut draw(90 + 2 * case + part as u64, s), size, deviation, effect);
                fit(&d).unwrap().p(0.0, Alternative::TwoSided) <= ALPHA
            });
            assert!(
                (found - forecast).abs() < 0.05,
                "{size:?} {deviation:?} {effect}: {found}, forecast {forecast}"
            );
        }
    }
}

/// The parts of the spread are recovered from a table that has them.
#[test]
fn parts_of_the_spread() {
    let deviation = [0.3, 0.5, 0.8];
    let n = 200;
    let squares = (0..n).fold([0.0; 3], |sum, s| {
        let spread = fit(&table(&mut draw(99, s), (6, 80), deviation, 1.0)).unwrap().spread();
        let own = [spread.seed, spread.clip, spread.noise];
        [0, 1, 2].map(|i| sum[i] + own[i] * own[i] / n as f64)
    });
    for (found, sd) in squares.into_iter().zip(deviation) {
        assert!((found.sqrt() / sd - 1.0).abs() < 0.1, "{found} for {}", sd * sd);
    }
}
