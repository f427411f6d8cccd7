//! ROAR: a random order of positions, cut by the constant schedule; each step predicts its part given
//! everything known, and keeps all of it. Source: REFERENCE §6 (random-order autoregressive decoding of 4M).

use super::sample::Draw;
use super::schedule;
use super::scheme::Scheme;
use crate::rng::{stream, Purpose};
use rand::seq::SliceRandom;
use std::ops::Range;

/// Random order of the positions in `range`.
pub struct Roar {
    pub seed: u64,
    pub steps: usize,
    pub range: Range<u32>,
    pub temperature: f64,
}

impl Scheme for Roar {
    /// The step's part of the clip's order, ascending.
    fn positions(&self, clip: u64, step: usize, _unknown: &[u32]) -> Vec<u32> {
        let mut order: Vec<u32> = self.range.clone().collect();
        order.shuffle(&mut stream(self.seed, Purpose::Decode, &[clip, 0]));
        let sizes = schedule::constant(order.len(), self.steps);
        let begin: usize = sizes[..step].iter().sum();
        let mut part = order[begin..begin + sizes[step]].to_vec();
        part.sort_unstable();
        part
    }

    fn temperature(&self, _step: usize) -> f64 {
        self.temperature
    }

    fn accepted(&self, _step: usize, draws: &[Draw]) -> Vec<usize> {
        (0..draws.len()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_a_clip_are_a_partition_of_the_positions() {
        let roar = Roar { seed: 3, steps: 4, range: 2..21, temperature: 1.0 };
        let parts: Vec<Vec<u32>> = (0..4).map(|step| roar.positions(7, step, &[])).collect();
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 4, 7]);
        assert!(parts.iter().all(|p| p.is_sorted()));
        let mut all = parts.concat();
        assert!(!all.is_sorted());
        all.sort_unstable();
        assert_eq!(all, (2..21).collect::<Vec<_>>());
        assert_ne!(roar.positions(8, 0, &[]), parts[0]);
        assert_ne!(Roar { seed: 4, ..roar }.positions(7, 0, &[]), parts[0]);
    }
}
