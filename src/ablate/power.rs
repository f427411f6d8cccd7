//! The smallest difference the comparison will find: from finished cells where there are some.

use super::plan::{Found, Plan};
use crate::fault::Result;
use crate::record::examples::{self, source, CrossEntropy};
use crate::stats::{detectable, NotEstimable};
use crate::store::RunDir;
use statrs::distribution::{ContinuousCDF, Normal};
use std::collections::BTreeMap;

/// Probability of a false positive, two-sided, and of finding a true difference.
pub const ALPHA: f64 = 0.05;
pub const POWER: f64 = 0.8;

/// The smallest difference of one metric between a cell and the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Smallest {
    pub metric: String,
    /// The cell it was estimated from: of those that could be, the one with the largest.
    pub cell: String,
    /// In nats per token.
    pub value: f64,
    pub clips: usize,
    /// Seeds finished on both sides.
    pub seeds: usize,
}

/// Before anything has run: in standard deviations of one clip's difference,
/// (z(1 − α/2) + z(power)) / √n. It knows nothing of how seeds differ.
///
/// # Errors
/// With fewer than two clips.
pub fn in_deviations(clips: usize) -> std::result::Result<f64, NotEstimable> {
    let z = |p: f64| Normal::standard().inverse_cdf(p);
    match clips {
        0 => Err(NotEstimable::NoData),
        1 => Err(NotEstimable::OneUnit),
        n => Ok((z(1.0 - ALPHA / 2.0) + z(POWER)) / (n as f64).sqrt()),
    }
}

/// For every cross-entropy among the metrics: from the paired differences, clip by clip and averaged
/// over seeds, of the finished cells against the reference. Empty where no pair is finished.
///
/// # Errors
/// If scores cannot be read.
pub fn from_finished(plan: &Plan, found: &[Found]) -> Result<Vec<Smallest>> {
    let mut all = Vec::new();
    let Some(reference) = plan.cells.iter().position(|c| c.label == plan.reference()) else { return Ok(all) };
    for metric in &plan.ablation.metrics {
        let Some(modality) = metric.strip_prefix("cross_entropy/") else { continue };
        let base = scores(plan, found, reference, modality)?;
        let mut largest: Option<Smallest> = None;
        for (cell, c) in plan.cells.iter().enumerate().filter(|(i, _)| *i != reference) {
            let other = scores(plan, found, cell, modality)?;
            let (differences, seeds) = paired(&base, &other);
            let Ok(value) = detectable::paired_mean(&differences, ALPHA, POWER) else { continue };
            if largest.as_ref().is_none_or(|l| value > l.value) {
                let (metric, cell, clips) = (metric.clone(), c.label.clone(), differences.len());
                largest = Some(Smallest { metric, cell, value, clips, seeds });
            }
        }
        all.extend(largest);
    }
    Ok(all)
}

/// Mean cross-entropy of every clip, by seed.
type Scores = BTreeMap<u64, BTreeMap<String, f64>>;

fn scores(plan: &Plan, found: &[Found], cell: usize, modality: &str) -> Result<Scores> {
    let mut all = Scores::new();
    for (job, found) in plan.jobs.iter().zip(found).filter(|(job, _)| job.cell == cell) {
        if let Found::Complete(run) = found {
            all.insert(job.seed, clips(run, modality)?);
        }
    }
    Ok(all)
}

fn clips(run: &RunDir, modality: &str) -> Result<BTreeMap<String, f64>> {
    let mut sums: BTreeMap<String, (f64, u64)> = BTreeMap::new();
    let rows: Vec<CrossEntropy> = examples::read(&run.path)?.unwrap_or_default();
    for row in rows.into_iter().filter(|r| r.source == source::MODEL && r.modality == modality) {
        let sum = sums.entry(row.clip).or_default();
        (sum.0, sum.1) = (sum.0 + row.ce_nats, sum.1 + row.tokens);
    }
    let mean = |(clip, (ce, tokens)): (String, (f64, u64))| (tokens > 0).then(|| (clip, ce / tokens as f64));
    Ok(sums.into_iter().filter_map(mean).collect())
}

/// Mean over the common seeds of each common clip's difference, and the number of those seeds.
fn paired(a: &Scores, b: &Scores) -> (Vec<f64>, usize) {
    let seeds: Vec<u64> = a.keys().filter(|s| b.contains_key(s)).copied().collect();
    let Some(first) = seeds.first() else { return (Vec::new(), 0) };
    let difference = |clip: &String| -> Option<f64> {
        let each: Option<Vec<f64>> = seeds.iter().map(|s| Some(b[s].get(clip)? - a[s].get(clip)?)).collect();
        each.map(|d| d.iter().sum::<f64>() / d.len() as f64)
    };
    (a[first].keys().filter_map(difference).collect(), seeds.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // (1.959964 + 0.841621) / 10
        assert!((in_deviations(100).unwrap() - 0.2801585).abs() < 1e-6);
        assert_eq!(in_deviations(1), Err(NotEstimable::OneUnit));
    }

    #[test]
    fn only_what_both_sides_have_is_paired() {
        let of = |values: &[(u64, &[(&str, f64)])]| -> Scores {
            let clips = |c: &[(&str, f64)]| c.iter().map(|(n, v)| (n.to_string(), *v)).collect();
            values.iter().map(|(seed, c)| (*seed, clips(c))).collect()
        };
        let a = of(&[(1, &[("x", 1.0), ("y", 2.0)]), (2, &[("x", 3.0), ("y", 1.0)]), (3, &[("x", 9.0)])]);
        let b = of(&[(1, &[("x", 2.0), ("y", 2.5)]), (2, &[("x", 3.0)]), (4, &[("x", 0.0)])]);
        assert_eq!(paired(&a, &b), (vec![0.5], 2));
        assert_eq!(paired(&a, &Scores::new()), (vec![], 0));
    }
}
