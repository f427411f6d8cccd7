//! Cross-entropy on the validation split, with the same masks each time.

use crate::batch::Batch;
use crate::data::Split;
use crate::fault::Result;
use crate::manifest::schema::Experiment;
use crate::masking::Masks;
use crate::model::network::Inference;
use crate::observer::ValidationScore;

/// Scores row 0 of every clip under mask number 0 of the probes' seed, as many clips at once as in training.
pub fn evaluate(net: &dyn Inference, e: &Experiment, split: &Split) -> Result<Vec<ValidationScore>> {
    let masks = Masks::new(&e.modalities, &e.masking)?;
    let scope = net.config().softmax;
    let mut scores: Vec<ValidationScore> = e
        .modalities
        .iter()
        .map(|m| ValidationScore { modality: m.name.clone(), tokens: 0, ce_nats: 0.0 })
        .collect();
    let at_once = e.train.micro_batch.unwrap_or(e.train.batch).max(1);
    let clips: Vec<usize> = (0..split.len()).collect();
    for chunk in clips.chunks(at_once) {
        let mut batch = Batch::default();
        for &clip in chunk {
            batch.push(&split.sample(clip, 0), &masks.of_clip(e.seeds.probes, 0, clip as u64));
        }
        for (token, &m) in net.score(&batch, scope)?.iter().zip(&batch.dec.modalities) {
            scores[m as usize].tokens += 1;
            scores[m as usize].ce_nats += f64::from(token.ce);
        }
    }
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Part;
    use crate::train::toy;

    #[test]
    fn an_untrained_toy_scores_its_uniform_distribution() {
        let (experiment, data) = (toy::experiment(), toy::dataset());
        let net = toy::Toy::new(&experiment);
        let split = data.split(Part::Eval);
        let scores = evaluate(&net, &experiment, split).unwrap();
        for (s, m) in scores.iter().zip(&experiment.modalities) {
            assert!(s.tokens > 0);
            assert!((s.mean().unwrap() - (m.vocab as f64).ln()).abs() < 1e-6);
        }
        assert_eq!(scores, evaluate(&net, &experiment, split).unwrap());
    }
}
