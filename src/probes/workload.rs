//! How many tokens the probes of a manifest pass through a network: what their time is forecast from.
//!
//! A token of a longer sequence costs more, by the attention it takes part in; a count does not know that,
//! and says about what a measurement will take, no more.

use crate::data::{Dataset, Part};
use crate::fault::Result;
use crate::manifest::schema::{Direction, Experiment, Probe};
use crate::modality::{self, Text};

/// Clips of the splits and the lengths of the modalities.
pub struct Workload<'a> {
    experiment: &'a Experiment,
    /// Clips in training, validation and test.
    clips: [usize; 3],
    /// Tokens of a clip under the training masking, input and targets, on average.
    masked: f64,
}

impl<'a> Workload<'a> {
    /// Of `experiment` on its `data`; `masked` tokens per masked clip.
    pub fn new(experiment: &'a Experiment, data: &Dataset, masked: f64) -> Workload<'a> {
        Workload { experiment, clips: Part::ALL.map(|part| data.split(part).len()), masked }
    }

    /// Tokens of one validation pass.
    pub fn validation(&self) -> f64 {
        self.split(Part::Eval) * self.masked
    }

    /// Tokens of all probes.
    ///
    /// # Errors
    /// If a probe names no modality; checking a manifest finds it earlier.
    pub fn probes(&self) -> Result<f64> {
        self.experiment.probes.iter().map(|p| self.probe(p)).sum()
    }

    /// Tokens of one probe, by the passes it makes.
    fn probe(&self, probe: &Probe) -> Result<f64> {
        let test = self.split(Part::Test);
        let tokens = match probe {
            // The model, shuffled input, without the others, the untrained network.
            Probe::CrossEntropy { masks, directions, .. } => {
                4.0 * test * *masks as f64 * (self.masked + self.directions(directions)?)
            }
            // A pass over whole captions, and one over key tokens: byte pairs always have them, words only
            // where they tell the classes apart, which is not counted.
            Probe::Classify { inputs, .. } => {
                let (caption, keys) = self.caption();
                let passes = if keys { 2.0 } else { 1.0 };
                let sets: f64 = inputs.iter().map(|set| self.lengths(set)).sum::<Result<f64>>()?;
                test * (passes * sets + inputs.len() as f64 * (caption + passes - 1.0))
            }
            // Each modality by the model and the untrained network.
            Probe::Retrieval { pairs, gallery } => {
                let mut names: Vec<&String> = pairs.iter().flat_map(|(a, b)| [a, b]).collect();
                names.sort();
                names.dedup();
                2.0 * limited(*gallery, test) * self.lengths(names)?
            }
            Probe::Memorization { modality, given, clips } => {
                let both = limited(*clips, self.split(Part::Train)) + limited(*clips, test);
                both * (self.length(modality)? + self.lengths(given)?)
            }
            Probe::Directions(directions) => 2.0 * test * self.directions(directions)?,
            // One pass, and one per position with half of the target known on average.
            Probe::ForwardVsAutoregressive { input, target, clips } => {
                let (input, target) = (self.length(input)?, self.length(target)?);
                limited(*clips, test) * (input + target + target * (input + target / 2.0))
            }
            // Every step is given the inputs and the target, known or predicted. The other clip it is compared
            // with is one of the generated.
            Probe::Generation { inputs, target, clips, decode, .. } => {
                let tokens = self.lengths(inputs)? + self.length(target)?;
                limited(*clips, test) * decode.steps as f64 * tokens
            }
            // The model and the untrained network on every split.
            Probe::LinearProbe { inputs } => {
                let all: usize = self.clips.iter().sum();
                2.0 * all as f64 * inputs.iter().map(|set| self.lengths(set)).sum::<Result<f64>>()?
            }
        };
        Ok(tokens)
    }

    /// Clips of a split.
    fn split(&self, part: Part) -> f64 {
        self.clips[part as usize] as f64
    }

    fn directions(&self, all: &[Direction]) -> Result<f64> {
        all.iter().map(|d| Ok(self.lengths(&d.inputs)? + self.lengths(&d.targets)?)).sum()
    }

    fn lengths<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> Result<f64> {
        names.into_iter().map(|name| self.length(name)).sum()
    }

    fn length(&self, name: &str) -> Result<f64> {
        let modalities = &self.experiment.modalities;
        Ok(modalities[modality::index(modalities, name)?].length as f64)
    }

    /// Tokens of a caption, 0 without one, and whether every class has a key token.
    fn caption(&self) -> (f64, bool) {
        let caption = self.experiment.modalities.iter().find(|m| m.text.is_some());
        caption.map_or((0.0, false), |m| (m.length as f64, m.text == Some(Text::Gpt2)))
    }
}

/// A number of clips where 0 means all.
fn limited(clips: usize, all: f64) -> f64 {
    if clips == 0 {
        return all;
    }
    all.min(clips as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens_with(text: Text, probe: &str) -> Result<f64> {
        let mut experiment: Experiment = ron::from_str(
            r#"(schema: 1, name: "x", data: (), modalities: [(name: "a@8", length: 8, vocab: 7),
            (name: "b@6", length: 6, vocab: 5), (name: "c", length: 4, vocab: 9)])"#,
        )
        .unwrap();
        experiment.modalities[2].text = Some(text);
        let load = Workload { experiment: &experiment, clips: [20, 5, 10], masked: 12.0 };
        load.probe(&ron::from_str(probe).unwrap())
    }

