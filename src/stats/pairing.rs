//! Permutation test of a pairing on a fixed score matrix (retrieval): under the null any
//! assignment of queries to gallery items is as good as the true one.

use super::estimate::{Alternative, Estimable, NotEstimable};
use crate::rng::{stream, Purpose};
use rand::seq::SliceRandom;
use rayon::prelude::*;

/// p-value that the diagonal of `score` (`[n · n]`, row = query, column = gallery item; larger is
/// better) sums to more (less, or either) than a random assignment does: (hits + 1) / (replicates + 1), two-sided
/// twice the smaller tail.
pub fn test(
    score: &[f64],
    n: usize,
    alternative: Alternative,
    seed: u64,
    replicates: usize,
) -> Estimable<f64> {
    if n == 0 {
        return Err(NotEstimable::NoData);
    }
    if score.len() != n * n {
        return Err(NotEstimable::Unpaired);
    }
    if score.iter().any(|s| !s.is_finite()) {
        return Err(NotEstimable::NotFinite);
    }
    if n == 1 {
        return Err(NotEstimable::OneUnit);
    }
    let sum = |columns: &[usize]| -> f64 { columns.iter().enumerate().map(|(i, &j)| score[i * n + j]).sum() };
    let identity: Vec<usize> = (0..n).collect();
    let slack = 1e-12 * score.iter().map(|s| s.abs()).sum::<f64>();
    let seen = sum(&identity);
    if score.iter().all(|&s| s == score[0]) {
        return Err(NotEstimable::NoSpread);
    }
    let one = |r: u64| {
        let mut columns = identity.clone();
        columns.shuffle(&mut stream(seed, Purpose::Permutation, &[r]));
        let sum = sum(&columns);
        [usize::from(sum >= seen - slack), usize::from(sum <= seen + slack)]
    };
    let add = |a: [usize; 2], b: [usize; 2]| [a[0] + b[0], a[1] + b[1]];
    let hits = (0..replicates as u64).into_par_iter().map(one).reduce(|| [0, 0], add);
    let [above, below] = hits.map(|hits| (hits + 1) as f64 / (replicates + 1) as f64);
    Ok(match alternative {
        Alternative::Greater => above,
        Alternative::Less => below,
        Alternative::TwoSided => (2.0 * above.min(below)).min(1.0),
    })
}

/// Rank (0-based) every column would have in its row if it were the true one; ties count against
/// it. `similarity` is `[n · n]`; the result too.
pub fn ranks(similarity: &[f64], n: usize) -> Vec<u32> {
    let mut all = vec![0u32; similarity.len()];
    for (row, out) in similarity.chunks(n.max(1)).zip(all.chunks_mut(n.max(1))) {
        let mut sorted = row.to_vec();
        sorted.sort_by(f64::total_cmp);
        for (s, rank) in row.iter().zip(out) {
            // Everything not below this column, except the column itself.
            *rank = (n - sorted.partition_point(|x| x.total_cmp(s).is_lt()) - 1) as u32;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn ranks_count_ties_against() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0], 3), [1, 2, 1, 2, 2, 2, 2, 1, 0]);
    }

    #[test]
    fn degenerate() {
        assert_eq!(test(&[], 0, Alternative::Greater, 1, 99), Err(NotEstimable::NoData));
        assert_eq!(test(&[1.0], 1, Alternative::Greater, 1, 99), Err(NotEstimable::OneUnit));
        assert_eq!(test(&[1.0; 4], 2, Alternative::Greater, 1, 99), Err(NotEstimable::NoSpread));
        assert_eq!(test(&[1.0; 3], 2, Alternative::Greater, 1, 99), Err(NotEstimable::Unpaired));
        assert_eq!(test(&[f64::NAN; 4], 2, Alternative::Greater, 1, 99), Err(NotEstimable::NotFinite));
    }

    /// Hits at rank < 5 among 40, with hubs (some columns are everyone's neighbours).
    fn rejections(signal: f64) -> f64 {
        let n = 40;
        let hits = (0..400u64).filter(|&s| {
            let mut draw = stream(s, Purpose::Simulation, &[3]);
            let hub: Vec<f64> = (0..n).map(|_| draw.gen_range(0.0..1.0)).collect();
            let similarity: Vec<f64> = (0..n * n)
                .map(|x| hub[x % n] + draw.gen_range(0.0..1.0) + if x / n == x % n { signal } else { 0.0 })
                .collect();
            let score: Vec<f64> = ranks(&similarity, n).iter().map(|&r| 1.0 / (1.0 + r as f64)).collect();
            test(&score, n, Alternative::Greater, s, 199).unwrap() <= 0.05
        });
        hits.count() as f64 / 400.0
    }

    #[test]
    fn false_positives_and_power() {
        let null = rejections(0.0);
        assert!((null - 0.05).abs() < 0.033, "{null}");
        assert!(rejections(0.5) > 0.9);
    }
}
