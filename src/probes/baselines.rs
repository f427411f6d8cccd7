//! Distributions fitted to the training split without a network: what a model has to beat.
//!
//! ```text
//! uniform             1 / V
//! unigram_marginal    (c(v) + 1) / (N + V)                       over all training rows and positions
//! codebook_marginal   the same over the positions of one codebook (position mod codebooks)
//! position_marginal   (c_p(v) + a · unigram(v)) / (N_p + a)      at position p
//! ```
//! The weight `a` of the position marginal's prior is the power of ten between 1 and 10⁶ with the lowest
//! cross-entropy on the validation split. V is the modality's own vocabulary.

use crate::data::{Dataset, Part, Split};
use crate::metrics::source;
use crate::modality::Modality;
use rayon::prelude::*;

/// The kinds of baseline, in the order of every file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    Uniform,
    Unigram,
    Codebook,
    Position,
}

impl Baseline {
    /// All kinds.
    pub const ALL: [Baseline; 4] =
        [Baseline::Uniform, Baseline::Unigram, Baseline::Codebook, Baseline::Position];

    /// Its name in the column `source`.
    pub fn source(self) -> &'static str {
        match self {
            Baseline::Uniform => source::UNIFORM,
            Baseline::Unigram => source::UNIGRAM,
            Baseline::Codebook => source::CODEBOOK,
            Baseline::Position => source::POSITION,
        }
    }

    /// Whether it says something of its own for `m`.
    pub fn applies(self, m: &Modality) -> bool {
        self != Baseline::Codebook || m.has_codebooks()
    }
}

/// The fitted baselines of one modality.
pub struct Fitted {
    vocab: usize,
    codebooks: usize,
    unigram: Counts,
    codebook: Vec<Counts>,
    position: Vec<Counts>,
    /// Weight of the unigram in the position marginal, in observations.
    pub prior: f64,
}

impl Fitted {
    /// Fits every modality of `data` to its training split.
    pub fn all(data: &Dataset) -> Vec<Fitted> {
        let modalities: Vec<(usize, &Modality)> = data.modalities().iter().enumerate().collect();
        modalities.into_par_iter().map(|(m, modality)| Fitted::new(data, m, modality)).collect()
    }

    fn new(data: &Dataset, index: usize, m: &Modality) -> Fitted {
        let counts = |n: usize| vec![Counts::new(m.vocab); n];
        let codebooks = m.codebooks.max(1);
        let mut fitted = Fitted {
            vocab: m.vocab,
            codebooks,
            unigram: Counts::new(m.vocab),
            codebook: counts(codebooks),
            position: counts(m.length),
            prior: 1.0,
        };
        for_each_token(data.split(Part::Train), index, |position, id| {
            fitted.unigram.add(id);
            fitted.codebook[position % codebooks].add(id);
            fitted.position[position].add(id);
        });
        fitted.choose_prior(data.split(Part::Eval), index);
        fitted
    }

    /// Cross-entropy of `id` at `position`, nats.
    pub fn ce(&self, baseline: Baseline, position: u32, id: u32) -> f64 {
        let p = position as usize;
        match baseline {
            Baseline::Uniform => (self.vocab as f64).ln(),
            Baseline::Unigram => -self.unigram.add_one(id).ln(),
            Baseline::Codebook => -self.codebook[p % self.codebooks].add_one(id).ln(),
            Baseline::Position => -self.at_position(p, id, self.prior).ln(),
        }
    }

    /// The most likely id at `position`; the lowest of equals.
    pub fn best(&self, baseline: Baseline, position: u32) -> u32 {
        let p = position as usize;
        let score = |id: u32| match baseline {
            Baseline::Uniform => 0.0,
            Baseline::Unigram => self.unigram.add_one(id),
            Baseline::Codebook => self.codebook[p % self.codebooks].add_one(id),
            Baseline::Position => self.at_position(p, id, self.prior),
        };
        (1..self.vocab as u32).fold(0, |best, id| if score(id) > score(best) { id } else { best })
    }

