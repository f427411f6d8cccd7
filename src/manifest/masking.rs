//! How a manifest says which tokens are input and which are target.

use super::per_modality::PerModality;
use serde::{Deserialize, Serialize};

/// How many tokens are input and target in each sample (REFERENCE §3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Masking {
    /// Range of the number of input tokens per sample, both ends included.
    pub input_tokens: (usize, usize),
    /// Range of the number of target tokens per sample, both ends included.
    pub target_tokens: (usize, usize),
    /// Dirichlet concentration of the input budget.
    pub input_alphas: PerModality,
    /// Dirichlet concentration of the target budget.
    pub target_alphas: PerModality,
    /// A fixed share of each modality's own length instead of the Dirichlet budgets.
    pub ratio: Option<Ratio>,
    /// Directions mixed into training: each takes its `share` of the samples, the rest is masked as above.
    pub directions: Vec<Direction>,
}

impl Default for Masking {
    fn default() -> Self {
        Masking {
            input_tokens: (16, 256),
            target_tokens: (16, 256),
            input_alphas: PerModality::All(1.0),
            target_alphas: PerModality::All(1.0),
            ratio: None,
            directions: Vec::new(),
        }
    }
}

/// Fixed shares of every modality: `floor(share · length)` tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    pub input: f64,
    pub target: f64,
}

/// Given inputs → given targets, each modality whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Direction {
    /// Modalities that are input.
    pub inputs: Vec<String>,
    /// Modalities that are target.
    pub targets: Vec<String>,
    /// Share of the samples, in 0..=1.
    #[serde(default = "whole")]
    pub share: f64,
}

fn whole() -> f64 {
    1.0
}
