//! The probes of a manifest, one after another: per-example scores to files, metrics to the record; and what
//! that costs.

use super::evaluation::Evaluation;
use super::scores::Scores;
use super::workload::Workload;
use crate::data::Dataset;
use crate::fault::Result;
use crate::manifest::schema::Experiment;
use crate::metrics::Metric;
use crate::model::network::Inference;

pub use super::scores::{Sink, Untrained};

/// Runs every probe of the experiment.
///
/// # Errors
/// What a probe cannot measure, and whatever the sink refuses.
pub fn measure(
    net: &dyn Inference,
    experiment: &Experiment,
    data: &Dataset,
    untrained: Untrained,
    sink: &mut dyn Sink,
) -> Result<Vec<Metric>> {
    let mut scores = Scores::new(Evaluation { net, experiment, data }, untrained, sink);
    experiment.probes.iter().try_for_each(|probe| for_probe!(probe, run(&mut scores)))?;
    Ok(scores.metrics)
}

/// Tokens that all probes pass through a network.
///
/// # Errors
/// If a probe names no modality; checking a manifest finds it earlier.
pub fn tokens(load: &Workload) -> Result<f64> {
    load.experiment.probes.iter().map(|probe| for_probe!(probe, tokens(load))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modality::Text;

    fn tokens_with(text: Text, probe: &str) -> Result<f64> {
        let mut experiment: Experiment = ron::from_str(
            r#"(schema: 1, name: "x", data: (), modalities: [(name: "a@8", length: 8, vocab: 7),
            (name: "b@6", length: 6, vocab: 5), (name: "c", length: 4, vocab: 9)])"#,
        )
        .unwrap();
        experiment.modalities[2].text = Some(text);
        experiment.probes = vec![ron::from_str(probe).unwrap()];
        super::tokens(&Workload::of(&experiment, [20, 5, 10], 12.0))
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
