//! What a number is: its name, unit, which way is better, how many digits are shown.

use serde::{Deserialize, Serialize};

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    Lower,
    Higher,
    /// Descriptive.
    Neither,
}

impl Better {
    /// Whether `a` is the stronger of two numbers; where neither side is better, the larger one.
    pub fn stronger(self, a: f64, b: f64) -> bool {
        match self {
            Better::Lower => a < b,
            Better::Higher | Better::Neither => a > b,
        }
    }
}

/// What a number is counted in; one unit per quantity, wherever it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    NatsPerToken,
    Nats,
    /// A share of clips or tokens, 0 to 100.
    Percent,
    /// A rank, or its reciprocal.
    Plain,
}

impl Unit {
    /// As records and tables write it.
    pub fn name(self) -> &'static str {
        match self {
            Unit::NatsPerToken => "nats/token",
            Unit::Nats => "nats",
            Unit::Percent => "%",
            Unit::Plain => "1",
        }
    }

    /// What a sum over clips is multiplied with: shares are counted as fractions and told in percent.
    pub fn scale(self) -> f64 {
        if self == Unit::Percent {
            100.0
        } else {
            1.0
        }
    }

    /// Ends of an interval in this unit: a share cannot leave 0 to 100 %.
    pub fn ends(self, low: f64, high: f64) -> (f64, f64) {
        match self {
            Unit::Percent => (low.max(0.0), high.min(100.0)),
            _ => (low, high),
        }
    }
}

/// A quantity as far as it can be told without a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Last part of the key, e.g. `top1`.
    pub name: &'static str,
    /// Whether keys leave `name` out: it is what the probe is for (`cross_entropy/tok_rgb@196`).
    pub implied: bool,
    /// Whether it stands right behind the probe: there is nothing it is about (`memorization/auc`).
    pub alone: bool,
    pub unit: Unit,
    pub better: Better,
    /// Digits after the point in tables.
    pub digits: usize,
    /// Whether it is a mean over clips, so that two runs can be compared on it and a claim be judged.
    pub by_clip: bool,
    /// Whether it is a share of clips that are right or wrong each, so that its interval and test are exact.
    pub right_or_wrong: bool,
    /// Whether there is a level that nothing but luck reaches.
    pub has_chance: bool,
    /// Of a share within the first k: k. Where no more than k compete, luck reaches 100 %.
    pub within: Option<u64>,
    /// Another quantity about the same that it may be held against.
    pub beside: Option<&'static str>,
}

impl Spec {
    /// Whether less is better.
    pub fn lower(&self) -> bool {
        self.better == Better::Lower
    }

    /// Whether one side of it is better.
    pub fn directed(&self) -> bool {
        self.better != Better::Neither
    }
}
