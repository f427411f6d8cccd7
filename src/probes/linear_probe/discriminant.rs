//! The linear classifier: discriminant analysis with a shrunken covariance.
//!
//! ```text
//! score_c(x) = w_c · (x − m) + b_c        w_c = S⁻¹ d_c     b_c = −½ d_c · w_c      d_c = μ_c − m
//! S = (1 − γ) W + γ · tr(W)/D · I         W = pooled covariance within classes
//! ```
//! m is the mean of all training features, μ_c that of class c. Chosen over logistic regression because it is
//! exact: one factorization, no iterations, no stopping rule, the same bits everywhere; and because a mean over
//! hundreds of tokens is close to normal, where it is the best there is. All classes count alike (no prior), so
//! that a classifier without information is at 1/C and not at the share of the largest class.
//! Fisher, Annals of Eugenics 7 (1936); Friedman, JASA 84 (1989) for γ.

use super::cholesky::{dot, Cholesky};
use rayon::prelude::*;

/// Spread below this share of the features' own size is rounding.
const NOTHING: f64 = 1e-12;

/// Features of clips, `[clips, dim]` row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    pub dim: usize,
    pub values: Vec<f64>,
}

impl Features {
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.dim)
    }

    fn len(&self) -> usize {
        self.values.len() / self.dim
    }
}

/// What does not depend on the labels: the training features, centred, and their scatter.
pub struct Centred {
    mean: Vec<f64>,
    features: Features,
    /// Σ (x − m)(x − m)ᵀ, lower triangle of `[dim, dim]`.
    scatter: Vec<f64>,
}

impl Centred {
    /// `None` when all clips have the same features.
    pub fn new(mut features: Features) -> Option<Centred> {
        let dim = features.dim;
        let mut mean = vec![0.0; dim];
        features.rows().for_each(|x| add(&mut mean, 1.0, x));
        let n = features.len() as f64;
        mean.iter_mut().for_each(|m| *m /= n);
        let size: f64 = features.values.iter().map(|x| x * x).sum();
        features.values.chunks_exact_mut(dim).for_each(|x| add(x, -1.0, &mean));
        let mut scatter = vec![0.0; dim * dim];
        scatter.par_chunks_exact_mut(dim).enumerate().for_each(|(i, row)| {
            features.rows().for_each(|x| add(&mut row[..=i], x[i], &x[..=i]));
        });
        let spread: f64 = (0..dim).map(|i| scatter[i * dim + i]).sum();
        (spread > NOTHING * size).then_some(Centred { mean, features, scatter })
    }

    /// The classifier for `labels` in `0..classes`, each of them used; `shrinkage` is γ in 0..=1.
    pub fn fit(&self, labels: &[usize], classes: usize, shrinkage: f64) -> Option<Classifier> {
        let dim = self.features.dim;
        let (directions, counts) = self.class_means(labels, classes);
        let mut within = self.scatter.clone();
        within.par_chunks_exact_mut(dim).enumerate().for_each(|(i, row)| {
            for (d, n) in directions.iter().zip(&counts) {
                add(&mut row[..=i], -n * d[i], &d[..=i]);
            }
        });
        let trace = |a: &[f64]| (0..dim).map(|i| a[i * dim + i]).sum::<f64>();
        // Classes without any spread: only the distance to their means is left.
        let spread = trace(&within) > NOTHING * trace(&self.scatter);
        let gamma = if spread { shrinkage } else { 1.0 };
        let ridge = if spread { gamma * trace(&within) / dim as f64 } else { 1.0 };
        within.iter_mut().for_each(|a| *a *= 1.0 - gamma);
        (0..dim).for_each(|i| within[i * dim + i] += ridge);
        let solver = Cholesky::new(within, dim)?;
        let weights: Vec<Vec<f64>> = directions.par_iter().map(|d| solver.solve(d)).collect();
        // The scatter is a sum over clips, the covariance its mean over the degrees of freedom.
        let freedom = (labels.len() as f64 - classes as f64).max(1.0);
        let biases = weights.iter().zip(&directions).map(|(w, d)| -0.5 * freedom * dot(w, d)).collect();
        let weights = weights.into_iter().map(|w| w.into_iter().map(|x| x * freedom).collect()).collect();
        Some(Classifier { mean: self.mean.clone(), weights, biases })
    }

    /// Mean of each class minus the mean of all, and its number of clips.
    fn class_means(&self, labels: &[usize], classes: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut sums = vec![vec![0.0; self.features.dim]; classes];
        let mut counts = vec![0.0; classes];
        for (x, &c) in self.features.rows().zip(labels) {
            add(&mut sums[c], 1.0, x);
            counts[c] += 1.0;
        }
        for (sum, n) in sums.iter_mut().zip(&counts) {
            sum.iter_mut().for_each(|x| *x /= f64::max(*n, 1.0));
        }
        (sums, counts)
    }
}

