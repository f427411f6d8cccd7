//! What a run prints at its end: the model's headlines, each against the strongest of its baselines.

use super::arguments::Global;
use super::layout::{self, style};
use super::output;
use crate::fault::Result;
use crate::metrics::cross_entropy::CROSS_ENTROPY;
use crate::metrics::summary::{self, Line};
use crate::metrics::{Metric, Standing};
use crate::record::Record;
use crate::stats::FEWEST;
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
    let mut text = summary(metrics, modalities);
    for drift in drift {
        text += &format!("drift allowed: {drift}\n");
    }
    if text.is_empty() {
        Ok(())
    } else {
        output::data(&text)
    }
}

/// The model's headlines; empty where nothing was measured. Every method, baseline and test is in the record and in
/// `nano4m report`.
fn summary(metrics: &[Metric], modalities: &[&str]) -> String {
    let summary = summary::summary(metrics);
    let mut text = String::new();
    if !summary.cross_entropies.is_empty() {
        let table = cross_entropy(&summary.cross_entropies, modalities);
        text += &format!("\ncross-entropy on the test split, nats per token (lower is better)\n{table}\n");
    }
    if !summary.others.is_empty() {
        let table = other_probes(&summary.others, modalities);
        text += &format!("\nother probes on the test split\n{table}\n");
    }
    if text.is_empty() {
        return text;
    }
    text + &layout::text(&notes(&summary)) + "\n"
}

fn notes(summary: &summary::Summary) -> String {
    let lines = || summary.cross_entropies.iter().chain(&summary.others);
    let mut notes = Vec::new();
    let methods: Vec<&str> = lines().filter_map(|line| line.metric.interval.as_deref()).collect();
    if let Some(first) = methods.first() {
        let same = methods.iter().all(|method| method == first);
        notes.push(if same { format!("[…]: {first}") } else { "[…]: 95 % intervals over clips".into() });
    }
    if lines().any(|line| line.metric.value.is_some() && line.metric.low.is_none() && line.metric.n < FEWEST)
    {
        notes.push(format!("no bootstrap interval below {FEWEST} clips: it would cover less than it says"));
    }
    if summary.tests > 0 {
        notes.push(format!(
            "verdict: against the strongest baseline, at 5 % (Benjamini–Hochberg over {} tests)",
            summary.tests
        ));
    }
    notes.push("every method, baseline and test: `nano4m report`".into());
    notes.join("\n")
}

/// Rows: modalities and directions.
fn cross_entropy(lines: &[Line], modalities: &[&str]) -> String {
    let mut builder = Builder::default();
    builder.push_record(["modality", "model", "strongest baseline", "verdict", "clips"]);
    for line in lines {
        let digits = CROSS_ENTROPY.spec.digits;
        builder.push_record([
            short(&line.about, modalities),
            with_interval(line.metric, digits),
            against(line, digits, ""),
            verdict(line),
            line.metric.n.to_string(),
        ]);
    }
    style(builder, 1)
}

fn other_probes(lines: &[Line], modalities: &[&str]) -> String {
    let mut builder = Builder::default();
    builder.push_record(["quantity", "about", "value", "baseline", "verdict", "clips"]);
    for line in lines {
        let unit = if line.metric.unit == "1" { String::new() } else { format!(" {}", line.metric.unit) };
        let value = match line.metric.value {
            Some(_) => with_interval(line.metric, line.digits) + &unit,
            None => Standing::NotEstimable.word().into(),
        };
        builder.push_record([
            line.label.to_string(),
            short(&line.about, modalities),
            value,
            against(line, line.digits, &unit),
            verdict(line),
            line.metric.n.to_string(),
        ]);
    }
    style(builder, 2)
}

/// `position marginal 3.1234`.
fn against(line: &Line, digits: usize, unit: &str) -> String {
    line.against.as_ref().map_or("–".into(), |against| {
        format!("{} {:.digits$}{unit}", against.name.replace('_', " "), against.value)
    })
}

fn verdict(line: &Line) -> String {
    line.against.as_ref().map_or("–".into(), |against| against.standing.word().into())
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

fn with_interval(m: &Metric, digits: usize) -> String {
    let number = |v: f64| format!("{v:.digits$}");
    match (m.value, m.low, m.high) {
        (Some(v), Some(low), Some(high)) => format!("{} [{}, {}]", number(v), number(low), number(high)),
        (Some(v), ..) => number(v),
        (None, ..) => "–".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue::parse;

    fn metric(key: &str, value: Option<f64>, n: usize) -> Metric {
        Metric::new(&parse(key).unwrap(), value, n)
    }

    fn with_p(key: &str, value: f64, p: f64) -> Metric {
        Metric { p: Some(p), ..metric(key, Some(value), 24) }
    }

    /// The summary as it is printed, without the blanks of its columns.
    fn printed(metrics: &[Metric], modalities: &[&str]) -> String {
        summary(metrics, modalities).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_strongest_baseline_and_a_word() {
        let metrics = [
            metric("cross_entropy/rgb", Some(1.5), 24).with_interval(Some((1.25, 1.75)), "x"),
            with_p("cross_entropy/rgb/position_marginal", 1.25, 0.001),
            with_p("cross_entropy/rgb/unigram_marginal", 2.5, 0.001),
            metric("cross_entropy/rgb->audio", Some(2.5), 24),
            with_p("cross_entropy/rgb->audio/untrained", 3.5, 0.001),
        ];
        let text = printed(&metrics, &["rgb", "audio"]);
        assert!(
            text.contains("rgb | 1.5000 [1.2500, 1.7500] | position marginal 1.2500 | worse | 24"),
            "{text}"
        );
        assert!(text.contains("rgb → audio | 2.5000 | untrained 3.5000 | better | 24"), "{text}");
        assert!(text.contains("over 3 tests"), "{text}");
        assert_eq!(printed(&[], &["rgb"]), "");
    }

    #[test]
    fn short_names_intervals_and_what_is_absent() {
        let recall = metric("retrieval/tok_audio@512->tok_rgb@196/r1/gallery200", Some(12.5), 33);
        let all = [
            Metric { chance: Some(0.5), p: Some(0.001), ..recall }.with_interval(Some((3.0, 28.0)), "x"),
            metric("retrieval/tok_audio@512->tok_rgb@196/r1/gallery200/untrained", Some(1.0), 33),
            metric("classification/tok_audio@512/caption_likelihood/top1", None, 0),
            metric("forward_vs_autoregressive/scene_desc/gain", Some(0.01234), 3),
        ];
        let text = printed(&all, &["tok_rgb@196", "tok_audio@512"]);
        assert!(text.contains("class, top-1 · audio, caption likelihood value: not estimable"), "{text}");
        // The untrained network is the stronger of the two, and nothing is known of the difference.
        let expected = "retrieval, R@1 · audio → rgb, gallery 200 value: 12.5 [3.0, 28.0] % · baseline: \
                        untrained 1.0 % · verdict: not estimable";
        assert!(text.contains(expected), "{text}");
        let expected = "one pass − autoregressive · scene desc value: 0.0123 nats/token · clips: 3";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("no bootstrap interval below 20 clips"), "{text}");
    }
}
