//! From per-example scores to metrics: what the probes' metrics share.
//!
//! ```text
//! name     probe.quantity, and .source behind it for anyone but the model
//! subject  what it is about: a modality, inputs and method, a pair, a direction
//! key      name/subject, as claims and ablations write it
//! ```
//! The unit of resampling is the clip. What cannot be estimated has no value and says n = 0 clips.

use super::{Direction, Metric};
use crate::record::examples::source;
use crate::stats::bootstrap::{mean_interval, Bootstrap};
use crate::stats::proportion::clopper_pearson;
use crate::stats::{Estimable, Estimate};
use std::collections::BTreeMap;

/// How the intervals of means are made, as records and tables say it.
pub const BOOTSTRAP: &str = "BCa bootstrap over clips, 95 %";
/// How the intervals of shares of clips are made.
pub const CLOPPER_PEARSON: &str = "Clopper–Pearson over clips, 95 %";

/// The sums of each clip, by name: (sum, weight).
pub type Clips<'a> = BTreeMap<&'a str, (f64, f64)>;

/// Adds to a clip's sum and weight.
pub fn add<'a>(clips: &mut Clips<'a>, clip: &'a str, sum: f64, weight: f64) {
    let entry = clips.entry(clip).or_default();
    *entry = (entry.0 + sum, entry.1 + weight);
}

/// `classification.top1`, or `classification.top1.shuffled_input` for another source than the model.
pub fn name(quantity: &str, by: &str) -> String {
    match by {
        source::MODEL => quantity.into(),
        by => format!("{quantity}.{by}"),
    }
}

/// What makes metrics of one file.
pub struct Maker {
    pub file: &'static str,
    /// `seeds.probes`.
    pub seed: u64,
}

impl Maker {
    /// Σ sum / Σ weight in `unit`; 100 times that where the unit is a percentage.
    pub fn mean(&self, name: &str, subject: Option<&str>, clips: &Clips, unit: Unit) -> Metric {
        let values: Vec<(f64, f64)> = clips.values().copied().collect();
        let plan = Bootstrap { seed: self.seed, ..Bootstrap::default() };
        self.estimate(name, subject, mean_interval(&values, &plan), unit, BOOTSTRAP)
    }

    /// A share of clips that are 0 or 1 each, in percent.
    pub fn share(&self, name: &str, subject: &str, hits: &[bool]) -> Metric {
        let (k, n) = (hits.iter().filter(|h| **h).count(), hits.len());
        let estimate = (n > 0).then(|| Estimate {
            value: k as f64 / n as f64,
            n,
            interval: clopper_pearson(k as u64, n as u64, 0.95),
        });
        let estimate = estimate.ok_or(crate::stats::NotEstimable::NoData);
        self.estimate(name, Some(subject), estimate, Unit::Percent(Direction::Higher), CLOPPER_PEARSON)
    }

    /// An estimate as a metric.
    pub fn estimate(
        &self,
        name: &str,
        subject: Option<&str>,
        estimate: Estimable<Estimate>,
        unit: Unit,
        method: &str,
    ) -> Metric {
        let scale = unit.scale();
        let (value, n, interval) = match &estimate {
            Ok(e) => {
                let ends = e.interval.ok().map(|i| unit.ends(scale * i.low, scale * i.high));
                (Some(scale * e.value), e.n, ends)
            }
            Err(_) => (None, 0, None),
        };
        Metric::new(name, subject, value, n, unit.name(), unit.direction())
            .with_interval(interval, method)
            .with_file(self.file)
    }
}

/// What a number is counted in, and which way is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// Nats per token.
    Nats(Direction),
    /// A share of clips or tokens.
    Percent(Direction),
    /// A rank or its reciprocal.
    Plain(Direction),
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Nats(_) => "nats/token",
            Unit::Percent(_) => "%",
            Unit::Plain(_) => "1",
        }
    }

    fn direction(self) -> Direction {
        match self {
            Unit::Nats(d) | Unit::Percent(d) | Unit::Plain(d) => d,
        }
    }

    fn scale(self) -> f64 {
        if matches!(self, Unit::Percent(_)) {
            100.0
        } else {
            1.0
        }
    }

    /// A share cannot leave 0 to 100 %.
    fn ends(self, low: f64, high: f64) -> (f64, f64) {
        match self {
            Unit::Percent(_) => (low.max(0.0), high.min(100.0)),
            _ => (low, high),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAKER: Maker = Maker { file: "probes/x.csv", seed: 1 };

    #[test]
    fn shares_are_percentages_with_exact_intervals() {
        let hits: Vec<bool> = (0..200).map(|i| i < 9).collect();
        let m = MAKER.share("retrieval.r10", "a->b", &hits);
        assert_eq!((m.value, m.n, m.key()), (Some(4.5), 200, "retrieval.r10/a->b".into()));
        assert_eq!(format!("{:.1} {:.1}", m.low.unwrap(), m.high.unwrap()), "2.1 8.4");
    }

    #[test]
    fn nothing_is_absent_not_zero() {
        let m = MAKER.share("retrieval.r1", "a->b", &[]);
        assert_eq!((m.value, m.low, m.n), (None, None, 0));
        let m = MAKER.mean("directions.accuracy", None, &Clips::new(), Unit::Percent(Direction::Higher));
        assert_eq!((m.value, m.n), (None, 0));
    }

    #[test]
    fn other_sources_have_names_of_their_own() {
        assert_eq!(name("directions.accuracy", source::MODEL), "directions.accuracy");
        assert_eq!(name("directions.accuracy", source::SHUFFLED), "directions.accuracy.shuffled_input");
    }
}
