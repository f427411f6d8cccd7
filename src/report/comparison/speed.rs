//! Tokens per second as `metrics.csv` recorded them. It depends on machine and load: it may be
//! printed, but never enters a table that is compared byte by byte.

use super::sides::{Comparison, Side};
use serde::Serialize;

/// Speed of one side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Speed {
    pub label: String,
    /// Median over the steps of all runs; absent when none was recorded.
    pub tokens_per_s: Option<f64>,
    /// Steps it was recorded at.
    pub steps: usize,
}

/// Every side, in order.
pub fn all(comparison: &Comparison) -> Vec<Speed> {
    comparison.sides.iter().map(speed).collect()
}

fn speed(side: &Side) -> Speed {
    let mut rates: Vec<f64> = side.runs.iter().flat_map(|r| recorded(&r.path.join("metrics.csv"))).collect();
    rates.sort_by(f64::total_cmp);
    let middle = rates.get(rates.len() / 2).copied();
    Speed { label: side.label.clone(), tokens_per_s: middle, steps: rates.len() }
}

/// What cannot be read was not recorded: speed decides nothing.
fn recorded(path: &std::path::Path) -> Vec<f64> {
    let Ok(mut reader) = csv::ReaderBuilder::new().flexible(true).from_path(path) else { return vec![] };
    let Ok(head) = reader.headers() else { return vec![] };
    let Some(at) = head.iter().position(|c| c == "tokens_per_s") else { return vec![] };
    let cell = |r: csv::StringRecord| r.get(at)?.parse::<f64>().ok();
    reader.records().flatten().filter_map(cell).filter(|s| s.is_finite() && *s > 0.0).collect()
}
