//! From the scores of `probes/linear_probe.csv` to the metrics of a record: `linear_probe.top1` and, for each
//! control, `linear_probe.top1.<control>`. The modality of a metric is the set of inputs.

use super::examples::{Example, LinearProbe};
use super::{Direction, Metric};
use crate::stats::proportion::clopper_pearson;
use std::collections::BTreeMap;

/// How the intervals are made, as records and tables say it.
const INTERVAL: &str = "Clopper–Pearson over clips, 95 %";

/// Metrics of all sets of inputs, each with its controls by name.
pub fn metrics(rows: &[LinearProbe]) -> Vec<Metric> {
    let mut counts: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for r in rows {
        let count = counts.entry((&r.inputs, &r.control)).or_default();
        *count = (count.0 + u64::from(r.true_class == r.predicted_class), count.1 + 1);
    }
    let metric = |((inputs, control), (hits, n)): (&(&str, &str), &(u64, u64))| {
        let name = match *control {
            "none" => "linear_probe.top1".to_string(),
            control => format!("linear_probe.top1.{control}"),
        };
        let interval = clopper_pearson(*hits, *n, 0.95).ok().map(|i| (i.low, i.high));
        let value = Some(*hits as f64 / *n as f64);
        Metric::new(&name, Some(inputs), value, *n as usize, "share", Direction::Higher)
            .with_interval(interval, INTERVAL)
            .with_file(LinearProbe::FILE)
    };
    counts.iter().map(metric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_of_each_control() {
        let row = |i: usize, control: &str| LinearProbe {
            clip: format!("c{i}"),
            inputs: "a+b".into(),
            control: control.into(),
            true_class: "x".into(),
            predicted_class: if i < 3 { "x" } else { "y" }.into(),
            classes: 2,
        };
        let rows = [row(0, "none"), row(1, "none"), row(3, "none"), row(4, "none"), row(5, "random_weights")];
        let metrics = metrics(&rows);
        assert_eq!(metrics[0].key(), "linear_probe.top1/a+b");
        assert_eq!((metrics[0].value, metrics[0].n), (Some(0.5), 4));
        // 2 of 4: [0.068, 0.932].
        assert!((metrics[0].low.unwrap() - 0.0676).abs() < 1e-3);
        assert_eq!(metrics[1].key(), "linear_probe.top1.random_weights/a+b");
        assert_eq!(metrics[1].value, Some(0.0));
    }
}
