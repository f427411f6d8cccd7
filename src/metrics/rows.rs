//! Per-example scores: one CSV per probe under `probes/`, from which every table can be redone.
//!
//! Conventions shared by all files:
//! - one row per clip (and mask, direction, method, …); rows may stand in any order;
//! - `clip` is the stem; a set of input modalities is their names in the manifest's order joined by `+`;
//! - `*_nats` are **sums** over the row's `tokens`, in nats, and never rounded;
//! - `source` says what made the prediction (see [`source`]); absent means the model;
//! - what is undefined is an empty cell, never 0.

use super::clips::{add, Clips};
use super::quantity::{Better, Spec, Unit};
use super::source;
use crate::fault::{Fault, Result};
use crate::stats::Estimable;
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;

/// A row of one of the files, and what its probe measures.
pub trait ScoreRow: Serialize + DeserializeOwned + 'static {
    /// First part of the probe's keys, and the name of its file.
    const PROBE: &'static str;
    /// Path inside the run directory.
    const FILE: &'static str;
    /// What a manifest calls the probe, e.g. `Classify`.
    const DECLARED: &'static str;
    /// What is measured, the quantity that is meant where a key names none first.
    const QUANTITIES: &'static [Quantity<Self>];
    /// Who there is besides the model.
    const SOURCES: &'static [&'static str] = &[];
    /// What a number in the key tells apart, e.g. `gallery` in `…/gallery200`.
    const VARIANT: Option<&'static str> = None;
    /// Whether its rows say what they are about; where they do not, the keys of the record do.
    const ROWS_NAME_THEIR_SUBJECT: bool = true;

    /// Name of the clip.
    fn clip(&self) -> &str;

    /// Who made the prediction.
    fn source(&self) -> &str {
        source::MODEL
    }

    /// The middle parts of the keys it counts for, e.g. `tok_audio@512/caption_likelihood`.
    fn abouts(&self) -> Vec<String>;

    /// Whether it counts for keys about `about`.
    fn is_about(&self, about: &str) -> bool {
        self.abouts().iter().any(|own| own == about)
    }

    /// Whether there is a `quantity` about `about`.
    fn measures(_about: &str, _quantity: &Spec) -> bool {
        true
    }

    /// Whether what `source` says of `quantity` is the same quantity as the model's.
    fn answers(_source: &str, _quantity: &Spec) -> bool {
        true
    }

    /// Which part of what it is about the row has: a source without all parts that the model has is left out.
    fn part(&self) -> &str {
        ""
    }

    /// The one spelling of `about` where there are several.
    fn canonical_about(about: &str) -> String {
        about.into()
    }

    /// The number of the variant.
    fn variant(&self) -> u64 {
        0
    }

    /// The variant that keys do not write, where the test split has `test_clips`.
    fn plain_variant(_test_clips: usize) -> u64 {
        0
    }
}

/// Whether `own` has every part that `all` have: what holds of some of them says nothing of all.
pub fn has_all_parts<R: ScoreRow>(own: &[&R], all: &[&R]) -> bool {
    let parts = |rows: &[&R]| rows.iter().map(|r| r.part().to_owned()).collect::<BTreeSet<_>>();
    parts(own).is_superset(&parts(all))
}

/// How a row counts for its clip. Shares are fractions here.
pub enum Count<R: 'static> {
    /// Right or wrong; absent: not asked. A share of clips, its interval exact.
    Share(fn(&R) -> Option<bool>),
    /// (sum, weight): the quantity is Σ sum / Σ weight.
    Mean(fn(&R) -> Option<(f64, f64)>),
    /// Two of them on the same clips: the first minus the second.
    Difference(fn(&R) -> [(f64, f64); 2]),
    /// What another source has more than this one.
    Excess(&'static str, fn(&R) -> (f64, f64)),
    /// Not a mean over clips; the probe's module has its estimator.
    Whole,
}

/// (sum, weight) of a guess at the tokens of a row, among the ids of a vocabulary of this size.
pub type Guess<R> = fn(&R, u64) -> (f64, f64);