    fn tokens(probe: &str) -> f64 {
        tokens_with(Text::Words, probe).unwrap()
    }

    #[test]
    fn counted_by_hand() {
        let direction = r#"[(inputs: ["a@8"], targets: ["b@6"])]"#;
        let ce = tokens(&format!("CrossEntropy(masks: 2, directions: {direction})"));
        assert_eq!(ce, 4.0 * 10.0 * 2.0 * (12.0 + 14.0));
        assert_eq!(tokens(&format!("Directions({direction})")), 2.0 * 10.0 * 14.0);
        assert_eq!(tokens(r#"Retrieval(pairs: [("a@8", "b@6"), ("b@6", "a@8")])"#), 2.0 * 10.0 * 14.0);
        assert_eq!(tokens(r#"Retrieval(pairs: [("a@8", "b@6")], gallery: 4)"#), 2.0 * 4.0 * 14.0);
        assert_eq!(tokens(r#"Classify(inputs: [["a@8"], ["a@8", "b@6"]])"#), 10.0 * (12.0 + 18.0));
        let classify = r#"Classify(inputs: [["a@8"], ["a@8", "b@6"]])"#;
        assert_eq!(tokens_with(Text::Gpt2, classify).unwrap(), 10.0 * (12.0 + 9.0 + 18.0 + 15.0));
        assert_eq!(tokens(r#"Memorization(modality: "a@8", given: ["b@6"], clips: 15)"#), 25.0 * 14.0);
        assert_eq!(tokens(r#"LinearProbe(inputs: [["a@8"]])"#), 2.0 * 35.0 * 8.0);
        let generation = r#"Generation(inputs: ["a@8"], target: "b@6", clips: 5, decode: (steps: 3))"#;
        assert_eq!(tokens(generation), 5.0 * 3.0 * 14.0);
        let walk = tokens(r#"ForwardVsAutoregressive(input: "a@8", target: "c", clips: 3)"#);
        assert_eq!(walk, 3.0 * (12.0 + 4.0 * 10.0));
    }

    #[test]
    fn an_unknown_modality_is_no_modality_of_length_zero() {
        let fault = tokens_with(Text::Words, r#"LinearProbe(inputs: [["a@9"]])"#).unwrap_err();
        assert_eq!(fault.what, "no modality is named `a@9`");
    }
}
