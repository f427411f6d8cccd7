//! What the best possible predictor scores: exact Bayes, by enumeration over the classes.
//!
//! The predictor knows the source (prototypes, strengths), not the class. All logarithms are natural.

use super::source::{Channel, Source};
use crate::batch::SampleMask;

/// Ids that share one probability do not need one sum each: those that are a prototype of no class.
type Predictive = (Vec<(u32, f64)>, f64);

impl Channel {
    /// p(id | class) at a position.
    fn probability(&self, class: usize, position: usize, id: u32) -> f64 {
        let floor = (1.0 - self.strength) / self.vocab as f64;
        floor + if self.prototypes[class][position] == id { self.strength } else { 0.0 }
    }

    /// Σ_class p(class) p(id | class).
    fn mixture(&self, classes: &[f64], position: usize, id: u32) -> f64 {
        classes.iter().enumerate().map(|(c, p)| p * self.probability(c, position, id)).sum()
    }

    /// Probabilities of all prototypes of a position, and the one of any other id.
    fn predictive(&self, classes: &[f64], position: usize) -> Predictive {
        let mut ids: Vec<u32> = self.prototypes.iter().map(|p| p[position]).collect();
        ids.sort_unstable();
        ids.dedup();
        let named = ids.into_iter().map(|id| (id, self.mixture(classes, position, id))).collect();
        (named, (1.0 - self.strength) / self.vocab as f64)
    }

    fn entropy(&self, (named, other): &Predictive) -> f64 {
        let others = (self.vocab - named.len()) as f64;
        named.iter().map(|(_, p)| surprise(*p)).sum::<f64>() + others * surprise(*other)
    }

    fn length(&self) -> usize {
        self.prototypes.first().map_or(0, Vec::len)
    }
}

/// −p ln p, with its limit 0 at 0.
fn surprise(p: f64) -> f64 {
    if p > 0.0 {
        -p * p.ln()
    } else {
        0.0
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}

impl Source {
    /// Probability of each class before anything is seen.
    pub fn prior(&self) -> Vec<f64> {
        vec![1.0 / self.classes().len() as f64; self.classes().len()]
    }

    /// Probability of each class given the tokens at `seen` (positions for each modality) of a sample
    /// (`tokens[m]`: all ids of modality `m`). `None` when no class could have made them: they are not
    /// from this source, as in a shuffled control at strength 1.
    pub fn posterior(&self, tokens: &[&[u32]], seen: &[Vec<u32>]) -> Option<Vec<f64>> {
        let mut logs = vec![0.0; self.classes().len()];
        for ((channel, ids), positions) in self.channels.iter().zip(tokens).zip(seen) {
            for &p in positions {
                for (class, log) in logs.iter_mut().enumerate() {
                    *log += channel.probability(class, p as usize, ids[p as usize]).ln();
                }
            }
        }
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if largest == f64::NEG_INFINITY {
            return None;
        }
        let weights: Vec<f64> = logs.iter().map(|log| (log - largest).exp()).collect();
        let sum: f64 = weights.iter().sum();
        Some(weights.into_iter().map(|w| w / sum).collect())
    }

    /// Probability that the Bayes predictor gives to `id`, when `classes` is its posterior.
    pub fn probability(&self, classes: &[f64], modality: usize, position: usize, id: u32) -> f64 {
        self.channels[modality].mixture(classes, position, id)
    }

    /// Cross-entropy the Bayes predictor has from a sample's target tokens, given its input tokens:
    /// summed over the targets of each modality, nats. Its mean over clips is what no model can be
    /// expected to beat. `None` as in [`Source::posterior`]; infinite for impossible targets.
    pub fn cross_entropy(&self, tokens: &[&[u32]], mask: &SampleMask) -> Option<Vec<f64>> {
        let classes = self.posterior(tokens, &mask.input)?;
        let sum = |(m, positions): (usize, &Vec<u32>)| {
            let ce = |&p: &u32| -self.probability(&classes, m, p as usize, tokens[m][p as usize]).ln();
            positions.iter().map(ce).sum()
        };
        Some(mask.target.iter().enumerate().map(sum).collect())
    }

    /// Expected cross-entropy at one target before it is seen: the entropy of the Bayes prediction, nats.
    pub fn expected_cross_entropy(&self, classes: &[f64], modality: usize, position: usize) -> f64 {
        let channel = &self.channels[modality];
        channel.entropy(&channel.predictive(classes, position))
    }

    /// Probability that the most likely of `ids` at this target is right: the best token accuracy.
    pub fn expected_token_accuracy(&self, classes: &[f64], modality: usize, position: usize) -> f64 {
        let (named, other) = self.channels[modality].predictive(classes, position);
        named.iter().map(|(_, p)| *p).fold(other, f64::max)
    }

    /// The most likely class; the first of equals.
    pub fn classify(&self, classes: &[f64]) -> usize {
        (0..classes.len()).fold(0, |best, c| if classes[c] > classes[best] { c } else { best })
    }

    /// Probability that the class is among the `k` most likely: the best top-k accuracy of this sample.
    pub fn expected_accuracy(&self, classes: &[f64], k: usize) -> f64 {
        let mut sorted = classes.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        sorted.iter().take(k).sum()
    }

    /// Top-k accuracy of guessing.
    pub fn chance_accuracy(&self, k: usize) -> f64 {
        k.min(self.classes().len()) as f64 / self.classes().len() as f64
    }

    /// Cross-entropy of the uniform prediction, nats.
    pub fn chance_cross_entropy(&self, modality: usize) -> f64 {
        (self.channels[modality].vocab as f64).ln()
    }

    /// Expected cross-entropy per token of the best prediction that knows the class: the limit of much
    /// context, nats.
    pub fn known_class_cross_entropy(&self, modality: usize) -> f64 {
        let certain = |class| {
            let mut classes = vec![0.0; self.classes().len()];
            classes[class] = 1.0;
            classes
        };
        mean((0..self.classes().len()).map(|c| self.per_position(&certain(c), modality)))
    }

    /// Expected cross-entropy per token of the best prediction that knows the position and no other
    /// token, nats.
    pub fn position_marginal_cross_entropy(&self, modality: usize) -> f64 {
        self.per_position(&self.prior(), modality)
    }

    /// Expected cross-entropy per token of the best prediction that does not know the position either:
    /// the entropy of the modality's token frequencies, nats.
    pub fn unigram_marginal_cross_entropy(&self, modality: usize) -> f64 {
        let channel = &self.channels[modality];
        let mut ids: Vec<u32> = channel.prototypes.concat();
        let places = ids.len() as f64;
        ids.sort_unstable();
        let other = (1.0 - channel.strength) / channel.vocab as f64;
        let frequency = |run: &[u32]| (run[0], other + channel.strength * run.len() as f64 / places);
        channel.entropy(&(ids.chunk_by(|a, b| a == b).map(frequency).collect(), other))
    }

    fn per_position(&self, classes: &[f64], modality: usize) -> f64 {
        let length = self.channels[modality].length();
        mean((0..length).map(|position| self.expected_cross_entropy(classes, modality, position)))
    }
}
