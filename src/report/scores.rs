//! What a run scored on a key, clip by clip: read from its per-example files for comparisons and claims.

use super::runs::Run;
use crate::fault::Result;
use crate::metrics::catalogue::{self, Visitor, PROBES};
use crate::metrics::scored::{compared, in_unit, scored, Scored};
use crate::metrics::{Clips, Key, ScoreRow};
use std::collections::{BTreeMap, BTreeSet};

pub use crate::metrics::catalogue::canonical;

/// Metric → clips, in the metric's unit.
pub type Scores = BTreeMap<String, Clips>;

/// What a key says about its metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// As [`canonical`] writes it.
    pub key: String,
    /// Whether less is better.
    pub lower: bool,
    pub unit: &'static str,
    /// Digits after the point.
    pub digits: usize,
}

impl Metric {
    /// From a key, canonical or not. What no probe measures is a metric without scores.
    pub fn new(key: &str) -> Metric {
        match catalogue::parse(key) {
            Some(key) => Metric {
                key: key.to_string(),
                lower: key.spec.lower(),
                unit: key.spec.unit.name(),
                digits: key.spec.digits,
            },
            None => Metric { key: key.into(), lower: false, unit: "", digits: 2 },
        }
    }

    /// Whether a difference `a − b` of this size says that `a` is better.
    pub fn better(&self, difference: f64) -> bool {
        if self.lower {
            difference < 0.0
        } else {
            difference > 0.0
        }
    }
}

/// The run's clips of `key`, shares as fractions; `None` when it has none.
pub fn of(run: &Run, key: &Key) -> Result<Option<Scored>> {
    let found = catalogue::visit(key.probe, Asked { run, keys: std::slice::from_ref(key) }).transpose()?;
    Ok(found.and_then(|mut one| one.pop()).filter(|one| !one.clips.is_empty()))
}

/// Scores of one run; only those in `wanted` (canonical keys), if given.
pub fn read(run: &Run, wanted: Option<&BTreeSet<String>>) -> Result<Scores> {
    let Some(wanted) = wanted else {
        let mut all = Scores::new();
        for probe in PROBES {
            all.extend(catalogue::visit(probe.name, Unasked { run }).transpose()?.unwrap_or_default());
        }
        return Ok(all);
    };
    let mut by_probe: BTreeMap<&str, Vec<Key>> = BTreeMap::new();
    for key in wanted.iter().filter_map(|key| catalogue::parse(key)) {
        by_probe.entry(key.probe).or_default().push(key);
    }
    let mut all = Scores::new();
    for (probe, keys) in by_probe {
        let found = catalogue::visit(probe, Asked { run, keys: &keys }).transpose()?.unwrap_or_default();
        let in_unit = keys.iter().zip(found).map(|(key, one)| in_unit(key, one.clips));
        all.extend(in_unit.filter(|(_, clips)| !clips.is_empty()));
    }
    Ok(all)
}

/// Keys of one probe.
struct Asked<'a> {
    run: &'a Run,
    keys: &'a [Key],
}

impl Visitor for Asked<'_> {
    type Output = Result<Vec<Scored>>;

    fn visit<R: ScoreRow>(self) -> Self::Output {
        let rows = self.run.examples::<R>()?.unwrap_or_default();
        Ok(self.keys.iter().map(|key| scored(&rows, key, self.run.record.clips.test)).collect())
    }
}

/// What a comparison takes of one probe when it is not told what.
struct Unasked<'a> {
    run: &'a Run,
}

impl Visitor for Unasked<'_> {
    type Output = Result<Scores>;

    fn visit<R: ScoreRow>(self) -> Self::Output {
        if R::QUANTITIES.iter().all(|q| q.unasked.is_none()) {
            return Ok(Scores::new());
        }
        let rows = self.run.examples::<R>()?.unwrap_or_default();
        Ok(compared(&rows, self.run.record.clips.test))
    }
}
