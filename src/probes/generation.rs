//! Diversity of generated tokens, and mode collapse: how much generations from different inputs agree.
//!
//! ```text
//! distinct   different ids among the generated tokens of a clip
//! entropy    −Σ f ln f over the frequencies f of the ids within a clip, nats; beside that of the real tokens
//! agreement  share of positions with the id that the inputs of another clip gave; beside that of the two
//!            clips' real tokens. A generator that ignores its inputs repeats itself wherever it is sure.
//! ```
//! The other clip is the next one in a seeded random cycle, so every clip is compared once each way. Row 0
//! of every clip is used. The published conditions are `inputs` and `prefix`: 80 % of the audio and everything
//! else, the caption alone, everything but the audio. What the reference measures on the decoded sound (RMS,
//! zero crossings) needs its codec; here only tokens are compared.

use super::evaluation::Evaluation;
use super::scores::Scores;
use super::shuffled::next_in_cycle;
use super::workload::{limited, Workload};
use crate::data::Part;
use crate::decode::{self, Task};
use crate::fault::Result;
use crate::manifest::schema::Decode;
use crate::metrics;
use crate::metrics::generation::GenerationRow;
use crate::observer::ProbeObserver;
use std::collections::BTreeMap;

/// What is generated from what.
pub struct Settings<'a> {
    pub inputs: &'a [String],
    pub target: &'a str,
    /// 0 = all.
    pub clips: usize,
    /// Share of the target that is given.
    pub prefix: f64,
    pub decode: &'a Decode,
}

/// One row per test clip.
///
/// # Errors
/// If an input or the target is no modality, or a logit is not finite.
pub fn measure(
    evaluation: &Evaluation,
    settings: &Settings,
    observer: &mut dyn ProbeObserver,
) -> Result<Vec<GenerationRow>> {
    let (target, inputs) = (evaluation.index(settings.target)?, evaluation.indices(settings.inputs)?);
    let split = evaluation.data.split(Part::Test);
    let clips = if settings.clips == 0 { split.len() } else { settings.clips.min(split.len()) };
    let given = evaluation.experiment.modalities[target].prefix(settings.prefix);
    let seed = evaluation.experiment.seeds.probes;
    let task = Task { split, inputs: &inputs, target, given, clips, seed, decode: settings.decode };
    let all = decode::generate(evaluation.net, &task, &mut |done| observer.progress(done, clips))?;
    let generated: Vec<&[u32]> = all.iter().map(|tokens| &tokens[given..]).collect();
    let real: Vec<&[u32]> = (0..clips).map(|c| &split.tokens(c, target, 0)[given..]).collect();
    let others = next_in_cycle(clips, seed);
    let inputs = evaluation.joined(&inputs);
    let row = |clip: usize| {
        let agree =
            |tokens: &[&[u32]]| others.as_ref().map(|other| agreement(tokens[clip], tokens[other[clip]]));
        GenerationRow {
            clip: split.stem(clip).into(),
            inputs: inputs.clone(),
            target: settings.target.into(),
            given: given as u64,
            tokens: generated[clip].len() as u64,
            distinct: counts(generated[clip]).len() as u64,
            entropy_nats: entropy(generated[clip]),
            real_entropy_nats: entropy(real[clip]),
            agreement: agree(&generated),
            real_agreement: agree(&real),
        }
    };
    Ok((0..clips).map(row).collect())
}

fn counts(ids: &[u32]) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    ids.iter().for_each(|&id| *counts.entry(id).or_insert(0) += 1);
    counts
}

/// Entropy of the ids' frequencies, nats.
fn entropy(ids: &[u32]) -> f64 {
    let share = |n: usize| n as f64 / ids.len() as f64;
    let entropy: f64 = counts(ids).into_values().map(|n| -share(n) * share(n).ln()).sum();
    entropy.max(0.0) // −1 · ln 1 is −0
}

/// Share of equal positions.
fn agreement(a: &[u32], b: &[u32]) -> f64 {
    a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / a.len() as f64
}

/// Runs the probe.
pub(super) fn run(scores: &mut Scores, settings: &Settings) -> Result<()> {
    let evaluation = scores.evaluation;
    let rows = measure(&evaluation, settings, &mut scores.observe("generation"))?;
    scores.keep(&rows, metrics::generation::metrics(&rows, scores.seed()))
}

/// Tokens of the passes it makes: every step is given the inputs and the target, known or predicted. The other
/// clip it is compared with is one of the generated.
pub(super) fn tokens(load: &Workload, settings: &Settings) -> Result<f64> {
    let tokens = load.lengths(settings.inputs)? + load.length(settings.target)?;
    Ok(limited(settings.clips, load.split(Part::Test)) * settings.decode.steps as f64 * tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::schema::{Experiment, Scheme};
    use crate::model::network::Config;
    use crate::observer::Silent;
    use crate::place::Place;

    #[test]
    fn entropy_and_agreement_by_hand() {
        assert_eq!(entropy(&[3, 3, 3]), 0.0);
        assert!((entropy(&[1, 1, 2, 3]) - 1.5 * 2f64.ln()).abs() < 1e-12);
        assert_eq!(agreement(&[1, 2, 3, 4], &[1, 0, 3, 0]), 0.5);
    }

    fn experiment() -> Experiment {
        ron::from_str(
            r#"Experiment(schema: 1, name: "x",
                data: (synthetic: Some((classes: 4, clips: (8, 4, 24), rows: 1, strength: 0.5))),
                modalities: [(name: "a@6", length: 6, vocab: 9),
                             (name: "b@10", length: 10, vocab: 8, codebooks: 2)],
                model: (dim: 16, head_dim: 8, enc_depth: 1, dec_depth: 1))"#,
        )
        .unwrap()
    }

    /// Untrained logits are all equal: argmax collapses to one token, sampling is uniform over the
    /// modality's own vocabulary and ignores its inputs.
    #[test]
    fn a_collapsed_and_a_uniform_generator_look_like_it() {
        let e = experiment();
        let data =
            crate::data::synthetic::generate(e.data.synthetic.as_ref().unwrap(), &e.modalities).unwrap();
        let config = Config::new(&e.modalities, &e.model);
        let net = crate::model::open(Place::CPU, config, 1).unwrap();
        let evaluation = Evaluation { net: net.as_ref(), experiment: &e, data: &data };
        let of = |temperature: f64, prefix: f64| {
            let decode = Decode { scheme: Scheme::Roar, steps: 2, temperature, ..Decode::default() };
            let inputs = ["a@6".to_string()];
            let settings = Settings { inputs: &inputs, target: "b@10", clips: 0, prefix, decode: &decode };
            measure(&evaluation, &settings, &mut Silent).unwrap()
        };
        for row in of(0.0, 0.0) {
            assert_eq!((row.distinct, row.entropy_nats, row.agreement), (1, 0.0, Some(1.0)));
            assert_eq!((row.inputs.as_str(), row.given, row.tokens), ("a@6", 0, 10));
            assert!(row.real_agreement.unwrap() < 1.0 && row.real_entropy_nats > 0.0);
        }
        let rows = of(1.0, 0.5);
        assert!(rows.iter().all(|r| r.given == 4 && r.tokens == 6));
        let mean = rows.iter().map(|r| r.agreement.unwrap()).sum::<f64>() / rows.len() as f64;
        // One in eight, 144 positions: ± 0.083 is three standard errors.
        assert!((mean - 0.125).abs() < 0.083, "{mean}");
    }
}
