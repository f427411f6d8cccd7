//! One token from one row of logits.
//!
//! ```text
//! w_i = exp((l_i − max l) / T)          over the ids that truncation leaves
//! id  = the first at which the running sum of w exceeds u · Σ w        (inverse distribution function)
//! ```
//! T = 0 takes the most likely id, the lowest of equals. Source: REFERENCE §6.

use super::truncate::truncate;
use crate::manifest::schema::Decode;

/// How a row is sampled; made from a manifest's `Decode` for one vocabulary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0: the most likely id.
    pub temperature: f64,
    /// Number of ids that compete; absent: all.
    pub top_k: Option<usize>,
    /// Probability mass that competes; absent: all.
    pub top_p: Option<f64>,
}

impl Sampling {
    /// A `top_k` below 1 is a fraction of the vocabulary, rounded down to at least one id; 0 is off, as
    /// are 0 and 1 for `top_p`.
    pub fn new(decode: &Decode, vocab: usize) -> Sampling {
        let k = if decode.top_k < 1.0 { (decode.top_k * vocab as f64).max(1.0) } else { decode.top_k };
        Sampling {
            temperature: decode.temperature,
            top_k: (decode.top_k > 0.0).then_some(k as usize),
            top_p: (decode.top_p > 0.0 && decode.top_p < 1.0).then_some(decode.top_p),
        }
    }
}

/// A token and how sure the decoder was of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    pub id: u32,
    /// Its probability in the distribution it was drawn from; at temperature 0 in the network's own.
    pub confidence: f64,
}

/// Draws with `u` in 0..1. `None` when a logit is infinite or NaN.
pub fn draw(logits: &[f32], sampling: &Sampling, u: f64) -> Option<Draw> {
    if logits.is_empty() || !logits.iter().all(|l| l.is_finite()) {
        return None;
    }
    let best = argmax(logits);
    let largest = f64::from(logits[best]);
    if sampling.temperature == 0.0 {
        let total: f64 = logits.iter().map(|&l| (f64::from(l) - largest).exp()).sum();
        return Some(Draw { id: best as u32, confidence: 1.0 / total });
    }
    let weight = |id: u32| ((f64::from(logits[id as usize]) - largest) / sampling.temperature).exp();
    if sampling.top_k.is_none() && sampling.top_p.is_none() {
        return Some(invert(&(0..logits.len() as u32).map(|id| (id, weight(id))).collect::<Vec<_>>(), u));
    }
    let ids = truncate(logits, sampling.top_k, sampling.top_p);
    Some(invert(&ids.into_iter().map(|id| (id, weight(id))).collect::<Vec<_>>(), u))
}

/// The lowest of the most likely ids.
fn argmax(logits: &[f32]) -> usize {
    (1..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best })
}

