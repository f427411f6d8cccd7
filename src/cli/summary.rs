//! The other probes at the end of a run: one line per quantity, its interval and the clips behind it.

use super::layout::style;
use crate::record::Metric;
use tabled::builder::Builder;

/// Headline of each probe: the metric's name, how a line calls it, digits.
const SHOWN: [(&str, &str, usize); 9] = [
    ("classification.top1", "class, top-1", 1),
    ("retrieval.r1", "retrieval, R@1", 1),
    ("retrieval.r10", "retrieval, R@10", 1),
    ("directions.accuracy", "token accuracy", 1),
    ("memorization.auc", "memorization, train against held-out AUC", 1),
    ("forward_vs_autoregressive.gain", "one pass − autoregressive", 4),
    ("linear_probe.top1", "linear probe, top-1", 1),
    ("generation.distinct", "generation, distinct ids", 3),
    ("generation.agreement", "generation, agreement between conditions", 3),
];

/// The table; `None` when none of it was measured. Details are in the record and in `nano4m report`.
pub fn table(metrics: &[Metric], modalities: &[&str]) -> Option<String> {
    let mut builder = Builder::default();
    builder.push_record(["quantity", "about", "value", "clips"]);
    let mut any = false;
    for (name, label, digits) in SHOWN {
        for m in metrics.iter().filter(|m| m.name == name) {
            any = true;
            builder.push_record([
                label.to_string(),
                m.modality.as_deref().map_or(String::new(), |about| short(about, modalities)),
                value(m, digits),
                m.n.to_string(),
            ]);
        }
    }
    any.then(|| style(builder, 2))
}

/// `tok_audio@512->tok_rgb@196` → `audio → rgb`.
fn short(about: &str, modalities: &[&str]) -> String {
    let mut text = about.to_string();
    for full in modalities {
        let base = full.split('@').next().unwrap_or(full);
        text = text.replace(full, base.strip_prefix("tok_").unwrap_or(base));
    }
    text.replace("->", " → ").replace('/', ", ").replace('_', " ")
}

fn value(m: &Metric, digits: usize) -> String {
    // Shares read as percent, like the tables' shares.
    let (scale, unit) = match m.unit.as_str() {
        "1" => (1.0, String::new()),
        "share" => (100.0, " %".into()),
        unit => (1.0, format!(" {unit}")),
    };
    let number = |v: f64| format!("{:.*}", if scale == 1.0 { digits } else { 1 }, scale * v);
    match (m.value, m.low, m.high) {
        (Some(v), Some(low), Some(high)) => {
            format!("{} [{}, {}]{unit}", number(v), number(low), number(high))
        }
        (Some(v), ..) => format!("{}{unit}", number(v)),
        (None, ..) => "not estimable".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Direction;

    #[test]
    fn short_names_intervals_and_what_is_absent() {
        let metric = |name: &str, about: &str, value| {
            Metric::new(name, Some(about), value, 33, "%", Direction::Higher)
        };
        let all = [
            metric("retrieval.r1", "tok_audio@512->tok_rgb@196", Some(12.345))
                .with_interval(Some((3.0, 28.0)), "x"),
            metric("retrieval.r1.untrained", "tok_audio@512->tok_rgb@196", Some(1.0)),
            metric("classification.top1", "tok_audio@512/caption_likelihood", None),
        ];
        let table = table(&all, &["tok_rgb@196", "tok_audio@512"]).unwrap();
        let rows: Vec<Vec<&str>> =
            table.lines().skip(2).map(|l| l.split('|').map(str::trim).collect()).collect();
        assert_eq!(
            rows,
            [
                ["class, top-1", "audio, caption likelihood", "not estimable", "33"],
                ["retrieval, R@1", "audio → rgb", "12.3 [3.0, 28.0] %", "33"],
            ]
        );
        assert_eq!(super::table(&[], &[]), None);
    }
}
