//! One measured number with everything needed to read it.

use serde::{Deserialize, Serialize};

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Lower,
    Higher,
    /// Descriptive.
    Neither,
}

/// A number of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// e.g. `cross_entropy`, `cross_entropy.unigram_marginal`, `cross_entropy.gain`.
    pub name: String,
    /// What it is about: the name of a modality, or what the probe writes instead (inputs and method, a
    /// pair, a direction; see the probe's module in `record`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modality: Option<String>,
    /// The value in `unit`; absent when it cannot be estimated.
    pub value: Option<f64>,
    /// Lower end of the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end of the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// How the interval was made, e.g. `percentile bootstrap over clips, 95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// Clips it was measured on.
    pub n: usize,
    /// e.g. `nats/token`.
    pub unit: String,
    pub direction: Direction,
    /// Per-example file it is recomputed from, relative to the run's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl Metric {
    /// A metric without interval or file; `with_*` add them.
    pub fn new(
        name: &str,
        modality: Option<&str>,
        value: Option<f64>,
        n: usize,
        unit: &str,
        direction: Direction,
    ) -> Metric {
        Metric {
            name: name.into(),
            modality: modality.map(Into::into),
            // JSON has no NaN: what is not a number was not measured.
            value: value.filter(|v| v.is_finite()),
            low: None,
            high: None,
            interval: None,
            n,
            unit: unit.into(),
            direction,
            file: None,
        }
    }

    /// The model's cross-entropy in nats per token on `n` clips.
    pub fn cross_entropy(modality: &str, value: Option<f64>, n: usize) -> Metric {
        Metric::new("cross_entropy", Some(modality), value, n, "nats/token", Direction::Lower)
    }

    /// Adds an interval and the name of its method.
    pub fn with_interval(mut self, interval: Option<(f64, f64)>, method: &str) -> Metric {
        if let Some((low, high)) = interval {
            (self.low, self.high, self.interval) = (Some(low), Some(high), Some(method.into()));
        }
        self
    }

    /// Names the per-example file.
    pub fn with_file(mut self, file: &str) -> Metric {
        self.file = Some(file.into());
        self
    }

    /// `cross_entropy/tok_audio@512`, as claims name it.
    pub fn key(&self) -> String {
        match &self.modality {
            Some(m) => format!("{}/{m}", self.name),
            None => self.name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_is_absent() {
        assert_eq!(Metric::cross_entropy("rgb", Some(f64::NAN), 3).value, None);
        assert_eq!(Metric::cross_entropy("rgb", Some(1.0), 3).key(), "cross_entropy/rgb");
    }
}
