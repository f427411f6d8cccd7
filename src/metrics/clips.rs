//! One quantity clip by clip: what is resampled, tested and compared.

use crate::stats::{mcnemar, Estimable};
use std::collections::BTreeMap;

/// Clip → (sum, weight), by name; the quantity is Σ sum / Σ weight.
pub type Clips = BTreeMap<String, (f64, f64)>;

/// Adds to a clip's sum and weight.
pub fn add(clips: &mut Clips, clip: &str, sum: f64, weight: f64) {
    match clips.get_mut(clip) {
        Some(entry) => *entry = (entry.0 + sum, entry.1 + weight),
        None => drop(clips.insert(clip.to_string(), (sum, weight))),
    }
}

/// Hits and trials of clips that are 0 or 1 each.
pub fn hits(clips: &Clips) -> (u64, u64) {
    (clips.values().filter(|c| c.0 > 0.5).count() as u64, clips.len() as u64)
}

/// The clips all maps have in common, sorted by name: one column per map.
pub fn aligned(maps: &[&Clips]) -> Vec<Vec<(f64, f64)>> {
    let Some(first) = maps.first() else { return vec![] };
    let names: Vec<&String> = first.keys().filter(|k| maps.iter().all(|m| m.contains_key(*k))).collect();
    maps.iter().map(|m| names.iter().map(|k| m[*k]).collect()).collect()
}

/// Number of clips that all maps have in common.
pub fn common_clips(maps: &[&Clips]) -> u64 {
    aligned(maps).first().map_or(0, Vec::len) as u64
}

/// McNemar's exact test of two answers to the same clips, right or wrong each.
pub fn mcnemar(a: &Clips, b: &Clips) -> Estimable<f64> {
    let both = a.iter().filter_map(|(clip, x)| b.get(clip).map(|y| (x.0 > 0.5, y.0 > 0.5)));
    let (a, b): (Vec<bool>, Vec<bool>) = both.unzip();
    mcnemar::paired(&a, &b)
}