/// One quantity of a probe.
pub struct Quantity<R: 'static> {
    pub spec: Spec,
    pub count: Count<R>,
    /// What luck reaches, as a fraction; absent where luck reaches everything.
    pub chance: Option<fn(&R) -> Estimable<f64>>,
    /// Whether a comparison of two experiments takes it unasked, and then of which rows.
    pub unasked: Option<fn(&R) -> bool>,
    /// A guess, where the probe writes no such rows.
    pub uniform: Option<Guess<R>>,
}

impl<R> Quantity<R> {
    const fn new(name: &'static str, unit: Unit, better: Better, count: Count<R>) -> Quantity<R> {
        let digits = match unit {
            Unit::NatsPerToken | Unit::Plain => 4,
            Unit::Nats => 3,
            Unit::Percent => 2,
        };
        let by_clip = !matches!(count, Count::Whole);
        let right_or_wrong = matches!(count, Count::Share(_));
        let spec = Spec {
            name,
            implied: false,
            alone: false,
            unit,
            better,
            digits,
            by_clip,
            right_or_wrong,
            has_chance: false,
            within: None,
            beside: None,
        };
        Quantity { spec, count, chance: None, unasked: None, uniform: None }
    }

    /// A share of clips that are right or wrong each; more is better.
    pub const fn share(name: &'static str, right: fn(&R) -> Option<bool>) -> Quantity<R> {
        Quantity::new(name, Unit::Percent, Better::Higher, Count::Share(right))
    }

    /// Σ sum / Σ weight.
    pub const fn mean(
        name: &'static str,
        unit: Unit,
        better: Better,
        count: fn(&R) -> Option<(f64, f64)>,
    ) -> Quantity<R> {
        Quantity::new(name, unit, better, Count::Mean(count))
    }

    /// The first minus the second, on the same clips.
    pub const fn difference(
        name: &'static str,
        unit: Unit,
        better: Better,
        both: fn(&R) -> [(f64, f64); 2],
    ) -> Quantity<R> {
        Quantity::new(name, unit, better, Count::Difference(both))
    }

    /// By how much more another source has; more is better.
    pub const fn excess(
        name: &'static str,
        unit: Unit,
        of: &'static str,
        count: fn(&R) -> (f64, f64),
    ) -> Quantity<R> {
        Quantity::new(name, unit, Better::Higher, Count::Excess(of, count))
    }

    /// What is no mean over clips.
    pub const fn whole(name: &'static str, unit: Unit, better: Better) -> Quantity<R> {
        Quantity::new(name, unit, better, Count::Whole)
    }

    /// Keys leave its name out.
    pub const fn implied(mut self) -> Quantity<R> {
        self.spec.implied = true;
        self
    }

    /// There is nothing it is about: its name stands right behind the probe's.
    pub const fn alone(mut self) -> Quantity<R> {
        self.spec.alone = true;
        self
    }

    /// It may be held against the quantity called `other` about the same.
    pub const fn beside(mut self, other: &'static str) -> Quantity<R> {
        self.spec.beside = Some(other);
        self
    }

    /// What luck reaches, as a fraction.
    pub const fn chance(mut self, chance: fn(&R) -> Estimable<f64>) -> Quantity<R> {
        self.chance = Some(chance);
        self.spec.has_chance = true;
        self
    }

    /// Other digits after the point than its unit has.
    pub const fn digits(mut self, digits: usize) -> Quantity<R> {
        self.spec.digits = digits;
        self
    }

    /// Only the first `k` count.
    pub const fn within(mut self, k: u64) -> Quantity<R> {
        self.spec.within = Some(k);
        self
    }

    /// What a guess reaches, as (sum, weight), by the size of the vocabulary.
    pub const fn uniform(mut self, guess: Guess<R>) -> Quantity<R> {
        self.uniform = Some(guess);
        self
    }

    /// A comparison of two experiments takes it unasked.
    pub const fn compared(self) -> Quantity<R> {
        self.compared_if(|_| true)
    }

