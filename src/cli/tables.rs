//! What a run prints at its end: cross-entropy per modality against its baselines, then the other probes.

use super::arguments::Global;
use super::layout::style;
use super::{output, summary};
use crate::fault::Result;
use crate::record::{Metric, Record};
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
    if let Some(table) = summary::table(metrics, modalities) {
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
    let find = |name: &str, modality: &str| {
        metrics.iter().find(|m| m.name == name && m.modality.as_deref() == Some(modality))
    };
    let mut builder = Builder::default();
    builder.push_record(["modality", "model", "unigram marginal", "uniform", "gain", "clips"]);
    let mut any = false;
    let measured = metrics.iter().filter(|m| m.name == "cross_entropy").filter_map(|m| m.modality.as_deref());
    let directed = measured.filter(|m| !modalities.contains(m));
    for modality in modalities.iter().copied().chain(directed) {
        let Some(model) = find("cross_entropy", modality) else { continue };
        any = true;
        let plain = |name: &str| number(find(name, modality).and_then(|m| m.value));
        builder.push_record([
            modality.replace("->", " → "),
            with_interval(Some(model)),
            plain("cross_entropy.unigram_marginal"),
            plain("cross_entropy.uniform"),
            with_interval(find("cross_entropy.gain", modality)),
            model.n.to_string(),
        ]);
    }
    any.then(|| style(builder, 1))
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
    use crate::record::Direction;

    #[test]
    fn absent_is_a_dash_and_intervals_are_shown() {
        let gain =
            Metric::new("cross_entropy.gain", Some("rgb"), Some(0.25), 7, "nats/token", Direction::Higher);
        let metrics = [Metric::cross_entropy("rgb", Some(1.5), 7), gain.with_interval(Some((0.2, 0.3)), "x")];
        let table = cross_entropy(&metrics, &["rgb", "audio"]).unwrap();
        let row = table.lines().nth(2).unwrap();
        assert_eq!(
            row.split('|').map(str::trim).collect::<Vec<_>>(),
            ["rgb", "1.5000", "–", "–", "0.2500 [0.2000, 0.3000]", "7"]
        );
        assert!(!table.contains("audio"));
        assert_eq!(cross_entropy(&[], &["rgb"]), None);
    }
}
