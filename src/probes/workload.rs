//! How many tokens the probes of a manifest pass through a network: what their time is forecast from.
//!
//! A token of a longer sequence costs more, by the attention it takes part in; a count does not know that,
//! and says about what a measurement will take, no more.

use crate::data::{Dataset, Part};
use crate::manifest::schema::{Direction, Experiment, Probe};

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
        self.of(Part::Eval) * self.masked
    }

    /// Tokens of all probes.
    pub fn probes(&self) -> f64 {
        self.experiment.probes.iter().map(|p| self.probe(p)).sum()
    }

    /// Tokens of one probe, by the passes it makes.
    fn probe(&self, probe: &Probe) -> f64 {
        let test = self.of(Part::Test);
        match probe {
            // The model, shuffled input, without the others, the untrained network.
            Probe::CrossEntropy { masks, directions, .. } => {
                let whole: f64 = directions.iter().map(|d| self.whole(d)).sum();
                4.0 * test * *masks as f64 * (self.masked + whole)
            }
            // The pass over whole captions; the one over key tokens is made only where classes have them.
            Probe::Classify { inputs, .. } => {
                test * inputs.iter().map(|set| self.lengths(set) + self.caption()).sum::<f64>()
            }
            // Each modality by the model and the untrained network.
            Probe::Retrieval { pairs, gallery } => {
                let mut names: Vec<&String> = pairs.iter().flat_map(|(a, b)| [a, b]).collect();
                names.sort();
                names.dedup();
                2.0 * limited(*gallery, test) * self.lengths(names)
            }
            Probe::Memorization { modality, given, clips } => {
                let both = limited(*clips, self.of(Part::Train)) + limited(*clips, test);
                both * (self.length(modality) + self.lengths(given))
            }
            Probe::Directions(all) => 2.0 * test * all.iter().map(|d| self.whole(d)).sum::<f64>(),
            // One pass, and one per position with half of the target known on average.
            Probe::ForwardVsAutoregressive { input, target, clips } => {
                let (input, target) = (self.length(input), self.length(target));
                limited(*clips, test) * (input + target + target * (input + target / 2.0))
            }
            // Every step is given the inputs and the target, known or predicted. The other clip it is compared
            // with is one of the generated.
            Probe::Generation { inputs, target, clips, decode, .. } => {
                let tokens = self.lengths(inputs) + self.length(target);
                limited(*clips, test) * decode.steps as f64 * tokens
            }
            Probe::LinearProbe { inputs } => {
                let all: usize = self.clips.iter().sum();
                2.0 * all as f64 * inputs.iter().map(|set| self.lengths(set)).sum::<f64>()
            }
        }
    }

    fn of(&self, part: Part) -> f64 {
        self.clips[part as usize] as f64
    }

    fn whole(&self, d: &Direction) -> f64 {
        self.lengths(&d.inputs) + self.lengths(&d.targets)
    }

    fn lengths<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> f64 {
        names.into_iter().map(|name| self.length(name)).sum()
    }

    fn length(&self, name: &str) -> f64 {
        self.experiment.modalities.iter().find(|m| m.name == name).map_or(0.0, |m| m.length as f64)
    }

    fn caption(&self) -> f64 {
        self.experiment.modalities.iter().find(|m| m.text.is_some()).map_or(0.0, |m| m.length as f64)
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

    fn tokens(probe: &str) -> f64 {
        let experiment: Experiment = ron::from_str(
            r#"(schema: 1, name: "x", data: (), modalities: [(name: "a@8", length: 8, vocab: 7),
            (name: "b@6", length: 6, vocab: 5), (name: "c", length: 4, vocab: 9, text: Some(Words))])"#,
        )
        .unwrap();
        let load = Workload { experiment: &experiment, clips: [20, 5, 10], masked: 12.0 };
        load.probe(&ron::from_str(probe).unwrap())
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
        assert_eq!(tokens(r#"Memorization(modality: "a@8", given: ["b@6"], clips: 15)"#), 25.0 * 14.0);
        assert_eq!(tokens(r#"LinearProbe(inputs: [["a@8"]])"#), 2.0 * 35.0 * 8.0);
        let generation = r#"Generation(inputs: ["a@8"], target: "b@6", clips: 5, decode: (steps: 3))"#;
        assert_eq!(tokens(generation), 5.0 * 3.0 * 14.0);
        let walk = tokens(r#"ForwardVsAutoregressive(input: "a@8", target: "c", clips: 3)"#);
        assert_eq!(walk, 3.0 * (12.0 + 4.0 * 10.0));
    }
}
