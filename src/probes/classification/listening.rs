//! What a network says of whole captions, heard position by position.

use super::ranking::log_sum_exp;
use crate::probes::class_texts::Classes;

/// Log-likelihood of every caption of every class, position after position.
pub struct Listening {
    captions: Vec<Vec<f64>>,
    said: Vec<u32>,
}

impl Listening {
    /// Nothing heard yet.
    pub fn new(classes: &Classes) -> Listening {
        Listening { captions: classes.ids.iter().map(|texts| vec![0.0; texts.len()]).collect(), said: vec![] }
    }

    /// Position `position` of the caption: its `logits`, the log-sum-exp of those that compete, and the
    /// ids that stand for text.
    pub fn hear(
        &mut self,
        classes: &Classes,
        position: usize,
        logits: &[f32],
        normalizer: f64,
        sayable: std::ops::Range<u32>,
    ) {
        for (sums, texts) in self.captions.iter_mut().zip(&classes.ids) {
            for (sum, ids) in sums.iter_mut().zip(texts) {
                *sum += f64::from(logits[ids[position] as usize]) - normalizer;
            }
        }
        let better = |best: u32, id: u32| if logits[id as usize] > logits[best as usize] { id } else { best };
        self.said.push(sayable.clone().fold(sayable.start, better));
    }

    /// Log-likelihood of every class, nats, and the most likely id of text at every position.
    pub fn end(self) -> (Vec<f64>, Vec<u32>) {
        (self.captions.iter().map(|texts| log_sum_exp(texts)).collect(), self.said)
    }
}