    fn at_position(&self, position: usize, id: u32, prior: f64) -> f64 {
        let here = &self.position[position];
        (f64::from(here.of[id as usize]) + prior * self.unigram.add_one(id)) / (here.total as f64 + prior)
    }

    fn choose_prior(&mut self, validation: &Split, index: usize) {
        let ce = |prior: f64| {
            let mut sum = 0.0;
            for_each_token(validation, index, |p, id| sum -= self.at_position(p, id, prior).ln());
            sum
        };
        let candidates = (0..=6).map(|power| 10f64.powi(power));
        let best = candidates.map(|prior| (ce(prior), prior)).min_by(|a, b| a.0.total_cmp(&b.0));
        self.prior = best.map_or(1.0, |(_, prior)| prior);
    }
}

/// How often each id occurs.
#[derive(Clone)]
struct Counts {
    of: Vec<u32>,
    total: u64,
}

impl Counts {
    fn new(vocab: usize) -> Counts {
        Counts { of: vec![0; vocab], total: 0 }
    }

    fn add(&mut self, id: u32) {
        self.of[id as usize] += 1;
        self.total += 1;
    }

    fn add_one(&self, id: u32) -> f64 {
        (f64::from(self.of[id as usize]) + 1.0) / (self.total as f64 + self.of.len() as f64)
    }
}

fn for_each_token(split: &Split, modality: usize, mut visit: impl FnMut(usize, u32)) {
    for clip in 0..split.len() {
        for row in 0..split.rows(clip) {
            split.tokens(clip, modality, row).iter().enumerate().for_each(|(p, &id)| visit(p, id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ClipData;

    fn modality() -> Modality {
        ron::from_str(r#"(name: "a@4", length: 4, vocab: 5, codebooks: 2)"#).unwrap()
    }

    fn data() -> Dataset {
        let clip = |stem: &str, tokens: &[u32]| ClipData {
            stem: stem.into(),
            tokens: vec![tokens.to_vec()],
            ..ClipData::default()
        };
        let train = vec![clip("a", &[0, 4, 0, 4, 0, 4, 1, 4]), clip("b", &[0, 4, 0, 3])];
        Dataset::from_parts(
            &[modality()],
            [train, vec![clip("c", &[0, 4, 0, 4])], vec![clip("d", &[2, 2, 2, 2])]],
        )
        .unwrap()
    }

    #[test]
    fn by_hand() {
        let fitted = &Fitted::all(&data())[0];
        let p = |b, position, id| (-fitted.ce(b, position, id)).exp();
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        close(p(Baseline::Uniform, 0, 2), 1.0 / 5.0);
        // 12 tokens: five 0, one 1, five 4, one 3, no 2.
        close(p(Baseline::Unigram, 3, 0), 6.0 / 17.0);
        close(p(Baseline::Unigram, 3, 2), 1.0 / 17.0);
        // First codebook: five 0, one 1. Second: five 4, one 3.
        close(p(Baseline::Codebook, 2, 0), 6.0 / 11.0);
        close(p(Baseline::Codebook, 1, 0), 1.0 / 11.0);
        // The validation clip follows the positions, so little smoothing is best.
        assert_eq!(fitted.prior, 1.0);
        close(p(Baseline::Position, 0, 0), (3.0 + 6.0 / 17.0) / 4.0);
        let best = [Baseline::Uniform, Baseline::Unigram, Baseline::Codebook, Baseline::Position]
            .map(|b| (fitted.best(b, 2), fitted.best(b, 3)));
        assert_eq!(best, [(0, 0), (0, 0), (0, 4), (0, 4)]);
    }

    #[test]
    fn each_is_a_distribution() {
        let fitted = &Fitted::all(&data())[0];
        for baseline in Baseline::ALL {
            for position in 0..4 {
                let sum: f64 = (0..5).map(|id| (-fitted.ce(baseline, position, id)).exp()).sum();
                assert!((sum - 1.0).abs() < 1e-12, "{baseline:?} at {position} sums to {sum}");
            }
        }
    }
}
