//! How many tokens of each modality are input and target (REFERENCE §3, items 1–4).

use super::dirichlet;
use crate::manifest::schema::{Masking, Ratio};
use crate::modality::Modality;
use crate::rng::Stream;
use rand::Rng;

/// Tokens of one modality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    pub input: usize,
    pub target: usize,
}

/// One budget per modality, before its strategy rounds it.
///
/// What a clamp cuts off is not handed to another modality: the sums may be below the numbers drawn.
pub fn draw(modalities: &[Modality], masking: &Masking, rng: &mut Stream) -> Vec<Budget> {
    let mut budgets = match masking.ratio {
        Some(ratio) => modalities.iter().map(|m| fixed(m, ratio)).collect(),
        None => dirichlet_budgets(modalities, masking, rng),
    };
    if budgets.iter().all(|b: &Budget| b.input == 0) {
        if let Some(first) = budgets.first_mut() {
            first.input = 1;
        }
    }
    budgets
}

fn dirichlet_budgets(modalities: &[Modality], masking: &Masking, rng: &mut Stream) -> Vec<Budget> {
    let alphas = |of: &crate::manifest::schema::PerModality| -> Vec<f64> {
        modalities.iter().map(|m| of.get(&m.name, 1.0)).collect()
    };
    let inputs = uniform(masking.input_tokens, rng);
    let targets = uniform(masking.target_tokens, rng);
    let inputs = split(inputs, &alphas(&masking.input_alphas), rng);
    let targets = split(targets, &alphas(&masking.target_alphas), rng);
    let clamp = |((m, input), target): ((&Modality, usize), usize)| {
        let input = input.min(m.length);
        Budget { input, target: target.min(m.length - input) }
    };
    modalities.iter().zip(inputs).zip(targets).map(clamp).collect()
}

/// A number of the range, both ends included.
fn uniform((low, high): (usize, usize), rng: &mut Stream) -> usize {
    rng.gen_range(low as u64..=high.max(low) as u64) as usize
}

/// Divides `n` tokens: the floor of one Dirichlet draw, then each remaining token to the largest
/// share of a fresh draw.
fn split(n: usize, alphas: &[f64], rng: &mut Stream) -> Vec<usize> {
    let shares = dirichlet::shares(alphas, rng);
    let mut counts: Vec<usize> = shares.iter().map(|x| (x * n as f64).floor() as usize).collect();
    let missing = n.saturating_sub(counts.iter().sum());
    if !counts.is_empty() {
        for _ in 0..missing {
            counts[dirichlet::argmax(alphas, rng)] += 1;
        }
    }
    counts
}

fn fixed(modality: &Modality, ratio: Ratio) -> Budget {
    let of = |share: f64| part(modality.length, share);
    let input = of(ratio.input);
    Budget { input, target: of(ratio.target).min(modality.length - input) }
}

