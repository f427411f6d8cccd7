//! What one run scored on one key, clip by clip: what comparisons and claims are made of.

use super::clips::Clips;
use super::key::Key;
use super::rows::{has_all_parts, Count, Guess, Quantity, ScoreRow};
use super::source;
use std::collections::BTreeMap;

/// Clips of a key, as fractions where it is a share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scored {
    pub clips: Clips,
    /// What luck reaches, as a fraction; absent where luck reaches everything.
    pub chance: Option<f64>,
}

/// What rows do not say of the run they are of.
pub struct Facts<'a> {
    /// Size of the test split.
    pub test_clips: usize,
    /// Ids of a modality, if it is one.
    pub vocab: &'a dyn Fn(&str) -> Option<u64>,
}

/// What `rows` say of `key`; no clips where they say nothing.
pub fn scored<R: ScoreRow>(rows: &[R], key: &Key, facts: &Facts) -> Scored {
    let Some(quantity) = R::QUANTITIES.iter().find(|q| q.spec.name == key.spec.name) else {
        return Scored::default();
    };
    if !R::answers(&key.source, &quantity.spec) {
        return Scored::default();
    }
    let variant = key.variant.map_or(R::plain_variant(facts.test_clips), |(_, n)| n);
    let of = |source: &str| -> Vec<&R> {
        let own = |r: &&R| r.source() == source && r.variant() == variant && r.is_about(&key.about);
        rows.iter().filter(own).collect()
    };
    let own = of(&key.source);
    if !key.of_model() && own.is_empty() {
        let guessed = quantity.uniform.filter(|_| key.source == source::UNIFORM);
        let clips = guessed.and_then(|guess| uniform(&of(source::MODEL), guess, facts));
        return Scored { clips: clips.unwrap_or_default(), chance: None };
    }
    if !key.of_model() && !has_all_parts(&own, &of(source::MODEL)) {
        return Scored::default();
    }
    let clips = match quantity.count {
        Count::Excess(over, count) => excess(&own, &of(over), count),
        _ => quantity.clips(own.iter().copied()),
    };
    let chance = quantity.chance.zip(own.last()).and_then(|(chance, row)| chance(row).ok());
    Scored { clips, chance }
}

/// A guess at the tokens of `rows`; `None` where a vocabulary is not known.
fn uniform<R: ScoreRow>(rows: &[&R], guess: Guess<R>, facts: &Facts) -> Option<Clips> {
    let mut clips = Clips::new();
    for row in rows {
        let (sum, weight) = guess(row, (facts.vocab)(row.part())?);
        super::clips::add(&mut clips, row.clip(), sum, weight);
    }
    Some(clips)
}

/// By how much the other rows count more, on the clips of both.
fn excess<R: ScoreRow>(own: &[&R], other: &[&R], count: fn(&R) -> (f64, f64)) -> Clips {
    let sum = |rows: &[&R]| {
        let mut clips = Clips::new();
        rows.iter().for_each(|r| super::clips::add(&mut clips, r.clip(), count(r).0, count(r).1));
        clips
    };
    let (own, mut other) = (sum(own), sum(other));
    own.into_iter()
        .filter_map(|(clip, (less, weight))| {
            other.remove(&clip).map(|(more, of)| (clip, (more * (weight / of) - less, weight)))
        })
        .collect()
}

/// Everything the model scored that a comparison takes unasked: key → clips, in the unit of each.
pub fn compared<R: ScoreRow>(rows: &[R], test_clips: usize) -> BTreeMap<String, Clips> {
    let mut all = BTreeMap::new();
    let model: Vec<&R> = rows.iter().filter(|r| r.source() == source::MODEL).collect();
    for quantity in R::QUANTITIES {
        let Some(tells) = quantity.unasked else { continue };
        let mut groups: BTreeMap<(String, u64), Vec<&R>> = BTreeMap::new();
        for row in model.iter().filter(|r| tells(r)) {
            for about in row.abouts() {
                groups.entry((about, row.variant())).or_default().push(row);
            }
        }
        for ((about, variant), rows) in groups {
            let clips = in_unit(&key(quantity, &about, variant, test_clips), quantity.clips(rows));
            all.extend((!clips.1.is_empty()).then_some(clips));
        }
    }
    all
}

fn key<R: ScoreRow>(quantity: &Quantity<R>, about: &str, variant: u64, test_clips: usize) -> Key {
    let key = Key::new(quantity, about);
    if variant == R::plain_variant(test_clips) {
        key
    } else {
        key.under::<R>(variant)
    }
}

/// Sums in the key's unit, beside its name.
pub fn in_unit(key: &Key, clips: Clips) -> (String, Clips) {
    let scale = key.spec.unit.scale();
    let scaled = clips.into_iter().map(|(clip, (sum, weight))| (clip, (scale * sum, weight)));
    (key.to_string(), scaled.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue::parse;
    use crate::metrics::retrieval::RetrievalRow;

    fn row(clip: &str, rank: u32, gallery_size: u32) -> RetrievalRow {
        RetrievalRow {
            clip: clip.into(),
            query_modality: "a".into(),
            gallery_modality: "b".into(),
            source: "model".into(),
            rank,
            gallery_size,
            nearest: String::new(),
        }
    }

    /// Two probes of one manifest: all 30 test clips, and 20 of them.
    #[test]
    fn two_galleries_in_one_run_are_two_keys() {
        let rows = [row("x", 0, 30), row("y", 7, 30), row("x", 3, 20), row("y", 4, 20)];
        let all = compared(&rows, 30);
        let keys: Vec<&str> = all.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "retrieval/a->b/r1",
                "retrieval/a->b/r1/gallery20",
                "retrieval/a->b/r10",
                "retrieval/a->b/r10/gallery20",
                "retrieval/a->b/r5",
                "retrieval/a->b/r5/gallery20",
            ]
        );
        let of = |key: &str| all[key].values().copied().collect::<Vec<_>>();
        assert_eq!(of("retrieval/a->b/r1"), [(100.0, 1.0), (0.0, 1.0)]);
        assert_eq!(of("retrieval/a->b/r5/gallery20"), [(100.0, 1.0), (100.0, 1.0)]);
        let facts = Facts { test_clips: 30, vocab: &|_| None };
        let asked = |key: &str| scored(&rows, &parse(key).unwrap(), &facts);
        assert_eq!(asked("retrieval/a->b/r5").clips["y"], (0.0, 1.0));
        assert_eq!(asked("retrieval/a->b/r5").chance, Some(5.0 / 30.0));
        assert_eq!(asked("retrieval/a->b/gallery20/r5").clips["y"], (1.0, 1.0));
        assert_eq!(asked("retrieval/a->b/r5/gallery20").chance, Some(5.0 / 20.0));
        assert!(asked("retrieval/a->b/r5/gallery7").clips.is_empty());
        assert!(asked("retrieval/a->b/r5/untrained").clips.is_empty());
    }
}
