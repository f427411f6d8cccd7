//! Draws of numpy's legacy `RandomState`, so that the published gallery of 200 can be rebuilt.
//!
//! `RandomState(seed)` is MT19937 seeded by `init_genrand`; `choice(n, k, replace=False)` is the
//! head of a permutation, which is a Fisher–Yates shuffle from the end with masked rejection.
//! Matsumoto & Nishimura, ACM TOMACS 8 (1998); numpy/random/src/legacy.

const N: usize = 624;

/// A Mersenne Twister in numpy's legacy seeding.
struct RandomState {
    key: [u32; N],
    position: usize,
}

impl RandomState {
    fn new(seed: u32) -> RandomState {
        let mut key = [0u32; N];
        key[0] = seed;
        for i in 1..N {
            let previous = key[i - 1];
            key[i] = 1_812_433_253u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(i as u32);
        }
        RandomState { key, position: N }
    }

    fn refill(&mut self) {
        for i in 0..N {
            let y = (self.key[i] & 0x8000_0000) | (self.key[(i + 1) % N] & 0x7fff_ffff);
            let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
            self.key[i] = self.key[(i + 397) % N] ^ (y >> 1) ^ twist;
        }
        self.position = 0;
    }

    fn next(&mut self) -> u32 {
        if self.position == N {
            self.refill();
        }
        let mut y = self.key[self.position];
        self.position += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Uniform in `0..=max`: the low bits, drawn again while above `max` (`random_interval`).
    fn interval(&mut self, max: u32) -> u32 {
        let mask = if max == 0 { return 0 } else { u32::MAX >> max.leading_zeros() };
        loop {
            let value = self.next() & mask;
            if value <= max {
                return value;
            }
        }
    }
}

/// `numpy.random.RandomState(seed).choice(n, k, replace=False)`; `None` when `k > n`.
pub fn choice(seed: u32, n: u32, k: usize) -> Option<Vec<u32>> {
    if k > n as usize {
        return None;
    }
    let mut state = RandomState::new(seed);
    let mut all: Vec<u32> = (0..n).collect();
    for i in (1..n).rev() {
        let j = state.interval(i);
        all.swap(i as usize, j as usize);
    }
    all.truncate(k);
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first output of MT19937 with the standard seed 5489 is 3499211612.
    #[test]
    fn standard_seed() {
        assert_eq!(RandomState::new(5489).next(), 3_499_211_612);
    }

    /// numpy 2.4 (the legacy stream is frozen): `np.random.RandomState(seed).choice(n, k, replace=False)`.
    #[test]
    fn known_draws() {
        assert_eq!(choice(42, 938, 10).unwrap(), [70, 331, 858, 495, 209, 863, 30, 893, 250, 541]);
        assert_eq!(choice(0, 10, 10).unwrap(), [2, 8, 4, 9, 1, 6, 7, 3, 0, 5]);
        assert_eq!(choice(u32::MAX, 100_000, 4).unwrap(), [85_117, 19_600, 4_648, 56_853]);
        assert_eq!(choice(7, 1, 1).unwrap(), [0]);
    }

    /// Whole draws, each with its sum and the sum of place (from 1) × value, so that no entry and no
    /// two places can be wrong; the first is the published gallery. Same numpy call as above.
    #[test]
    fn whole_draws() {
        let cases: [(u32, u32, usize, [u32; 3], u64, u64); 5] = [
            (42, 938, 200, [545, 514, 411], 91_766, 8_941_930),
            (123, 1000, 1000, [382, 365, 510], 499_500, 248_481_531),
            // On both sides of a power of two, where the mask of the rejection grows.
            (2024, 65_536, 3, [20_916, 47_627, 34_414], 102_957, 219_412),
            (5, 65_537, 3, [4_701, 28_770, 26_417], 59_888, 141_492),
            (0, 10, 10, [3, 0, 5], 45, 230),
        ];
        for (seed, n, k, last, sum, weighted) in cases {
            let drawn = choice(seed, n, k).unwrap();
            assert_eq!(drawn[k - 3..], last, "seed {seed}");
            assert_eq!(drawn.iter().map(|&x| u64::from(x)).sum::<u64>(), sum, "seed {seed}");
            let places = (1u64..).zip(&drawn).map(|(i, &x)| i * u64::from(x));
            assert_eq!(places.sum::<u64>(), weighted, "seed {seed}");
        }
    }

    #[test]
    fn a_choice_is_a_subset() {
        assert_eq!(choice(7, 3, 4), None);
        assert_eq!(choice(7, 0, 0), Some(vec![]));
        let mut all = choice(7, 938, 938).unwrap();
        all.sort_unstable();
        assert_eq!(all, (0..938).collect::<Vec<_>>());
    }
}
