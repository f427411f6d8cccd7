//! What a run prints at its end: cross-entropy per modality against its baselines, then the other probes.

use super::arguments::Global;
use super::layout::style;
use super::output;
use crate::fault::Result;
use crate::metrics::cross_entropy::{CrossEntropyRow, CROSS_ENTROPY, GAIN};
use crate::metrics::measured::in_order;
use crate::metrics::{source, summary, Key, Metric, ScoreRow};
use crate::record::Record;
use tabled::builder::Builder;

/// The record as JSON, or its table.
pub fn print_record(record: &Record, global: &Global) -> Result<()> {
    if global.json {
        return output::json(record);
    }
    let names: Vec<&str> = record.modalities.iter().map(|m| m.name.as_str()).collect();
    print_metrics(&record.metrics, &names, &record.drift)
}

/// The tables of what was measured.
pub fn print_metrics(metrics: &[Metric], modalities: &[&str], drift: &[String]) -> Result<()> {
    let mut text = String::new();
    if let Some(table) = cross_entropy(metrics, modalities) {
        text += &format!("\ncross-entropy on the test split, nats per token (lower is better)\n{table}\n");
        if let Some(interval) = metrics.iter().find_map(|m| m.interval.as_deref()) {
            text += &format!("[…] {interval}; gain = unigram marginal − model, paired on the same clips\n");
        }
    }
    if let Some(table) = other_probes(metrics, modalities) {
        text += &format!("\nother probes on the test split, [95 % interval over clips]\n{table}\n");
        text += "every method, baseline and test: `nano4m report`\n";
    }
    for drift in drift {
        text += &format!("drift allowed: {drift}\n");
    }
    if text.is_empty() {
        Ok(())
    } else {
        output::data(&text)
    }
}

/// Rows: modalities; columns: model, unigram marginal, uniform, gain, clips.
pub fn cross_entropy(metrics: &[Metric], modalities: &[&str]) -> Option<String> {
    let find = |key: Key| {
        let key = key.to_string();
        metrics.iter().find(|m| m.key == key)
    };
    let mut builder = Builder::default();
    builder.push_record(["modality", "model", "unigram marginal", "uniform", "gain", "clips"]);
    let mut any = false;
    let model = |about: &str| find(Key::new(&CROSS_ENTROPY, about));
    let own = metrics.iter().filter(|m| m.file.as_deref() == Some(CrossEntropyRow::FILE));
    let directed =
        in_order(own.filter_map(|m| m.about.as_deref())).into_iter().filter(|a| !modalities.contains(a));
    for about in modalities.iter().copied().chain(directed) {
        let Some(model) = model(about) else { continue };
        any = true;
        let by =
            |source: &str| number(find(Key::new(&CROSS_ENTROPY, about).by(source)).and_then(|m| m.value));
        builder.push_record([
            about.replace("->", " → "),
            with_interval(Some(model)),
            by(source::UNIGRAM),
            by(source::UNIFORM),
            with_interval(find(Key::new(&GAIN, about))),
            model.n.to_string(),
        ]);
    }
    any.then(|| style(builder, 1))
}

/// The headlines of every other probe; `None` when none of it was measured. Details are in the record and in
/// `nano4m report`.
fn other_probes(metrics: &[Metric], modalities: &[&str]) -> Option<String> {
    let mut builder = Builder::default();
    builder.push_record(["quantity", "about", "value", "clips"]);
    let lines = summary::lines(metrics);
    for line in &lines {
        builder.push_record([
            line.label.to_string(),
            short(&line.about, modalities),
            in_unit(line.metric, line.digits),
            line.metric.n.to_string(),
        ]);
    }
    (!lines.is_empty()).then(|| style(builder, 2))
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

fn in_unit(m: &Metric, digits: usize) -> String {
    let unit = if m.unit == "1" { String::new() } else { format!(" {}", m.unit) };
    let number = |v: f64| format!("{v:.digits$}");
    match (m.value, m.low, m.high) {
        (Some(v), Some(low), Some(high)) => {
            format!("{} [{}, {}]{unit}", number(v), number(low), number(high))
        }
        (Some(v), ..) => format!("{}{unit}", number(v)),
        (None, ..) => "not estimable".into(),
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or("–".into(), |v| format!("{v:.4}"))
}

fn with_interval(metric: Option<&Metric>) -> String {
    let Some(m) = metric else { return "–".into() };
    match (m.low, m.high) {
        (Some(low), Some(high)) => format!("{} [{low:.4}, {high:.4}]", number(m.value)),
        _ => number(m.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue::parse;

    fn metric(key: &str, value: Option<f64>, n: usize) -> Metric {
        Metric::new(&parse(key).unwrap(), value, n).with_file(CrossEntropyRow::FILE)
    }

    fn rows(table: &str) -> Vec<Vec<&str>> {
        table.lines().skip(2).map(|l| l.split('|').map(str::trim).collect()).collect()
    }

    #[test]
    fn absent_is_a_dash_and_intervals_are_shown() {
        let metrics = [
            metric("cross_entropy/rgb", Some(1.5), 7),
            metric("cross_entropy/rgb/gain", Some(0.25), 7).with_interval(Some((0.2, 0.3)), "x"),
            metric("cross_entropy/rgb->audio", Some(2.5), 7),
            metric("cross_entropy/rgb->audio/untrained", Some(3.5), 7),
        ];
        let table = cross_entropy(&metrics, &["rgb", "audio"]).unwrap();
        assert_eq!(
            rows(&table),
            [
                ["rgb", "1.5000", "–", "–", "0.2500 [0.2000, 0.3000]", "7"],
                ["rgb → audio", "2.5000", "–", "–", "–", "7"],
            ]
        );
        assert_eq!(cross_entropy(&[], &["rgb"]), None);
    }

    #[test]
    fn short_names_intervals_and_what_is_absent() {
        let all = [
            metric("retrieval/tok_audio@512->tok_rgb@196/r1/gallery200", Some(12.345), 33)
                .with_interval(Some((3.0, 28.0)), "x"),
            metric("retrieval/tok_audio@512->tok_rgb@196/r1/untrained", Some(1.0), 33),
            metric("classification/tok_audio@512/caption_likelihood/top1", None, 33),
            metric("forward_vs_autoregressive/scene_desc/gain", Some(0.01234), 33),
        ];
        let table = other_probes(&all, &["tok_rgb@196", "tok_audio@512"]).unwrap();
        assert_eq!(
            rows(&table),
            [
                ["class, top-1", "audio, caption likelihood", "not estimable", "33"],
                ["retrieval, R@1", "audio → rgb, gallery 200", "12.3 [3.0, 28.0] %", "33"],
                ["one pass − autoregressive", "scene desc", "0.0123 nats/token", "33"],
            ]
        );
        assert_eq!(other_probes(&[], &[]), None);
    }
}
