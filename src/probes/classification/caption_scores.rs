//! What a network makes of whole captions, added up position by position.

use crate::ops::log_sum_exp::of_likelihoods;
use crate::probes::class_texts::Classes;
use std::ops::Range;

/// Log-likelihood of every caption of every class, position after position.
pub struct CaptionScorer {
    /// Sums so far, `[class][caption]`, nats.
    likelihoods: Vec<Vec<f64>>,
    argmax_ids: Vec<u32>,
}

/// The captions of one clip.
pub struct CaptionScores {
    /// Log-likelihood of each class, the sum over its captions' likelihoods, `[class]`, nats.
    pub classes: Vec<f64>,
    /// Most likely id of text, `[position]`.
    pub argmax_ids: Vec<u32>,
}

impl CaptionScorer {
    /// Without any position.
    pub fn new(classes: &Classes) -> CaptionScorer {
        let likelihoods = classes.ids.iter().map(|texts| vec![0.0; texts.len()]).collect();
        CaptionScorer { likelihoods, argmax_ids: Vec::new() }
    }

    /// Adds position `position` of the caption: its `logits`, the log-sum-exp of those that compete, and the
    /// ids that stand for text.
    pub fn add_position(
        &mut self,
        classes: &Classes,
        position: usize,
        logits: &[f32],
        normalizer: f64,
        text_ids: Range<u32>,
    ) {
        for (sums, texts) in self.likelihoods.iter_mut().zip(&classes.ids) {
            for (sum, ids) in sums.iter_mut().zip(texts) {
                *sum += f64::from(logits[ids[position] as usize]) - normalizer;
            }
        }
        let better = |best: u32, id: u32| if logits[id as usize] > logits[best as usize] { id } else { best };
        self.argmax_ids.push(text_ids.clone().fold(text_ids.start, better));
    }

    /// The scores, after the last position.
    pub fn finish(self) -> CaptionScores {
        let classes = self.likelihoods.iter().map(|captions| of_likelihoods(captions)).collect();
        CaptionScores { classes, argmax_ids: self.argmax_ids }
    }
}
