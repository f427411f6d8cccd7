//! The classes of clips: one spelling of each, their order, and which of them a split lacks.

use super::contents::Clip;
use super::part::Part;
use super::text::class_key;
use crate::fault::listed;
use std::collections::{BTreeMap, BTreeSet};

/// The published classes (REFERENCE §2), in the order every published table uses.
pub const PUBLISHED_CLASSES: [&str; 11] = [
    "cat meowing",
    "chicken clucking",
    "cow lowing",
    "coyote howling",
    "dog barking",
    "duck quacking",
    "horse neighing",
    "lions roaring",
    "pig oinking",
    "sheep bleating",
    "pigeon cooing",
];

/// Names shown of a list; the rest is counted.
const SHOWN: usize = 8;

/// What the clips' labels come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Classes {
    /// The distinct labels: in the published order when all of them are published, else sorted.
    pub names: Vec<String>,
    /// What may mislead: classes in several spellings, without a training clip, clips without a class.
    pub notes: Vec<String>,
}

/// Gives all clips of a class one label, the spelling of most of its training clips: labels are of one
/// class when they differ in Unicode form, case or white space only.
pub fn settle(parts: &mut [Vec<Clip>; 3]) -> Classes {
    let spellings = spellings(parts);
    let chosen: BTreeMap<&String, &String> =
        spellings.iter().filter_map(|(key, of)| Some((key, most_used(of)?))).collect();
    for clip in parts.iter_mut().flatten() {
        if let Some(spelling) = chosen.get(&class_key(&clip.label)) {
            clip.label.clone_from(spelling);
        }
    }
    let mut notes: Vec<String> = Vec::new();
    for (key, of) in spellings.iter().filter(|(_, of)| of.len() > 1) {
        let others: Vec<String> = of.keys().map(|s| format!("`{s}`")).collect();
        let name = chosen.get(key).map_or(key.as_str(), |name| name.as_str());
        notes.push(format!("note: {} are one class, called `{name}`", listed(&others, SHOWN)));
    }
    notes.extend(lacking(parts));
    Classes { names: in_order(parts), notes }
}

/// How often a spelling is used: in training, and at all.
type Uses = (usize, usize);

/// The spellings of each class by what makes them one; clips without a label have none.
fn spellings(parts: &[Vec<Clip>; 3]) -> BTreeMap<String, BTreeMap<String, Uses>> {
    let mut all: BTreeMap<String, BTreeMap<String, Uses>> = BTreeMap::new();
    for (part, clips) in Part::ALL.into_iter().zip(parts) {
        for label in clips.iter().map(|clip| &clip.label).filter(|label| !label.is_empty()) {
            let (train, total) = all.entry(class_key(label)).or_default().entry(label.clone()).or_default();
            *train += usize::from(part == Part::Train);
            *total += 1;
        }
    }
    all
}

/// The spelling most used in training, then at all, then the first of them.
fn most_used(spellings: &BTreeMap<String, Uses>) -> Option<&String> {
    spellings.iter().rev().max_by_key(|(_, uses)| **uses).map(|(spelling, _)| spelling)
}

/// What of the validation and test clips cannot be told apart after such a training.
fn lacking(parts: &[Vec<Clip>; 3]) -> Vec<String> {
    let labels = |part: Part| parts[part as usize].iter().map(|clip| clip.label.as_str());
    if Part::ALL.into_iter().flat_map(labels).all(str::is_empty) {
        return Vec::new();
    }
    let trained: BTreeSet<&str> = labels(Part::Train).collect();
    let mut notes = Vec::new();
    for part in Part::ALL {
        let unlabelled: Vec<String> =
            parts[part as usize].iter().filter(|c| c.label.is_empty()).map(|c| c.stem.clone()).collect();
        if !unlabelled.is_empty() {
            let (n, of, name) = (unlabelled.len(), parts[part as usize].len(), part.name());
            notes.push(format!(
                "note: {n} of {of} {name} clips have no class: {}",
                listed(&unlabelled, SHOWN)
            ));
        }
    }
    for part in [Part::Eval, Part::Test] {
        let mut untrained: BTreeMap<&str, usize> = BTreeMap::new();
        for label in labels(part).filter(|label| !label.is_empty() && !trained.contains(label)) {
            *untrained.entry(label).or_default() += 1;
        }
        if !untrained.is_empty() {
            let names: Vec<String> = untrained.iter().map(|(class, n)| format!("`{class}` ({n})")).collect();
            let (n, of) = (untrained.values().sum::<usize>(), parts[part as usize].len());
            notes.push(format!(
                "note: {n} of {of} {} clips are of a class without a training clip: {}",
                part.name(),
                listed(&names, SHOWN)
            ));
        }
    }
    notes
}

fn in_order(parts: &[Vec<Clip>; 3]) -> Vec<String> {
    let found: BTreeSet<&str> =
        parts.iter().flatten().map(|c| c.label.as_str()).filter(|l| !l.is_empty()).collect();
    if found.iter().all(|l| PUBLISHED_CLASSES.contains(l)) {
        return PUBLISHED_CLASSES.iter().filter(|c| found.contains(*c)).map(|c| c.to_string()).collect();
    }
    found.into_iter().map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clips(labels: &[&str]) -> Vec<Clip> {
        let clip = |(i, label): (usize, &&str)| Clip {
            stem: format!("s{i}"),
            label: label.to_string(),
            rows: 1,
            captions: Vec::new(),
            offsets: Vec::new(),
        };
        labels.iter().enumerate().map(clip).collect()
    }

    #[test]
    fn the_spelling_of_most_training_clips_is_the_class() {
        let mut parts = [
            clips(&["Étoile", "étoile", "étoile", "dog"]),
            clips(&["E\u{301}toile"]),
            clips(&["Dog", "DOG"]),
        ];
        let classes = settle(&mut parts);
        assert_eq!(classes.names, ["dog", "étoile"]);
        assert!(parts.iter().flatten().all(|c| c.label == "dog" || c.label == "étoile"));
        assert_eq!(
            classes.notes,
            [
                "note: `DOG`, `Dog`, `dog` are one class, called `dog`",
                "note: `E\u{301}toile`, `Étoile`, `étoile` are one class, called `étoile`"
            ]
        );
    }

    #[test]
    fn what_training_does_not_show_is_said() {
        let mut parts = [clips(&["cat", ""]), clips(&["cat", "fox"]), clips(&["fox", "fox", "cow", "cat"])];
        let classes = settle(&mut parts);
        assert_eq!(classes.names, ["cat", "cow", "fox"]);
        assert_eq!(
            classes.notes,
            [
                "note: 1 of 2 train clips have no class: s1",
                "note: 1 of 2 eval clips are of a class without a training clip: `fox` (1)",
                "note: 3 of 4 test clips are of a class without a training clip: `cow` (1), `fox` (2)"
            ]
        );
        assert_eq!(settle(&mut [clips(&["", ""]), clips(&[""]), clips(&[""])]), Classes::default());
    }

    #[test]
    fn published_classes_keep_their_order() {
        let mut parts = [clips(&["pigeon cooing", "pig oinking"]), clips(&[]), clips(&["cat meowing"])];
        assert_eq!(settle(&mut parts).names, ["cat meowing", "pig oinking", "pigeon cooing"]);
    }
}
