//! How often a test at 5 % rejects what is true.

use super::{at_most, draw, near, normal, share, table};
use nano4m::stats::multiple::{benjamini_hochberg, holm};
use nano4m::stats::{binomial, crossed, mcnemar, pairing, sign_flip, Alternative};
use rand::Rng;
use rand_distr::{Distribution, Exp1};

const ALPHA: f64 = 0.05;

/// Exact tests of counts: at most α, for hits by chance and for two equal classifiers.
#[test]
fn exact_tests() {
    for (n, chance) in [(938, 1.0 / 11.0), (200, 0.005), (30, 0.5)] {
        for alternative in [Alternative::Greater, Alternative::Less, Alternative::TwoSided] {
            let level: f64 = (0..=n)
                .filter(|&k| binomial::test(k, n, chance, alternative).unwrap() <= ALPHA)
                .map(|k| binomial::pmf(k, n, chance))
                .sum();
            assert!(level <= ALPHA + 1e-9, "{n} {chance} {alternative:?}: {level}");
        }
    }
    let n = 4000;
    let found = share(n, |s| {
        let mut d = draw(40, s);
        // Both right on the easy clips, each on its own on the others.
        let (a, b): (Vec<bool>, Vec<bool>) = (0..100)
            .map(|_| match d.gen_bool(0.4) {
                true => (true, true),
                false => (d.gen_bool(0.3), d.gen_bool(0.3)),
            })
            .unzip();
        mcnemar::paired(&a, &b).is_ok_and(|p| p <= ALPHA)
    });
    at_most(found, ALPHA, n);
    assert!(found > 0.02, "so conservative that it finds nothing: {found}");
}

/// Sign flips are exact for symmetric differences and near α for means of skewed ones.
#[test]
fn sign_flips() {
    let n = 1500;
    let rejected = |p| p <= ALPHA;
    let found = share(n, |s| {
        let mut d = draw(41, s);
        let x: Vec<f64> = (0..60).map(|_| normal(&mut d).powi(3)).collect();
        sign_flip::test(&x, Alternative::TwoSided, s, 299).is_ok_and(rejected)
    });
    near(found, ALPHA, n);
    // The difference of two independent skewed scores is symmetric again.
    let found = share(n, |s| {
        let mut d = draw(42, s);
        let mut skewed = || -> f64 { Exp1.sample(&mut d) };
        let x: Vec<f64> = (0..60).map(|_| skewed() - skewed()).collect();
        sign_flip::test(&x, Alternative::Greater, s, 299).is_ok_and(rejected)
    });
    near(found, ALPHA, n);
}

/// Retrieval without structure, on a similarity matrix with hubs.
#[test]
fn permuted_pairings() {
    let (n, simulations) = (30, 1500);
    let found = share(simulations, |s| {
        let mut d = draw(43, s);
        let hub: Vec<f64> = (0..n).map(|_| 2.0 * normal(&mut d)).collect();
        let similarity: Vec<f64> = (0..n * n).map(|i| hub[i % n] + normal(&mut d)).collect();
        let hits: Vec<f64> =
            pairing::ranks(&similarity, n).iter().map(|&r| f64::from(u8::from(r < 5))).collect();
        pairing::test(&hits, n, Alternative::TwoSided, s, 199).is_ok_and(|p| p <= ALPHA)
    });
    at_most(found, ALPHA, simulations);
    assert!(found > 0.005, "{found}");
}

/// The t-test over seeds × clips: near α when seeds or clips dominate, below it when noise does.
#[test]
fn crossed_seeds_and_clips() {
    let n = 4000;
    for (case, (size, deviation, least)) in (0u64..).zip([
        ((3, 40), [1.0, 0.1, 0.1], 0.035),
        ((2, 40), [0.3, 0.1, 0.1], 0.03),
        ((3, 40), [0.0, 1.0, 0.1], 0.035),
        ((5, 40), [0.1, 0.5, 1.0], 0.005),
        ((3, 40), [0.0, 0.0, 1.0], 0.0),
    ]) {
        let found = share(n, |s| {
            let d = table(&mut draw(50 + case, s), size, deviation, 0.0);
            crossed::fit(&d).unwrap().p(0.0, Alternative::TwoSided) <= ALPHA
        });
        at_most(found, ALPHA, n);
        assert!(found >= least, "{size:?} {deviation:?}: {found}");
    }
}

/// Why clips alone are not asked: seeds that differ make them sure of nothing at all.
#[test]
fn clips_alone_take_seeds_for_recipes() {
    let found = share(300, |s| {
        let d = table(&mut draw(60, s), (3, 40), [1.0, 0.1, 0.1], 0.0);
        let means: Vec<f64> = (0..40).map(|c| d.iter().map(|row| row[c]).sum::<f64>() / 3.0).collect();
        sign_flip::test(&means, Alternative::TwoSided, s, 199).unwrap() <= ALPHA
    });
    assert!(found > 0.8, "{found}");
}

/// Twenty dependent tests, three of which have something to find.
fn family(s: u64) -> Vec<(bool, f64)> {
    let mut d = draw(61, s);
    let shared: Vec<f64> = (0..50).map(|_| normal(&mut d)).collect();
    (0..20)
        .map(|i| {
            let effect = if i < 3 { 0.8 } else { 0.0 };
            let x: Vec<f64> = shared.iter().map(|c| effect + 0.5 * c + normal(&mut d)).collect();
            (i < 3, sign_flip::test(&x, Alternative::TwoSided, s, 999).unwrap())
        })
        .collect()
}

/// Holm: any false claim in at most α of the families. Benjamini–Hochberg: at most α of the
/// discoveries false, on average.
#[test]
fn families() {
    let n = 400;
    let families: Vec<Vec<(bool, f64)>> = {
        use rayon::prelude::*;
        (0..n).into_par_iter().map(family).collect()
    };
    let found = |correct: fn(&[Option<f64>]) -> nano4m::stats::multiple::Corrected| -> Vec<(usize, usize)> {
        let one = |family: &Vec<(bool, f64)>| {
            let adjusted = correct(&family.iter().map(|(_, p)| Some(*p)).collect::<Vec<_>>()).adjusted;
            let rejected = |real: bool| {
                let both = family.iter().zip(&adjusted);
                both.filter(|((r, _), p)| *r == real && p.unwrap() <= ALPHA).count()
            };
            (rejected(true), rejected(false))
        };
        families.iter().map(one).collect()
    };
    let holm = found(holm);
    at_most(holm.iter().filter(|(_, wrong)| *wrong > 0).count() as f64 / n as f64, ALPHA, n);
    assert!(holm.iter().map(|(right, _)| right).sum::<usize>() > 2 * n as usize, "Holm finds the rest");
    let proportion = |(right, wrong): &(usize, usize)| *wrong as f64 / (right + wrong).max(1) as f64;
    let bh = found(benjamini_hochberg);
    at_most(bh.iter().map(proportion).sum::<f64>() / n as f64, ALPHA, n);
    let total = |all: &[(usize, usize)]| all.iter().map(|(right, _)| right).sum::<usize>();
    assert!(total(&bh) >= total(&holm));
}
