//! `probes/linear_probe.csv`: the class of a clip by a linear classifier on mean encoder outputs.
//!
//! `linear_probe/INPUTS` is the share of clips it gets right; its controls stand as sources.

use super::estimate::chance;
use super::measured::{self, Rows};
use super::metric::Metric;
use super::rows::{Quantity, ScoreRow};
use super::source;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Class of one clip by a linear classifier on mean encoder outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearProbeRow {
    pub clip: String,
    pub inputs: String,
    /// `none`, `shuffled_labels`, `random_weights` or `majority_class`.
    pub control: String,
    pub true_class: String,
    pub predicted_class: String,
    /// Classes that compete: chance is 1 / `classes`.
    pub classes: u32,
}

/// What the column `control` says of the probe itself.
pub const NO_CONTROL: &str = "none";

/// Clips whose class is found.
pub const TOP1: Quantity<LinearProbeRow> =
    Quantity::share("top1", |r: &LinearProbeRow| Some(r.true_class == r.predicted_class))
        .implied()
        .within(1)
        .chance(|r| chance(1, r.classes))
        .compared();

impl ScoreRow for LinearProbeRow {
    const PROBE: &'static str = "linear_probe";
    const FILE: &'static str = "probes/linear_probe.csv";
    const DECLARED: &'static str = "LinearProbe";
    const QUANTITIES: &'static [Quantity<Self>] = &[TOP1];
    const SOURCES: &'static [&'static str] =
        &[source::SHUFFLED_LABELS, source::RANDOM_WEIGHTS, source::MAJORITY];

    fn clip(&self) -> &str {
        &self.clip
    }

    fn source(&self) -> &str {
        if self.control == NO_CONTROL {
            source::MODEL
        } else {
            &self.control
        }
    }

    fn abouts(&self) -> Vec<String> {
        vec![self.inputs.clone()]
    }
}

/// Metrics of all sets of inputs, each with its controls by name.
pub fn metrics(rows: &[LinearProbeRow], seed: u64) -> Vec<Metric> {
    let mut groups: BTreeMap<(&str, &str), Vec<&LinearProbeRow>> = BTreeMap::new();
    for row in rows {
        groups.entry((&row.inputs, &row.control)).or_default().push(row);
    }
    let metrics = |((inputs, _), rows): (&(&str, &str), &Vec<&LinearProbeRow>)| {
        let model = groups.get(&(*inputs, NO_CONTROL)).map_or(&[][..], Vec::as_slice);
        measured::metrics(Rows { own: rows, model }, inputs, rows[0].source(), seed)
    };
    groups.iter().flat_map(metrics).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_of_each_control() {
        let row = |i: usize, control: &str| LinearProbeRow {
            clip: format!("c{i}"),
            inputs: "a+b".into(),
            control: control.into(),
            true_class: "x".into(),
            predicted_class: if i < 3 { "x" } else { "y" }.into(),
            classes: 2,
        };
        let rows = [row(0, "none"), row(1, "none"), row(3, "none"), row(4, "none"), row(5, "random_weights")];
        let metrics = metrics(&rows, 1);
        assert_eq!(metrics[0].key, "linear_probe/a+b");
        assert_eq!((metrics[0].value, metrics[0].n, metrics[0].unit.as_str()), (Some(50.0), 4, "%"));
        // 2 of 4: [0.068, 0.932].
        assert!((metrics[0].low.unwrap() - 6.76).abs() < 0.1);
        assert_eq!(metrics[1].key, "linear_probe/a+b/random_weights");
        assert_eq!(metrics[1].value, Some(0.0));
    }
}
