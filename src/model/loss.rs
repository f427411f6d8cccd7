//! The loss of a batch: what each of its targets weighs, and its value from the targets' cross-entropies.
//!
//! Weights come from the counts of the whole batch, so a part of it, with whichever modalities it has,
//! contributes exactly its share.

use crate::architecture::Config;
use crate::batch::Packed;
use crate::fault::{Fault, Result};
use crate::manifest::schema::Loss;
use crate::ops::LossRows;

/// What one optimizer step measured, before the update.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOutcome {
    /// The loss that was minimized, nats.
    pub loss: f64,
    /// Mean cross-entropy of each modality's targets in the batch, nats; `None` without targets.
    pub per_modality: Vec<Option<f64>>,
    /// Number of targets of each modality.
    pub counts: Vec<usize>,
    /// Global L2 norm of the gradient before clipping.
    pub grad_norm: f64,
}

impl StepOutcome {
    /// Whether an update with this gradient makes sense.
    pub fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.grad_norm.is_finite()
    }
}

/// What the targets of a batch weigh in its loss.
#[derive(Clone, Debug, PartialEq)]
pub struct LossWeights {
    loss: Loss,
    /// Targets of each modality in the whole batch.
    counts: Vec<usize>,
}

impl LossWeights {
    /// Of a batch with these `targets`, in a model of this many `modalities`.
    ///
    /// # Errors
    /// If a target is of none of them.
    pub fn new(loss: Loss, modalities: usize, targets: &Packed) -> Result<LossWeights> {
        let mut counts = vec![0; modalities];
        for &m in &targets.modalities {
            let Some(count) = counts.get_mut(m as usize) else {
                return Err(Fault::invalid("a token does not fit the model")
                    .found(format!("a target of modality {m}, counted from 0"))
                    .expected(format!("one of {modalities}")));
            };
            *count += 1;
        }
        Ok(LossWeights { loss, counts })
    }

    /// Targets of each modality.
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// Weight of one target of a modality that has targets in the batch.
    ///
    /// # Panics
    /// If the model has no such modality.
    pub fn of(&self, modality: u32) -> f32 {
        let weight = match self.loss {
            Loss::PerModalityMean => 1.0 / (self.counts.len() as f64 * self.counts[modality as usize] as f64),
            Loss::TokenMean => 1.0 / self.counts.iter().sum::<usize>() as f64,
        };
        weight as f32
    }

    /// Targets, weights in the loss and competing ids of every decoder token of a part of the batch.
    ///
    /// # Panics
    /// As [`of`](LossWeights::of).
    pub fn rows(&self, config: &Config, part: &Packed) -> LossRows {
        LossRows {
            targets: part.ids.clone(),
            weights: part.modalities.iter().map(|&m| self.of(m)).collect(),
            limits: part.modalities.iter().map(|&m| config.limit(m, config.softmax) as u32).collect(),
        }
    }

    /// The loss in double precision, from modality and cross-entropy (nats) of every target of the batch.
    pub fn outcome(&self, targets: impl Iterator<Item = (u32, f32)>, grad_norm: f64) -> StepOutcome {
        let mut sums = vec![0.0; self.counts.len()];
        targets.for_each(|(m, ce)| sums[m as usize] += ce as f64);
        let mean = |(sum, &n): (f64, &usize)| (n > 0).then(|| sum / n as f64);
        let per_modality: Vec<Option<f64>> = sums.into_iter().zip(&self.counts).map(mean).collect();
        let counts = self.counts.clone();
        StepOutcome { loss: self.total(&per_modality), per_modality, counts, grad_norm }
    }

    /// The number that is minimized.
    fn total(&self, means: &[Option<f64>]) -> f64 {
        match self.loss {
            Loss::PerModalityMean => means.iter().flatten().sum::<f64>() / means.len() as f64,
            Loss::TokenMean => {
                let tokens = self.counts.iter().sum::<usize>().max(1) as f64;
                means.iter().zip(&self.counts).filter_map(|(m, n)| m.map(|m| m * *n as f64)).sum::<f64>()
                    / tokens
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_make_the_loss() {
        let mut targets = Packed::default();
        [0, 2, 2, 0, 2].into_iter().for_each(|m| targets.token(0, 0, m));
        let ce = [1.0, 2.0, 3.0, 4.0, 5.0];
        for (loss, expected) in [
            (Loss::PerModalityMean, ((1.0 + 4.0) / 2.0 + (2.0 + 3.0 + 5.0) / 3.0) / 3.0),
            (Loss::TokenMean, 15.0 / 5.0),
        ] {
            let weights = LossWeights::new(loss, 3, &targets).unwrap();
            let outcome = weights.outcome(targets.modalities.iter().copied().zip(ce), 1.0);
            let sum: f64 =
                targets.modalities.iter().zip(ce).map(|(&m, ce)| f64::from(weights.of(m) * ce)).sum();
            assert!((outcome.loss - expected).abs() < 1e-12 && (sum - expected).abs() < 1e-6, "{loss:?}");
            assert_eq!((outcome.counts.as_slice(), outcome.per_modality[1]), (&[2, 0, 3][..], None));
        }
    }

    #[test]
    fn a_target_of_no_modality_is_refused() {
        let mut targets = Packed::default();
        targets.token(0, 0, 2);
        assert!(LossWeights::new(Loss::TokenMean, 3, &targets).is_ok());
        let fault = LossWeights::new(Loss::TokenMean, 2, &targets).unwrap_err();
        assert_eq!(fault.found.as_deref(), Some("a target of modality 2, counted from 0"));
    }
}