/// The id at `u` of the distribution function; one of them has weight 1, so the sum is not 0.
fn invert(weights: &[(u32, f64)], u: f64) -> Draw {
    let total: f64 = weights.iter().map(|w| w.1).sum();
    let mut sum = 0.0;
    let mut chosen = weights[0];
    for &(id, weight) in weights.iter().filter(|w| w.1 > 0.0) {
        chosen = (id, weight);
        sum += weight;
        if sum > u * total {
            break;
        }
    }
    Draw { id: chosen.0, confidence: chosen.1 / total }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{stream, Purpose};
    use rand::Rng;
    use statrs::distribution::{ChiSquared, ContinuousCDF};

    const LOGITS: [f32; 6] = [0.0, 1.5, -2.0, 0.7, 0.7, -0.3];

    fn sampling(temperature: f64, top_k: f64, top_p: f64) -> Sampling {
        Sampling::new(&Decode { temperature, top_k, top_p, ..Decode::default() }, LOGITS.len())
    }

    /// exp(l/T) over the ids in `kept`, normalized: written out here, not taken from the code under test.
    fn exact(temperature: f64, kept: &[usize]) -> Vec<f64> {
        let of = |i: usize| if kept.contains(&i) { (f64::from(LOGITS[i]) / temperature).exp() } else { 0.0 };
        let total: f64 = (0..LOGITS.len()).map(of).sum();
        (0..LOGITS.len()).map(|i| of(i) / total).collect()
    }

    /// p of Pearson's chi-square of 20,000 draws against the exact distribution; the seed is fixed, so
    /// this fails for a wrong distribution only.
    fn fits(sampling: &Sampling, expected: &[f64]) -> f64 {
        let n = 20_000;
        let mut counts = vec![0u64; expected.len()];
        let mut rng = stream(7, Purpose::Simulation, &[1]);
        for _ in 0..n {
            let draw = draw(&LOGITS, sampling, rng.gen()).unwrap();
            counts[draw.id as usize] += 1;
            assert!((draw.confidence - expected[draw.id as usize]).abs() < 1e-6);
        }
        let used: Vec<usize> = (0..expected.len()).filter(|&i| expected[i] > 0.0).collect();
        assert_eq!(used.iter().map(|&i| counts[i]).sum::<u64>(), n, "an id that may not be drawn was");
        let cell =
            |&i: &usize| (counts[i] as f64 - n as f64 * expected[i]).powi(2) / (n as f64 * expected[i]);
        let statistic: f64 = used.iter().map(cell).sum();
        1.0 - ChiSquared::new((used.len() - 1) as f64).unwrap().cdf(statistic)
    }

    #[test]
    fn draws_follow_the_exact_distribution() {
        let all = [0, 1, 2, 3, 4, 5];
        assert!(fits(&sampling(1.0, 0.0, 0.0), &exact(1.0, &all)) > 0.01);
        assert!(fits(&sampling(0.5, 0.0, 0.0), &exact(0.5, &all)) > 0.01);
        assert!(fits(&sampling(2.0, 3.0, 0.0), &exact(2.0, &[1, 3, 4])) > 0.01);
        // At temperature 1 the two best have 0.43 and 0.19: the nucleus of 0.5 is decided there.
        assert!(fits(&sampling(3.0, 0.0, 0.5), &exact(3.0, &[1, 3])) > 0.01);
        // And a wrong distribution is noticed.
        let sharper = exact(0.8, &all);
        let near = exact(1.0, &all);
        let distance: f64 = sharper.iter().zip(&near).map(|(a, b)| 20_000.0 * (a - b).powi(2) / a).sum();
        assert!(distance > 100.0);
    }

    #[test]
    fn temperature_zero_and_a_cold_one_take_the_most_likely_lowest_id() {
        let at_zero = draw(&LOGITS, &sampling(0.0, 0.0, 0.0), 0.99).unwrap();
        assert_eq!(at_zero.id, 1);
        assert!((at_zero.confidence - exact(1.0, &[0, 1, 2, 3, 4, 5])[1]).abs() < 1e-6);
        assert_eq!(draw(&LOGITS, &sampling(1e-3, 0.0, 0.0), 0.999).unwrap().id, 1);
        assert_eq!(draw(&[2.0, 2.0], &sampling(0.0, 0.0, 0.0), 0.9).unwrap().id, 0);
        assert_eq!(draw(&LOGITS, &sampling(5.0, 1.0, 0.0), 0.9).unwrap().id, 1);
        assert_eq!(draw(&LOGITS, &sampling(5.0, 0.0, 1e-12), 0.9).unwrap().id, 1);
    }

    #[test]
    fn top_k_is_a_number_or_a_share() {
        assert_eq!(sampling(1.0, 0.0, 1.0), Sampling { temperature: 1.0, top_k: None, top_p: None });
        assert_eq!(sampling(1.0, 0.5, 0.0).top_k, Some(3));
        assert_eq!(sampling(1.0, 0.01, 0.0).top_k, Some(1));
        assert_eq!(sampling(1.0, 1.0, 0.0).top_k, Some(1));
        assert_eq!(
            sampling(1.0, 99.0, 0.3),
            Sampling { temperature: 1.0, top_k: Some(99), top_p: Some(0.3) }
        );
    }

    #[test]
    fn the_ends_of_the_distribution_and_what_is_not_a_number() {
        assert_eq!(draw(&LOGITS, &sampling(1.0, 0.0, 0.0), 0.0).unwrap().id, 0);
        assert_eq!(draw(&LOGITS, &sampling(1.0, 0.0, 0.0), 1.0 - 1e-16).unwrap().id, 5);
        // A weight that underflows is never drawn.
        assert_eq!(draw(&[0.0, -3e30], &sampling(1.0, 0.0, 0.0), 1.0).unwrap().id, 0);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(draw(&[0.0, bad], &sampling(1.0, 0.0, 0.0), 0.5), None);
        }
    }
}
