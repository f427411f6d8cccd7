//! Inputs that tell nothing about the clip: what an honest score must fall back to.
//!
//! Two ways of drawing another clip for every clip, both one cycle through all of them. They do the same;
//! there are two because the published numbers of generation were drawn with the second.

use crate::rng::{stream, Purpose};
use rand::seq::SliceRandom;
use rand::Rng;

/// For every clip another one: a uniform cyclic permutation of `0..n` (Sattolo's algorithm), so that
/// none stays in its place. A pure function of `seed` and `index`; `None` for fewer than two clips.
pub fn derangement(n: usize, seed: u64, index: u64) -> Option<Vec<usize>> {
    let mut all: Vec<usize> = (0..n).collect();
    let mut draw = stream(seed, Purpose::Control, &[index]);
    for i in (1..n).rev() {
        all.swap(i, draw.gen_range(0..i as u64) as usize);
    }
    (n > 1).then_some(all)
}

/// For every clip the next one in a shuffled order, the first for the last: what generation compares with.
/// `None` for fewer than two clips.
pub fn next_in_cycle(n: usize, seed: u64) -> Option<Vec<usize>> {
    let mut cycle: Vec<usize> = (0..n).collect();
    cycle.shuffle(&mut stream(seed, Purpose::Control, &[n as u64]));
    let mut next = vec![0; n];
    cycle.iter().zip(cycle.iter().cycle().skip(1)).for_each(|(&clip, &other)| next[clip] = other);
    (n > 1).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clip_is_given_once_and_none_to_itself() {
        for n in [0, 1] {
            assert_eq!((derangement(n, 1, 0), next_in_cycle(n, 1)), (None, None));
        }
        for n in 2..40 {
            for mut all in [derangement(n, 7, n as u64).unwrap(), next_in_cycle(n, 7).unwrap()] {
                assert!(all.iter().enumerate().all(|(i, &other)| i != other), "{all:?}");
                all.sort_unstable();
                assert_eq!(all, (0..n).collect::<Vec<_>>());
            }
        }
        assert_ne!(derangement(30, 7, 0), derangement(30, 7, 1));
    }
}
