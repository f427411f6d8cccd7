//! What a terminal shows of a record: a few quantities of each probe, as people call them.

use super::catalogue::parse;
use super::key::Key;
use super::metric::Metric;

/// Quantities by probe and name, how a line calls them, digits.
const SHOWN: [(&str, &str, &str, usize); 9] = [
    ("classification", "top1", "class, top-1", 1),
    ("retrieval", "r1", "retrieval, R@1", 1),
    ("retrieval", "r10", "retrieval, R@10", 1),
    ("directions", "accuracy", "token accuracy", 1),
    ("memorization", "auc", "memorization, train against held-out AUC", 1),
    ("forward_vs_autoregressive", "gain", "one pass − autoregressive", 4),
    ("linear_probe", "top1", "linear probe, top-1", 1),
    ("generation", "distinct", "generation, distinct ids", 1),
    ("generation", "agreement", "generation, agreement between conditions", 1),
];

/// One line: a quantity about something.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<'a> {
    pub label: &'static str,
    /// The middle of its key; the variant as people read it.
    pub about: String,
    pub metric: &'a Metric,
    /// Digits after the point.
    pub digits: usize,
}

/// The model's headlines but for cross-entropy, which has a table of its own.
pub fn lines(metrics: &[Metric]) -> Vec<Line<'_>> {
    let keys: Vec<_> = metrics.iter().filter_map(|m| Some((parse(&m.key)?, m))).collect();
    let mut lines = Vec::new();
    for (probe, quantity, label, digits) in SHOWN {
        let shown = keys.iter().filter(|(k, _)| k.probe == probe && k.spec.name == quantity && k.of_model());
        lines.extend(shown.map(|(key, metric)| Line { label, about: about(key), metric, digits }));
    }
    lines
}

fn about(key: &Key) -> String {
    match key.variant {
        Some((word, n)) => format!("{}/{word} {n}", key.about),
        None => key.about.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue::probe;

    #[test]
    fn what_is_shown_is_measured() {
        for (name, quantity, ..) in SHOWN {
            let quantities = (probe(name).unwrap().quantities)();
            assert!(quantities.iter().any(|q| q.name == quantity), "{name}/{quantity}");
        }
    }

    #[test]
    fn of_the_model_alone() {
        let metric = |key: &str| Metric::new(&parse(key).unwrap(), Some(1.0), 3);
        let all =
            ["retrieval/a->b/r1/gallery8", "retrieval/a->b/r1/untrained", "classification/a/m"].map(metric);
        let shown: Vec<&str> = lines(&all).iter().map(|l| l.metric.key.as_str()).collect();
        assert_eq!(shown, ["classification/a/m/top1", "retrieval/a->b/r1/gallery8"]);
    }
}
