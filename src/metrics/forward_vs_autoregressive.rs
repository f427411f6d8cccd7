//! `probes/forward_vs_autoregressive.csv`: caption cross-entropy in one pass and position by position.
//!
//! `forward_vs_autoregressive/TARGET/single`, `/autoregressive`, and `/gain` = single − autoregressive, nats per token.

use super::measured::{self, Rows};
use super::metric::Metric;
use super::quantity::{Better, Unit};
use super::rows::{Quantity, ScoreRow};
use super::source;
use serde::{Deserialize, Serialize};

/// Caption cross-entropy in one pass and position by position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForwardVsAutoregressiveRow {
    pub clip: String,
    pub tokens: u64,
    pub single_ce_nats: f64,
    pub autoregressive_ce_nats: f64,
}

impl ForwardVsAutoregressiveRow {
    /// (sum, weight) in one pass, and position by position.
    pub fn ways(&self) -> [(f64, f64); 2] {
        let tokens = self.tokens as f64;
        [(self.single_ce_nats, tokens), (self.autoregressive_ce_nats, tokens)]
    }
}

/// In one pass.
pub const SINGLE: Quantity<ForwardVsAutoregressiveRow> =
    Quantity::mean("single", Unit::NatsPerToken, Better::Lower, |r: &ForwardVsAutoregressiveRow| {
        Some(r.ways()[0])
    })
    .beside("autoregressive");
/// Position by position.
pub const AUTOREGRESSIVE: Quantity<ForwardVsAutoregressiveRow> =
    Quantity::mean("autoregressive", Unit::NatsPerToken, Better::Lower, |r: &ForwardVsAutoregressiveRow| {
        Some(r.ways()[1])
    })
    .beside("single");
/// Single − autoregressive.
pub const GAIN: Quantity<ForwardVsAutoregressiveRow> =
    Quantity::difference("gain", Unit::NatsPerToken, Better::Neither, ForwardVsAutoregressiveRow::ways);

impl ScoreRow for ForwardVsAutoregressiveRow {
    const PROBE: &'static str = "forward_vs_autoregressive";
    const FILE: &'static str = "probes/forward_vs_autoregressive.csv";
    const DECLARED: &'static str = "ForwardVsAutoregressive";
    const QUANTITIES: &'static [Quantity<Self>] = &[SINGLE, AUTOREGRESSIVE, GAIN];
    const ROWS_NAME_THEIR_SUBJECT: bool = false;

    fn clip(&self) -> &str {
        &self.clip
    }

    /// The file does not name its target: a manifest has one such probe.
    fn abouts(&self) -> Vec<String> {
        vec![]
    }

    fn is_about(&self, _about: &str) -> bool {
        true
    }
}

/// Three metrics about the modality `target`.
pub fn metrics(rows: &[ForwardVsAutoregressiveRow], target: &str, seed: u64) -> Vec<Metric> {
    measured::metrics(Rows::of_model(&rows.iter().collect::<Vec<_>>()), target, source::MODEL, seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gain_is_paired() {
        let row = |i: usize| ForwardVsAutoregressiveRow {
            clip: format!("c{i}"),
            tokens: 4,
            single_ce_nats: 8.0 + i as f64,
            autoregressive_ce_nats: 4.0 + i as f64,
        };
        let all = metrics(&(0..3).map(row).collect::<Vec<_>>(), "scene_desc", 1);
        assert_eq!(all.iter().map(|m| m.value).collect::<Vec<_>>(), [Some(2.25), Some(1.25), Some(1.0)]);
        assert_eq!((all[2].key.as_str(), all[2].low), ("forward_vs_autoregressive/scene_desc/gain", None));
    }
}
