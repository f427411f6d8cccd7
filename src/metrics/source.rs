//! Who made a prediction: names for the column `source`, and last parts of keys.

/// The trained network; keys do not say so.
pub const MODEL: &str = "model";
/// 1 / vocabulary.
pub const UNIFORM: &str = "uniform";
/// Train-fitted, add-one smoothed unigram of the modality.
pub const UNIGRAM: &str = "unigram_marginal";
/// The same for every position.
pub const POSITION: &str = "position_marginal";
/// The unigram of each codebook by itself (modalities with several).
pub const CODEBOOK: &str = "codebook_marginal";
/// The classes of training in the order of their number of clips, whatever the input: always the largest first.
pub const MAJORITY: &str = "majority_class";
/// The network before training.
pub const UNTRAINED: &str = "untrained";
/// The trained network given another clip's input.
pub const SHUFFLED: &str = "shuffled_input";
/// The trained network without the inputs of the other modalities.
pub const UNCONDITIONAL: &str = "unconditional";
/// Control of the linear probe: permuted labels.
pub const SHUFFLED_LABELS: &str = "shuffled_labels";
/// Control of the linear probe: an untrained encoder.
pub const RANDOM_WEIGHTS: &str = "random_weights";

/// What the trained network must be better than to have learned from its inputs: none of them sees the input with
/// trained weights. A number is held against the strongest of those that were measured, and against chance.
pub const BASELINES: [&str; 8] =
    [POSITION, UNIGRAM, CODEBOOK, MAJORITY, UNTRAINED, RANDOM_WEIGHTS, SHUFFLED_LABELS, UNIFORM];

/// What rows without the column say.
pub(super) fn model() -> String {
    MODEL.into()
}
