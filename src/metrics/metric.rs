//! One measured number with everything needed to read it: a line of `record.json`.

use super::key::Key;
use super::quantity::Better;
use crate::stats::{Estimable, Estimate};
use serde::{Deserialize, Serialize};

/// A number of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// As claims, ablations, `ls` and tables write it, e.g. `classification/tok_audio@512/caption_likelihood/top1`.
    pub key: String,
    /// What it is about: a modality, inputs and method, a pair, a direction; behind it the variant, e.g.
    /// `a->b/gallery200`. Absent where there is nothing (`memorization/auc`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The value in `unit`; absent when it cannot be estimated.
    pub value: Option<f64>,
    /// Lower end of the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end of the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// How the interval was made, e.g. `BCa bootstrap over clips, 95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// What luck reaches, in `unit`; absent where there is no such level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// Two-sided p-value, uncorrected: of the model's number against chance, of another source's against the
    /// model's on the same clips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// Clips it was measured on.
    pub n: usize,
    /// e.g. `nats/token`.
    pub unit: String,
    pub better: Better,
    /// Per-example file it is recomputed from, relative to the run's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl Metric {
    /// A metric without interval or file; `with_*` add them.
    pub fn new(key: &Key, value: Option<f64>, n: usize) -> Metric {
        Metric {
            key: key.to_string(),
            about: (!key.about.is_empty()).then(|| key.subject()),
            // JSON has no NaN: what is not a number was not measured.
            value: value.filter(|v| v.is_finite()),
            low: None,
            high: None,
            interval: None,
            chance: None,
            p: None,
            n,
            unit: key.spec.unit.name().into(),
            better: key.spec.better,
            file: None,
        }
    }

    /// An estimate, of fractions where the unit is percent. What cannot be estimated has no value and says
    /// n = 0 clips.
    pub fn estimated(key: &Key, estimate: Estimable<Estimate>, method: &str) -> Metric {
        let (unit, scale) = (key.spec.unit, key.spec.unit.scale());
        let Ok(e) = estimate else { return Metric::new(key, None, 0) };
        let ends = e.interval.ok().map(|i| unit.ends(scale * i.low, scale * i.high));
        Metric::new(key, Some(scale * e.value), e.n).with_interval(ends, method)
    }

    /// Adds an interval and the name of its method.
    pub fn with_interval(mut self, interval: Option<(f64, f64)>, method: &str) -> Metric {
        if let Some((low, high)) = interval {
            (self.low, self.high, self.interval) = (Some(low), Some(high), Some(method.into()));
        }
        self
    }

    /// Adds a level in its unit, and the p-value of the difference from it.
    pub fn with_chance(self, chance: Estimable<f64>, p: Estimable<f64>) -> Metric {
        Metric { chance: chance.ok(), p: chance.and(p).ok(), ..self }
    }

    /// Adds the p-value of the difference from the model's number.
    pub fn with_p(self, p: Estimable<f64>) -> Metric {
        Metric { p: p.ok(), ..self }
    }

    /// Names the per-example file.
    pub fn with_file(mut self, file: &str) -> Metric {
        self.file = Some(file.into());
        self
    }
}