/// `a += scale · b`.
fn add(a: &mut [f64], scale: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += scale * b);
}

/// Scores of the classes are linear in the features.
pub struct Classifier {
    mean: Vec<f64>,
    weights: Vec<Vec<f64>>,
    biases: Vec<f64>,
}

impl Classifier {
    /// The class with the highest score; `None` when several share it.
    pub fn predict(&self, x: &[f64]) -> Option<usize> {
        let x: Vec<f64> = x.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        let scores: Vec<f64> = self.weights.iter().zip(&self.biases).map(|(w, b)| dot(w, &x) + b).collect();
        let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut winners = (0..scores.len()).filter(|&c| scores[c] == best);
        winners.next().filter(|_| winners.next().is_none())
    }

    /// How many rows are of their label's class.
    pub fn hits(&self, features: &Features, labels: &[usize]) -> usize {
        let hit = |(x, &c): (&[f64], &usize)| self.predict(x) == Some(c);
        features.rows().zip(labels).filter(|&(x, c)| hit((x, c))).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{stream, Purpose};
    use rand::Rng;
    use rand_distr::StandardNormal;
    use statrs::distribution::{ContinuousCDF, Normal};

    /// Two classes ± δ/2 along (1, 1, 0, …), with noise of covariance diag(1, 9, 1, …): the Bayes
    /// classifier is right with probability Φ(Δ/2), Δ² = δ² (1 + 1/9).
    fn two_classes(n: usize, delta: f64, seed: u64) -> (Features, Vec<usize>) {
        let dim = 6;
        let mut rng = stream(seed, Purpose::Simulation, &[2]);
        let labels: Vec<usize> = (0..n).map(|i| i % 2).collect();
        let mut values = Vec::new();
        for &c in &labels {
            for d in 0..dim {
                let noise: f64 = rng.sample(StandardNormal);
                let shift = if d < 2 { delta * (c as f64 - 0.5) } else { 0.0 };
                values.push(5.0 + shift + noise * if d == 1 { 3.0 } else { 1.0 });
            }
        }
        (Features { dim, values }, labels)
    }

    #[test]
    fn normal_classes_are_told_apart_as_well_as_can_be() {
        let (train, labels) = two_classes(2000, 2.0, 1);
        let (test, truth) = two_classes(4000, 2.0, 2);
        let bayes = Normal::standard().cdf(0.5 * f64::sqrt(4.0 * (1.0 + 1.0 / 9.0)));
        let centred = Centred::new(train).unwrap();
        let accuracy = |gamma| {
            let classifier = centred.fit(&labels, 2, gamma).unwrap();
            classifier.hits(&test, &truth) as f64 / 4000.0
        };
        // Three standard errors are 0.017.
        assert!((accuracy(1e-3) - bayes).abs() < 0.02, "{} against {bayes}", accuracy(1e-3));
        // Distance to the means ignores that one direction is noisier: Φ(δ·2 / (2·√10)).
        let nearest = Normal::standard().cdf(2.0 / 10f64.sqrt());
        assert!((accuracy(1.0) - nearest).abs() < 0.025, "{} against {nearest}", accuracy(1.0));
    }

    #[test]
    fn constant_features_and_constant_classes() {
        assert!(Centred::new(Features { dim: 2, values: vec![1.5, -0.25, 1.5, -0.25, 1.5, -0.25] }).is_none());
        let exact = Features { dim: 2, values: vec![0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0, 1.0] };
        let classifier = Centred::new(exact).unwrap().fit(&[0, 1, 0, 1], 2, 0.01).unwrap();
        assert_eq!(classifier.predict(&[0.2, 7.0]), Some(0));
        assert_eq!(classifier.predict(&[1.7, -7.0]), Some(1));
        assert_eq!(classifier.predict(&[1.0, 1.0]), None, "a tie is no prediction");
    }

    #[test]
    fn more_dimensions_than_clips() {
        let (train, labels) = two_classes(4, 3.0, 3);
        let classifier = Centred::new(train).unwrap().fit(&labels, 2, 0.1).unwrap();
        let (test, truth) = two_classes(1000, 3.0, 4);
        assert!(classifier.hits(&test, &truth) > 500);
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let (train, labels) = two_classes(300, 1.0, 5);
        let fit = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Centred::new(train.clone()).unwrap().fit(&labels, 2, 0.1).unwrap().weights)
        };
        assert_eq!(fit(1), fit(3));
    }
}
