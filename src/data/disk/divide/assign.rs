//! Which part a clip goes to.
//!
//! Strata are class × source. The clips of a stratum are sorted by id and shuffled; the first
//! `int(0.8 n)` are train, the next `int(0.1 n)` val, the rest test; of fewer than ten clips one is test,
//! one val, and train is filled first. All stems of a clip stay together. The reference does not say how
//! it shuffles: ours is a Fisher–Yates shuffle with the stream `Split` of the seed, one stream for each
//! stratum in the order of (class, source).

use crate::data::disk::stem::{clip_id, clip_source};
use crate::fault::{Fault, Result};
use crate::rng::{stream, Purpose};
use rand::seq::SliceRandom;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// How many clips went where.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Division {
    /// In the order of (class, source).
    pub strata: Vec<Stratum>,
    /// Clips in train, val and test.
    pub clips: [usize; 3],
    /// Stems in train, val and test (a clip may have several).
    pub stems: [usize; 3],
    /// Left out, as no source has all files of them.
    pub incomplete: Vec<Incomplete>,
    /// Stems that a later source has too: the first source's were taken.
    pub repeated: usize,
    /// Complete stems that the given list does not name.
    pub unlisted: usize,
}

/// The clips of one class from one source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stratum {
    pub class: String,
    /// `as` or `vgg`; empty for stems of another form.
    pub source: String,
    /// Clips in train, val and test.
    pub clips: [usize; 3],
}

/// A stem without all of its files.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Incomplete {
    pub stem: String,
    /// The folders in which it is missing.
    pub missing: Vec<String>,
}

/// The part of every stem: 0 train, 1 val, 2 test.
pub type Parts = BTreeMap<String, usize>;

/// Clips of a stratum of `n` in train, val and test.
fn shares(n: usize) -> [usize; 3] {
    match n {
        0..=2 => [n.min(1), 0, n.saturating_sub(1)],
        3..=9 => [n - 2, 1, 1],
        _ => {
            let (train, val) = ((0.8 * n as f64) as usize, (0.1 * n as f64) as usize);
            [train, val, n - train - val]
        }
    }
}

/// The part of every stem by the rule, from the class of every stem.
pub fn assign(classes: &BTreeMap<String, String>, seed: u64) -> (Division, Parts) {
    let clips = clips(classes.keys());
    // A clip's class is that of its first stem.
    let mut strata: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (clip, stems) in &clips {
        strata.entry((&classes[stems[0]], clip_source(stems[0]))).or_default().push(clip);
    }
    let mut parts = Parts::new();
    for (index, (_, mut ids)) in strata.into_iter().enumerate() {
        ids.shuffle(&mut stream(seed, Purpose::Split, &[index as u64]));
        let [train, val, _] = shares(ids.len());
        for (i, id) in ids.into_iter().enumerate() {
            let part = usize::from(i >= train) + usize::from(i >= train + val);
            parts.extend(clips[id].iter().map(|stem| (stem.to_string(), part)));
        }
    }
    (count(classes, &parts), parts)
}

/// What a division comes to.
pub fn count(classes: &BTreeMap<String, String>, parts: &Parts) -> Division {
    let mut division = Division {
        strata: Vec::new(),
        clips: [0; 3],
        stems: [0; 3],
        incomplete: Vec::new(),
        repeated: 0,
        unlisted: 0,
    };
    let mut strata: BTreeMap<(String, String), [usize; 3]> = BTreeMap::new();
    for stems in clips(parts.keys()).into_values() {
        let part = parts[stems[0]];
        let class = classes.get(stems[0]).cloned().unwrap_or_default();
        strata.entry((class, clip_source(stems[0]).to_string())).or_default()[part] += 1;
        division.clips[part] += 1;
    }
    parts.values().for_each(|&part| division.stems[part] += 1);
    let stratum = |((class, source), clips)| Stratum { class, source, clips };
    division.strata = strata.into_iter().map(stratum).collect();
    division
}

