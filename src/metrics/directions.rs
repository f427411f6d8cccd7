//! `probes/directions.csv`: whole modalities from whole others, in one pass.
//!
//! `directions/INPUTS->TARGETS` is the token accuracy over all targets, `directions/INPUTS->TARGETS/TARGET` that of
//! one of several; with `/cross_entropy` behind it the nats per token.

use super::measured::{self, in_order, Rows};
use super::metric::Metric;
use super::quantity::{Better, Unit};
use super::rows::{has_all_parts, Quantity, ScoreRow};
use super::source;
use serde::{Deserialize, Serialize};

/// Token accuracy of one direction, single pass, logits restricted to the modality's vocabulary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectionRow {
    pub clip: String,
    /// `inputs->targets`, e.g. `tok_rgb@196+scene_desc->tok_depth@196`.
    pub direction: String,
    /// Target modality of the row.
    pub modality: String,
    #[serde(default = "source::model")]
    pub source: String,
    pub tokens: u64,
    /// Tokens whose argmax is right.
    pub correct: u64,
    pub ce_nats: f64,
}

/// Tokens whose argmax is right.
pub const ACCURACY: Quantity<DirectionRow> =
    Quantity::mean("accuracy", Unit::Percent, Better::Higher, |r: &DirectionRow| {
        Some((r.correct as f64, r.tokens as f64))
    })
    .implied()
    .compared()
    .uniform(|r, vocab| uniform(r.tokens as f64, vocab)[0]);
/// Nats per token.
pub const CROSS_ENTROPY: Quantity<DirectionRow> =
    Quantity::mean("cross_entropy", Unit::NatsPerToken, Better::Lower, |r: &DirectionRow| {
        Some((r.ce_nats, r.tokens as f64))
    })
    .uniform(|r, vocab| uniform(r.tokens as f64, vocab)[1]);

/// What a guess among `vocab` ids expects of `tokens` tokens, as (sum, weight): right ones, and nats.
pub fn uniform(tokens: f64, vocab: u64) -> [(f64, f64); 2] {
    let vocab = vocab as f64;
    [(tokens / vocab, tokens), (tokens * vocab.ln(), tokens)]
}

impl ScoreRow for DirectionRow {
    const PROBE: &'static str = "directions";
    const FILE: &'static str = "probes/directions.csv";
    const DECLARED: &'static str = "Directions";
    const QUANTITIES: &'static [Quantity<Self>] = &[ACCURACY, CROSS_ENTROPY];
    const SOURCES: &'static [&'static str] = &[
        source::SHUFFLED,
        source::POSITION,
        source::UNIGRAM,
        source::CODEBOOK,
        source::UNTRAINED,
        source::UNIFORM,
    ];

    fn clip(&self) -> &str {
        &self.clip
    }

    fn source(&self) -> &str {
        &self.source
    }

    fn abouts(&self) -> Vec<String> {
        abouts(&self.direction, &self.modality)
    }

    fn part(&self) -> &str {
        &self.modality
    }

    fn canonical_about(about: &str) -> String {
        match about.split_once('/') {
            // The only target is the direction as a whole.
            Some((direction, target)) if direction.ends_with(&format!("->{target}")) => direction.into(),
            _ => about.into(),
        }
    }
}

/// The direction as a whole, and `target` by itself where it is one of several.
pub fn abouts(direction: &str, target: &str) -> Vec<String> {
    let mut all = vec![direction.to_string()];
    let several = direction.split_once("->").is_some_and(|(_, targets)| targets.contains('+'));
    all.extend(several.then(|| format!("{direction}/{target}")));
    all
}