    /// The same where `rows` tells something.
    pub const fn compared_if(mut self, rows: fn(&R) -> bool) -> Quantity<R> {
        self.unasked = Some(rows);
        self
    }
}

impl<R: ScoreRow> Quantity<R> {
    /// What `rows` count, by clip: as a fraction where it is a share. Nothing of what is no mean over clips, or
    /// takes two sources.
    pub fn clips<'a>(&self, rows: impl IntoIterator<Item = &'a R>) -> Clips {
        let mut clips = Clips::new();
        for row in rows {
            let counted = match self.count {
                Count::Share(right) => right(row).map(|right| (f64::from(u8::from(right)), 1.0)),
                Count::Mean(count) => count(row),
                Count::Difference(both) => {
                    let [a, b] = both(row);
                    Some((a.0 - b.0, a.1))
                }
                Count::Excess(..) | Count::Whole => None,
            };
            if let Some((sum, weight)) = counted {
                add(&mut clips, row.clip(), sum, weight);
            }
        }
        clips
    }
}

/// The rows of a run's file; `None` when the probe was not run.
///
/// # Errors
/// With file and line when a row cannot be read.
pub fn read<R: ScoreRow>(run: &Path) -> Result<Option<Vec<R>>> {
    let path = run.join(R::FILE);
    let bytes = match crate::store::regular::read_own(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Fault::io("read", &path, &e)),
    };
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let rows: std::result::Result<Vec<R>, csv::Error> = reader.deserialize().collect();
    rows.map(Some).map_err(|e| {
        let line = e.position().map(|p| format!(":{}", p.line())).unwrap_or_default();
        Fault::failed(format!("cannot read per-example scores: {e}"))
            .at(format!("{}{line}", path.display()))
            .help("the file is written by `nano4m run` and `nano4m eval`; evaluate the run again")
    })
}

/// The bytes of a run's file.
pub fn to_csv<R: ScoreRow>(rows: &[R]) -> Result<Vec<u8>> {
    let failed = |e: String| Fault::failed(format!("cannot format per-example scores: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|e| failed(e.to_string()))?;
    }
    writer.into_inner().map_err(|e| failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::classification::ClassificationRow;
    use crate::metrics::retrieval::RetrievalRow;

    fn row(rank: Option<u32>) -> ClassificationRow {
        ClassificationRow {
            clip: "a".into(),
            inputs: "tok_audio@512+tok_rgb@196".into(),
            method: "sequence_decode".into(),
            source: source::MODEL.into(),
            true_class: "dog, barking".into(),
            predicted_class: String::new(),
            true_rank: rank,
            true_logp: rank.map(|_| -0.1 - 0.2),
            classes: 11,
        }
    }

    #[test]
    fn rows_come_back_bit_for_bit() {
        let dir = tempfile::tempdir().unwrap();
        let rows = [row(None), row(Some(3))];
        assert_eq!(read::<ClassificationRow>(dir.path()), Ok(None));
        std::fs::create_dir(dir.path().join("probes")).unwrap();
        std::fs::write(dir.path().join(ClassificationRow::FILE), to_csv(&rows).unwrap()).unwrap();
        assert_eq!(read(dir.path()), Ok(Some(rows.to_vec())));
    }

    #[test]
    fn older_files_and_bad_lines() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("probes")).unwrap();
        let path = dir.path().join(RetrievalRow::FILE);
        std::fs::write(&path, "clip,query_modality,gallery_modality,rank,gallery_size\na,x,y,3,10\n")
            .unwrap();
        let rows = read::<RetrievalRow>(dir.path()).unwrap().unwrap();
        assert_eq!((rows[0].source.as_str(), rows[0].nearest.as_str()), ("model", ""));
        std::fs::write(&path, "clip,query_modality,gallery_modality,rank,gallery_size\na,x,y,-3,10\n")
            .unwrap();
        let fault = read::<RetrievalRow>(dir.path()).unwrap_err();
        assert!(fault.place.unwrap().ends_with("retrieval.csv:2"));
    }
}
