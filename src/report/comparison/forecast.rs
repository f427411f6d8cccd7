//! What an ablation that is run in part will be able to find when it is complete.

use super::contrast::Contrast;
use super::sides::Comparison;
use crate::fault::Result;
use crate::metrics::Key;
use crate::record::ablation::AblationRecord;
use serde::Serialize;
use std::path::Path;

/// The smallest difference from the reference that will be found for one metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Detectable {
    pub metric: String,
    pub unit: &'static str,
    /// At 5 % with 80 % power, before any correction.
    pub value: f64,
    /// The cell it was estimated from: of those that could be, the one with the largest.
    pub cell: String,
    /// Seeds finished on both sides.
    pub seeds: usize,
    pub clips: usize,
}

/// For every metric that two cells have been measured on, with `seeds` seeds in the end.
///
/// # Errors
/// If none of the record's runs is there, or their scores cannot be read.
pub fn detectable(runs_root: &Path, record: &AblationRecord, seeds: usize) -> Result<Vec<Detectable>> {
    let comparison = Comparison::ablation(runs_root, record)?;
    let reference = &comparison.sides[comparison.reference];
    let detectable = |key: &Key| {
        let others = comparison.sides.iter().enumerate().filter(|(i, _)| *i != comparison.reference);
        let estimates = others.filter_map(|(_, side)| {
            let contrast = Contrast::new(&[(&side.scores, &reference.scores)], key).ok()?;
            let (value, [finished, clips]) = (contrast.detectable(seeds).ok()?, contrast.size());
            let (metric, unit) = (key.to_string(), key.spec.unit.name());
            Some(Detectable { metric, unit, value, cell: side.label.clone(), seeds: finished, clips })
        });
        estimates.max_by(|a, b| a.value.total_cmp(&b.value))
    };
    Ok(comparison.metrics.iter().filter_map(detectable).collect())
}
