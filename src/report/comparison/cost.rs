//! What a run costs, from its manifest: parameters and the arithmetic of training. Tokens per second
//! depend on the machine and are kept apart (`speed`).

use crate::architecture::{Config, Work};
use crate::manifest::schema::{Experiment, Masking, Softmax};
use crate::modality::{indices, Modality};
use crate::record::Record;

/// Cost of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Trainable parameters.
    pub parameters: u64,
    /// Floating-point operations of training per token, forward and backward.
    pub flops_per_token: f64,
    /// Of the whole run.
    pub flops: f64,
}

impl Cost {
    pub fn new(experiment: &Experiment, record: &Record) -> Cost {
        let flops_per_token = per_token(experiment);
        let flops = flops_per_token * record.train_tokens as f64;
        Cost { parameters: record.parameters as u64, flops_per_token, flops }
    }
}

/// At the mean numbers of input and target tokens of the masking.
fn per_token(experiment: &Experiment) -> f64 {
    let (inputs, targets) = tokens(experiment);
    let work = Work {
        inputs,
        targets,
        input_pairs: inputs * inputs,
        target_pairs: targets * targets,
        cross_pairs: targets * inputs,
        logits: targets * vocabulary(experiment),
    };
    Config::new(&experiment.modalities, &experiment.model).flops(&work) / (inputs + targets)
}

/// Ids that compete for a target token: all, or on average the modality's own.
fn vocabulary(experiment: &Experiment) -> f64 {
    let own = experiment.modalities.iter().map(|m| m.vocab as f64);
    match experiment.model.softmax {
        Softmax::Unified => own.fold(1.0, f64::max),
        Softmax::Restricted => own.sum::<f64>() / experiment.modalities.len().max(1) as f64,
    }
}

/// Mean input and target tokens of a sample: the middle of the ranges (or the fixed shares), and
/// whole modalities for the share of samples that follow a direction.
fn tokens(experiment: &Experiment) -> (f64, f64) {
    let masking = &experiment.masking;
    let (mut inputs, mut targets) = budgets(masking, &experiment.modalities);
    let mixed: f64 = masking.directions.iter().map(|d| d.share).sum();
    (inputs, targets) = (inputs * (1.0 - mixed), targets * (1.0 - mixed));
    let length = |names: &[String]| -> f64 {
        // `check` has refused directions of modalities that are not declared.
        let declared = indices(&experiment.modalities, names).unwrap_or_default();
        declared.into_iter().map(|i| experiment.modalities[i].length).sum::<usize>() as f64
    };
    for direction in &masking.directions {
        inputs += direction.share * length(&direction.inputs);
        targets += direction.share * length(&direction.targets);
    }
    (inputs.max(1.0), targets.max(1.0))
}

fn budgets(masking: &Masking, modalities: &[Modality]) -> (f64, f64) {
    let all: f64 = modalities.iter().map(|m| m.length as f64).sum();
    match masking.ratio {
        Some(ratio) => (ratio.input * all, ratio.target * all),
        None => {
            let middle = |(low, high): (usize, usize)| (low + high) as f64 / 2.0;
            (middle(masking.input_tokens).min(all), middle(masking.target_tokens).min(all))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::text;

    fn experiment(rest: &str) -> Experiment {
        let text = format!(
            "Experiment(schema: 1, name: \"x\", data: (path: \"d\"), modalities: [\
             (name: \"a@8\", length: 8, vocab: 10), (name: \"b@4\", length: 4, vocab: 30)], {rest})"
        );
        text::parse(&text).unwrap_or_else(|(f, _)| panic!("{f:?}"))
    }

    /// dim 2, one layer each, hidden 4, 3 input and 2 target tokens, by hand.
    #[test]
    fn by_hand() {
        let model = "model: (dim: 2, enc_depth: 1, dec_depth: 1, head_dim: 2, mlp_ratio: 2.0)";
        let masking = "masking: (input_tokens: (2, 4), target_tokens: (1, 3))";
        let e = experiment(&format!("{model}, {masking}"));
        let encoder = 3.0 * (16.0 + 16.0 + 12.0);
        let context = 3.0 * 4.0 * 3.0;
        let decoder = 2.0 * (16.0 + 8.0 + 8.0 + 12.0 + 16.0);
        let logits = 2.0 * 2.0 * 30.0;
        assert_eq!(per_token(&e), 6.0 * (encoder + context + decoder + logits) / 5.0);
        let restricted = model.replace("mlp_ratio: 2.0", "mlp_ratio: 2.0, softmax: Restricted");
        let less = per_token(&experiment(&format!("{restricted}, {masking}")));
        assert_eq!(per_token(&e) - less, 6.0 * (2.0 * 2.0 * 10.0) / 5.0);
    }

    #[test]
    fn tokens_of_ratios_and_directions() {
        assert_eq!(tokens(&experiment("masking: (ratio: (input: 0.25, target: 0.5))")), (3.0, 6.0));
        assert_eq!(tokens(&experiment("")), (12.0, 12.0));
        let mixed = "masking: (input_tokens: (2, 2), target_tokens: (4, 4), \
                     directions: [(inputs: [\"a@8\"], targets: [\"b@4\"], share: 0.5)])";
        assert_eq!(tokens(&experiment(mixed)), (5.0, 4.0));
    }
}