/// Refuses a division with an empty part; `list` is what has said which stems go where, if anything has.
///
/// # Errors
/// How many clips there are, and how many it needs.
pub fn refuse_empty(division: &Division, list: Option<&Path>) -> Result<()> {
    if division.clips.iter().all(|&n| n > 0) {
        return Ok(());
    }
    let [train, val, test] = division.clips;
    if let Some(list) = list {
        return Err(Fault::invalid("the list leaves a part empty")
            .at(list.display().to_string())
            .found(format!("{train} train, {val} val and {test} test clips"))
            .expected("at least one clip in each part")
            .help("move stems into the empty list"));
    }
    let largest = division.strata.iter().map(|s| s.clips.iter().sum::<usize>()).max().unwrap_or(0);
    Err(Fault::invalid("a part of the division would be empty")
        .found(format!(
            "{train} train, {val} val and {test} test clips; at most {largest} of one class and source"
        ))
        .expected("at least one clip in each part: 3 clips of one class and source give one to each")
        .help(
            "add clips (10 of each class and source are divided 8/1/1), or say yourself which stems go \
               where: --splits splits.json",
        ))
}

/// The stems of every clip.
fn clips<'a>(stems: impl Iterator<Item = &'a String>) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut clips: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for stem in stems {
        clips.entry(clip_id(stem)).or_default().push(stem);
    }
    clips
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(n: usize, class: &str, source: &str) -> impl Iterator<Item = (String, String)> {
        let (class, source) = (class.to_string(), source.to_string());
        // Two stems for every third clip.
        (0..n).flat_map(move |i| {
            let stems = if i % 3 == 0 { vec![0, 5] } else { vec![0] };
            let stem = |s: usize| (format!("{source}_{class}{i:03}_{s:06}"), class.clone());
            stems.into_iter().map(stem).collect::<Vec<_>>()
        })
    }

    #[test]
    fn shares_are_those_of_the_rule_and_clips_stay_together() {
        let all: BTreeMap<_, _> =
            classes(19, "cat", "as").chain(classes(4, "cat", "vgg")).chain(classes(1, "dog", "as")).collect();
        let (division, parts) = assign(&all, 42);
        let strata: Vec<_> = division.strata.iter().map(|s| (&*s.class, &*s.source, s.clips)).collect();
        // int(0.8·19) = 15, int(0.1·19) = 1; of fewer than ten one each, and a single clip is train.
        assert_eq!(strata, [("cat", "as", [15, 1, 3]), ("cat", "vgg", [2, 1, 1]), ("dog", "as", [1, 0, 0])]);
        assert_eq!(division.clips, [18, 2, 4]);
        assert_eq!(parts.len(), all.len());
        let mut of: BTreeMap<&str, usize> = BTreeMap::new();
        for (stem, part) in &parts {
            assert_eq!(*of.entry(clip_id(stem)).or_insert(*part), *part, "{stem}");
        }
        assert_eq!(assign(&all, 42).1, parts);
        assert_ne!(assign(&all, 43).1, parts);
    }

    /// The seed's draws must not change between versions of the program or its libraries.
    #[test]
    fn the_shuffle_is_pinned() {
        let all: BTreeMap<_, _> = (0..10).map(|i| (format!("s{i}"), "x".to_string())).collect();
        let parts: String = assign(&all, 42).1.values().map(|p| p.to_string()).collect();
        assert_eq!(parts, "0000100200");
    }

    #[test]
    fn train_is_filled_first() {
        for (n, parts) in [
            (1, [1, 0, 0]),
            (2, [1, 0, 1]),
            (3, [1, 1, 1]),
            (4, [2, 1, 1]),
            (9, [7, 1, 1]),
            (10, [8, 1, 1]),
            (19, [15, 1, 3]),
            (100, [80, 10, 10]),
        ] {
            assert_eq!(shares(n), parts, "{n} clips");
        }
    }
}
