//! Inputs that tell nothing about the clip: what an honest score must fall back to.

use crate::rng::{stream, Purpose};
use rand::Rng;

/// For every clip another one: a uniform cyclic permutation of `0..n` (Sattolo's algorithm), so that
/// none stays in its place. A pure function of `seed` and `index`; `None` for fewer than two clips.
pub fn partners(n: usize, seed: u64, index: u64) -> Option<Vec<usize>> {
    let mut all: Vec<usize> = (0..n).collect();
    let mut draw = stream(seed, Purpose::Control, &[index]);
    for i in (1..n).rev() {
        all.swap(i, draw.gen_range(0..i as u64) as usize);
    }
    (n > 1).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_their_own_partner() {
        assert_eq!((partners(0, 1, 0), partners(1, 1, 0)), (None, None));
        for n in 2..40 {
            let all = partners(n, 7, n as u64).unwrap();
            assert!(all.iter().enumerate().all(|(i, &p)| i != p), "{all:?}");
            let mut sorted = all.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..n).collect::<Vec<_>>());
        }
        assert_ne!(partners(30, 7, 0), partners(30, 7, 1));
    }
}
