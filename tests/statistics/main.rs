//! The statistics held against simulations in which the truth is known: intervals cover it as often
//! as they say, tests reject it no more often, and power is what was forecast.
//!
//! Every simulation is a function of its number, so the shares below are the same on every machine.
//! Bounds are the nominal value and three Monte-Carlo standard errors, unless a comment says why not.

mod coverage;
mod false_positives;
mod few;
mod power;
mod two_cells;
mod verdicts;

use nano4m::rng::{stream, Purpose, Stream};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// Randomness of simulation `number` of the experiment `which`.
fn draw(which: u64, number: u64) -> Stream {
    stream(number, Purpose::Simulation, &[which])
}

fn normal(draw: &mut Stream) -> f64 {
    StandardNormal.sample(draw)
}

/// Share of simulations `0..n` in which `hit` holds.
fn share(n: u64, hit: impl Fn(u64) -> bool + Sync + Send) -> f64 {
    (0..n).into_par_iter().filter(|&s| hit(s)).count() as f64 / n as f64
}

/// Three Monte-Carlo standard errors of a share `p` of `n`.
fn three_errors(p: f64, n: u64) -> f64 {
    3.0 * (p * (1.0 - p) / n as f64).sqrt()
}

/// `found` is `p` but for Monte-Carlo error.
#[track_caller]
fn near(found: f64, p: f64, n: u64) {
    let room = three_errors(p, n);
    assert!((found - p).abs() <= room, "found {found}, expected {p} ± {room:.3}");
}

/// `found` is at most `p` but for Monte-Carlo error.
#[track_caller]
fn at_most(found: f64, p: f64, n: u64) {
    let most = p + three_errors(p, n);
    assert!(found <= most, "found {found}, at most {most:.3}");
}

/// Two-way data `[seed][clip]`: parts of a seed, of a clip, and noise, with these deviations.
fn table(draw: &mut Stream, (seeds, clips): (usize, usize), deviation: [f64; 3], mean: f64) -> Vec<Vec<f64>> {
    let of_clip: Vec<f64> = (0..clips).map(|_| deviation[1] * normal(draw)).collect();
    (0..seeds)
        .map(|_| {
            let of_seed = mean + deviation[0] * normal(draw);
            of_clip.iter().map(|c| c + of_seed + deviation[2] * normal(draw)).collect()
        })
        .collect()
}