/// `floor(share · length)` of the share as it was written: 0.29 · 100 is 29, although the nearest
/// double lies below.
fn part(length: usize, share: f64) -> usize {
    ((share.clamp(0.0, 1.0) * length as f64 + 1e-9).floor() as usize).min(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::schema::PerModality;
    use crate::modality::Strategy;
    use crate::rng::{stream, Purpose};
    use statrs::distribution::{Beta, ChiSquared, ContinuousCDF};
    use std::collections::BTreeMap;

    fn rng(seed: u64) -> Stream {
        stream(seed, Purpose::Simulation, &[])
    }

    fn modality(name: &str, length: usize) -> Modality {
        let masking = Strategy::Random;
        Modality { name: name.into(), length, vocab: 8, codebooks: 1, grid: None, text: None, masking }
    }

    /// p-value of the counts against exact probabilities; outcomes of probability 0 must not occur.
    fn chi_square(counts: &BTreeMap<Vec<usize>, usize>, pmf: &BTreeMap<Vec<usize>, f64>) -> f64 {
        let n = counts.values().sum::<usize>() as f64;
        assert!((pmf.values().sum::<f64>() - 1.0).abs() < 1e-12, "probabilities sum to 1");
        assert!(counts.keys().all(|k| pmf.contains_key(k)), "an impossible outcome occurred");
        let term = |(k, p): (&Vec<usize>, &f64)| {
            let expected = p * n;
            assert!(expected > 5.0, "expected count {expected} is too small for the test");
            (counts.get(k).copied().unwrap_or(0) as f64 - expected).powi(2) / expected
        };
        ChiSquared::new(pmf.len() as f64 - 1.0).unwrap().sf(pmf.iter().map(term).sum())
    }

    /// All vectors of `m` non-negative integers with the given sum.
    fn compositions(sum: usize, m: usize) -> Vec<Vec<usize>> {
        if m == 1 {
            return vec![vec![sum]];
        }
        let with = |first: usize| {
            compositions(sum - first, m - 1).into_iter().map(move |rest| [vec![first], rest].concat())
        };
        (0..=sum).flat_map(with).collect()
    }

    fn eulerian(n: usize, k: usize) -> f64 {
        match (n, k) {
            (0, 0) => 1.0,
            _ if k >= n => 0.0,
            _ => {
                let left = if k > 0 { (n - k) as f64 * eulerian(n - 1, k - 1) } else { 0.0 };
                left + (k + 1) as f64 * eulerian(n - 1, k)
            }
        }
    }

    fn factorial(n: usize) -> f64 {
        (1..=n).map(|i| i as f64).product()
    }

    /// Exact distribution of `split(n, [1; m])`. A uniform point of the simplex has
    /// `floor(n·x) = k` with probability `A(m−1, r−1) / n^(m−1)`, where `r = n − Σk` is the remainder
    /// (1..m) and A the Eulerian numbers (volumes of hypercube slices); then the remainder is a
    /// multinomial with equal probabilities.
    fn exact(n: usize, m: usize) -> BTreeMap<Vec<usize>, f64> {
        let mut pmf = BTreeMap::new();
        for r in 1..m.min(n + 1) {
            let cell = eulerian(m - 1, r - 1) / (n as f64).powi(m as i32 - 1);
            for (k, extra) in compositions(n - r, m)
                .iter()
                .flat_map(|k| compositions(r, m).into_iter().map(move |e| (k, e)))
            {
                let ways = factorial(r) / extra.iter().map(|e| factorial(*e)).product::<f64>();
                let counts = k.iter().zip(&extra).map(|(k, e)| k + e).collect::<Vec<_>>();
                *pmf.entry(counts).or_insert(0.0) += cell * ways / (m as f64).powi(r as i32);
            }
        }
        pmf
    }

    #[test]
    fn the_split_follows_its_exact_distribution() {
        for (n, m) in [(5, 2), (4, 3), (3, 4), (6, 3)] {
            let mut rng = rng(11);
            let mut counts = BTreeMap::new();
            (0..60_000).for_each(|_| *counts.entry(split(n, &vec![1.0; m], &mut rng)).or_insert(0) += 1);
            let p = chi_square(&counts, &exact(n, m));
            assert!(p > 0.001, "n = {n}, m = {m}: p = {p}");
        }
    }

    #[test]
    fn unequal_alphas_follow_the_beta_distribution() {
        let (n, a, b) = (6, 0.5, 2.0);
        let beta = Beta::new(a, b).unwrap();
        let first = beta.sf(0.5); // the first share is the larger one: it gets the remainder
        let mut pmf = BTreeMap::new();
        for k in 0..n {
            let cell = beta.cdf((k + 1) as f64 / n as f64) - beta.cdf(k as f64 / n as f64);
            *pmf.entry(vec![k + 1, n - k - 1]).or_insert(0.0) += cell * first;
            *pmf.entry(vec![k, n - k]).or_insert(0.0) += cell * (1.0 - first);
        }
        let mut rng = rng(12);
        let mut counts = BTreeMap::new();
        (0..60_000).for_each(|_| *counts.entry(split(n, &[a, b], &mut rng)).or_insert(0) += 1);
        let p = chi_square(&counts, &pmf);
        assert!(p > 0.001, "p = {p}");
    }

    #[test]
    fn a_remainder_goes_to_each_modality_alike() {
        let mut rng = rng(13);
        let mut counts = BTreeMap::new();
        for _ in 0..50_000 {
            *counts.entry(vec![dirichlet::argmax(&[0.3; 5], &mut rng)]).or_insert(0) += 1;
        }
        let p = chi_square(&counts, &(0..5).map(|i| (vec![i], 0.2)).collect());
        assert!(p > 0.001, "p = {p}");
    }

    /// Whole budgets: the range is uniform with both ends, inputs are clamped to the length, targets
    /// to what is left; the joint distribution is exact.
    #[test]
    fn clamped_budgets_follow_their_exact_distribution() {
        let (length, range) = (3, (2, 5));
        let modalities = [modality("a", length), modality("b", length)];
        let mut split_pmf = BTreeMap::new();
        for n in range.0..=range.1 {
            for (k, p) in exact(n, 2) {
                *split_pmf.entry(k).or_insert(0.0) += p / (range.1 - range.0 + 1) as f64;
            }
        }
        let mut pmf = BTreeMap::new();
        for (i, p) in &split_pmf {
            for (t, q) in &split_pmf {
                let input: Vec<usize> = i.iter().map(|i| *i.min(&length)).collect();
                let target = t.iter().zip(&input).map(|(t, i)| *t.min(&(length - i)));
                *pmf.entry(input.iter().copied().chain(target).collect()).or_insert(0.0) += p * q;
            }
        }
        let masking = Masking { input_tokens: range, target_tokens: range, ..Masking::default() };
        let mut rng = rng(14);
        let mut counts = BTreeMap::new();
        for _ in 0..100_000 {
            let b = draw(&modalities, &masking, &mut rng);
            *counts.entry(vec![b[0].input, b[1].input, b[0].target, b[1].target]).or_insert(0) += 1;
        }
        let p = chi_square(&counts, &pmf);
        assert!(p > 0.001, "p = {p}");
    }

    #[test]
    fn both_ends_of_a_range_are_drawn_alike() {
        let mut rng = rng(15);
        let mut counts = BTreeMap::new();
        (0..100_000).for_each(|_| *counts.entry(vec![uniform((16, 256), &mut rng)]).or_insert(0) += 1);
        let p = chi_square(&counts, &(16..=256).map(|i| (vec![i], 1.0 / 241.0)).collect());
        assert!(p > 0.001, "p = {p}");
    }

    #[test]
    fn fixed_ratios_are_floors_and_leave_room() {
        let b = |length, input, target| fixed(&modality("a", length), Ratio { input, target });
        assert_eq!(b(100, 0.29, 0.5), Budget { input: 29, target: 50 });
        assert_eq!(b(196, 0.25, 0.5), Budget { input: 49, target: 98 });
        assert_eq!(b(10, 0.75, 0.5), Budget { input: 7, target: 3 });
    }

    #[test]
    fn an_empty_input_is_given_to_the_first_modality() {
        let modalities = [modality("a", 4), modality("b", 4)];
        let masking = Masking { input_tokens: (0, 0), target_tokens: (0, 0), ..Masking::default() };
        let b = draw(&modalities, &masking, &mut rng(1));
        assert_eq!(b, [Budget { input: 1, target: 0 }, Budget::default()]);
    }

    #[test]
    fn alphas_are_taken_by_name() {
        let modalities = [modality("a", 400), modality("b", 400)];
        let none = PerModality::Each(BTreeMap::from([("b".to_string(), 0.0)]));
        let masking = Masking { input_alphas: none, ..Masking::default() };
        let mut rng = rng(2);
        for _ in 0..100 {
            let b = draw(&modalities, &masking, &mut rng);
            assert_eq!(b[1].input, 0);
            assert!((16..=256).contains(&b[0].input));
            assert!((16..=256).contains(&(b[0].target + b[1].target)) || b[0].input + b[0].target == 400);
        }
    }
}
