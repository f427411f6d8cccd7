//! `probes/generation.csv`: diversity of the tokens generated for one clip.
//!
//! `generation/INPUTS->TARGET/distinct`, `/entropy`, `/entropy_minus_real`, `/agreement` and `/agreement_of_real`; with
//! `/given{n}` behind it where the target's first n tokens were given.

use super::key::Key;
use super::measured::{in_order, metric, Rows};
use super::metric::Metric;
use super::quantity::{Better, Unit};
use super::rows::{Quantity, ScoreRow};
use serde::{Deserialize, Serialize};

/// Diversity of the tokens generated for one clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerationRow {
    pub clip: String,
    pub inputs: String,
    pub target: String,
    /// Tokens at the target's start that were given.
    #[serde(default)]
    pub given: u64,
    /// Generated tokens.
    pub tokens: u64,
    /// Different ids among the generated tokens.
    pub distinct: u64,
    /// Entropy of the generated ids' frequencies in this clip, nats (not a sum).
    pub entropy_nats: f64,
    /// The same of the real tokens at the generated positions.
    pub real_entropy_nats: f64,
    /// Share of positions with the same id as what was generated from another clip's inputs.
    pub agreement: Option<f64>,
    /// Share of positions at which the real tokens of the same two clips agree.
    #[serde(default)]
    pub real_agreement: Option<f64>,
}

impl GenerationRow {
    /// A share of the generated positions, as (sum, weight).
    fn share(&self, share: Option<f64>) -> Option<(f64, f64)> {
        let tokens = self.tokens as f64;
        share.map(|share| (share * tokens, tokens))
    }
}

/// Different ids per generated token.
pub const DISTINCT: Quantity<GenerationRow> =
    Quantity::mean("distinct", Unit::Percent, Better::Neither, |r: &GenerationRow| {
        Some((r.distinct as f64, r.tokens as f64))
    });
/// Of the generated ids' frequencies in a clip.
pub const ENTROPY: Quantity<GenerationRow> =
    Quantity::mean("entropy", Unit::Nats, Better::Neither, |r: &GenerationRow| Some((r.entropy_nats, 1.0)));
/// The same of the real tokens: what a table shows beside it, no metric of its own.
pub const ENTROPY_OF_REAL: Quantity<GenerationRow> =
    Quantity::mean("entropy_of_real", Unit::Nats, Better::Neither, |r: &GenerationRow| {
        Some((r.real_entropy_nats, 1.0))
    });
/// Generated − real.
pub const ENTROPY_MINUS_REAL: Quantity<GenerationRow> =
    Quantity::difference("entropy_minus_real", Unit::Nats, Better::Neither, |r: &GenerationRow| {
        [(r.entropy_nats, 1.0), (r.real_entropy_nats, 1.0)]
    });
/// Positions with the id that another clip's inputs gave.
pub const AGREEMENT: Quantity<GenerationRow> =
    Quantity::mean("agreement", Unit::Percent, Better::Neither, |r: &GenerationRow| r.share(r.agreement))
        .beside("agreement_of_real");
/// The same of the real tokens.
pub const AGREEMENT_OF_REAL: Quantity<GenerationRow> =
    Quantity::mean("agreement_of_real", Unit::Percent, Better::Neither, |r: &GenerationRow| {
        r.share(r.real_agreement)
    });

impl ScoreRow for GenerationRow {
    const PROBE: &'static str = "generation";
    const FILE: &'static str = "probes/generation.csv";
    const DECLARED: &'static str = "Generation";
    const QUANTITIES: &'static [Quantity<Self>] =
        &[DISTINCT, ENTROPY, ENTROPY_MINUS_REAL, AGREEMENT, AGREEMENT_OF_REAL];
    const VARIANT: Option<&'static str> = Some("given");

    fn clip(&self) -> &str {
        &self.clip
    }

    fn abouts(&self) -> Vec<String> {
        vec![format!("{}->{}", self.inputs, self.target)]
    }

    fn variant(&self) -> u64 {
        self.given
    }
}

/// Metrics of all conditions, in order of appearance.
pub fn metrics(rows: &[GenerationRow], seed: u64) -> Vec<Metric> {
    let condition = |r: &GenerationRow| (r.abouts().swap_remove(0), r.given);
    let mut all = Vec::new();
    for (about, given) in in_order(rows.iter().map(condition)) {
        let own: Vec<&GenerationRow> =
            rows.iter().filter(|r| condition(r) == (about.clone(), given)).collect();
        let key = |q: &Quantity<GenerationRow>| match given {
            0 => Key::new(q, &about),
            n => Key::new(q, &about).under::<GenerationRow>(n),
        };
        all.extend(
            GenerationRow::QUANTITIES.iter().filter_map(|q| metric(q, &key(q), Rows::of_model(&own), seed)),
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(clip: usize, given: u64, agreement: Option<f64>) -> GenerationRow {
        GenerationRow {
            clip: format!("c{clip}"),
            inputs: "a".into(),
            target: "b".into(),
            given,
            tokens: 10,
            distinct: 1 + clip as u64,
            entropy_nats: clip as f64,
            real_entropy_nats: 2.0,
            agreement,
            real_agreement: Some(0.1),
        }
    }

    #[test]
    fn one_block_per_condition_and_absent_stays_absent() {
        let mut rows: Vec<GenerationRow> = (0..5).map(|c| row(c, 0, Some(0.2 * c as f64))).collect();
        rows.push(row(0, 8, None));
        let metrics = metrics(&rows, 1);
        assert_eq!(metrics.len(), 10);
        assert_eq!(metrics[0].key, "generation/a->b/distinct");
        let values: Vec<f64> = metrics[..5].iter().map(|m| m.value.unwrap()).collect();
        for (got, want) in values.iter().zip([30.0, 2.0, 0.0, 40.0, 10.0]) {
            assert!((got - want).abs() < 1e-12, "{values:?}");
        }
        assert_eq!(metrics[8].key, "generation/a->b/agreement/given8");
        assert_eq!((metrics[8].value, metrics[8].n), (None, 0));
    }
}