/// Metrics in the order the rows are in; of every direction and target the model first.
pub fn metrics(rows: &[DirectionRow], seed: u64) -> Vec<Metric> {
    let abouts = in_order(rows.iter().flat_map(DirectionRow::abouts));
    let sources = in_order([source::MODEL].into_iter().chain(rows.iter().map(|r| r.source.as_str())));
    let mut all = Vec::new();
    for about in &abouts {
        let rows: Vec<&DirectionRow> = rows.iter().filter(|r| r.is_about(about)).collect();
        let of = |by: &str| rows.iter().copied().filter(|r| r.source == by).collect::<Vec<&DirectionRow>>();
        let model = of(source::MODEL);
        for by in &sources {
            let own = of(by);
            if !own.is_empty() && has_all_parts(&own, &rows) {
                all.extend(measured::metrics(Rows { own: &own, model: &model }, about, by, seed));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue::parse;
    use crate::metrics::scored::{scored, Facts};

    fn row(
        clip: &str,
        (direction, modality): (&str, &str),
        source: &str,
        tokens: u64,
        correct: u64,
    ) -> DirectionRow {
        DirectionRow {
            clip: clip.into(),
            direction: direction.into(),
            modality: modality.into(),
            source: source.into(),
            tokens,
            correct,
            ce_nats: 2.0 * tokens as f64 + correct as f64,
        }
    }

    #[test]
    fn tokens_are_weighed() {
        let of = ("a->b", "b");
        let rows =
            [row("x", of, "untrained", 4, 0), row("x", of, "model", 4, 1), row("y", of, "model", 6, 4)];
        let all = metrics(&rows, 1);
        let values: Vec<(&str, Option<f64>)> = all.iter().map(|m| (m.key.as_str(), m.value)).collect();
        assert_eq!(
            values,
            [
                ("directions/a->b", Some(50.0)),
                ("directions/a->b/cross_entropy", Some(2.5)),
                ("directions/a->b/untrained", Some(0.0)),
                ("directions/a->b/cross_entropy/untrained", Some(2.0)),
            ]
        );
    }

    #[test]
    fn several_targets_together_and_each_alone() {
        let rows = [row("x", ("a->b+c", "b"), "model", 4, 1), row("x", ("a->b+c", "c"), "model", 6, 4)];
        let all = metrics(&rows, 1);
        let of = |key: &str| all.iter().find(|m| m.key == key).unwrap().value;
        assert_eq!(of("directions/a->b+c"), Some(50.0));
        assert_eq!(of("directions/a->b+c/b"), Some(25.0));
        assert_eq!(of("directions/a->b+c/c/cross_entropy"), Some(2.0 + 4.0 / 6.0));
    }

    /// Only b has codebooks: what holds of b alone is nothing that the whole direction is held against.
    #[test]
    fn a_source_of_some_targets_says_nothing_of_all() {
        let of = |target: &'static str| ("a->b+c", target);
        let rows = [
            row("x", of("b"), "model", 4, 1),
            row("x", of("c"), "model", 6, 4),
            row("x", of("b"), "codebook_marginal", 4, 2),
        ];
        let keys: Vec<String> = metrics(&rows, 1).into_iter().map(|m| m.key).collect();
        assert!(keys.contains(&"directions/a->b+c/b/codebook_marginal".to_string()), "{keys:?}");
        assert!(!keys.contains(&"directions/a->b+c/codebook_marginal".to_string()), "{keys:?}");
        let vocab = |name: &str| (name != "d").then_some(if name == "b" { 4 } else { 8 });
        let facts = Facts { test_clips: 1, vocab: &vocab };
        let scored = |key: &str| scored(&rows, &parse(key).unwrap(), &facts).clips;
        assert!(scored("directions/a->b+c/codebook_marginal").is_empty());
        assert_eq!(scored("directions/a->b+c/b/codebook_marginal")["x"], (2.0, 4.0));
        // What the probe does not write: a guess is right once in 4, and once in 8.
        assert_eq!(scored("directions/a->b+c/uniform")["x"], (1.0 + 0.75, 10.0));
        assert_eq!(scored("directions/a->b+c/b/cross_entropy/uniform")["x"], (4.0 * 4f64.ln(), 4.0));
    }
}
