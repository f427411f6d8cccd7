//! What a run scored on a key, clip by clip: read from its per-example files for comparisons and claims.

use super::runs::Run;
use crate::fault::Result;
use crate::metrics::catalogue::{self, Visitor, PROBES};
use crate::metrics::scored::{compared, in_unit, scored, Facts, Scored};
use crate::metrics::{Clips, Key, ScoreRow};
use std::collections::BTreeMap;

/// Key, in its one spelling, → clips, in the key's unit.
pub type Scores = BTreeMap<String, Clips>;

/// The run's clips of `key`, shares as fractions; `None` when it has none.
pub fn of(run: &Run, key: &Key) -> Result<Option<Scored>> {
    let found = catalogue::visit(key.probe, Asked { run, keys: std::slice::from_ref(key) }).transpose()?;
    Ok(found.and_then(|mut one| one.pop()).filter(|one| !one.clips.is_empty()))
}

/// Scores of one run; only those in `wanted`, if given.
pub fn read(run: &Run, wanted: Option<&[Key]>) -> Result<Scores> {
    let Some(wanted) = wanted else {
        let mut scores = Scores::new();
        for probe in PROBES {
            scores.extend(catalogue::visit(probe.name, Unasked { run }).transpose()?.unwrap_or_default());
        }
        return Ok(scores);
    };
    let mut by_probe: BTreeMap<&str, Vec<Key>> = BTreeMap::new();
    for key in wanted {
        by_probe.entry(key.probe).or_default().push(key.clone());
    }
    let mut scores = Scores::new();
    for (probe, keys) in by_probe {
        let found = catalogue::visit(probe, Asked { run, keys: &keys }).transpose()?.unwrap_or_default();
        let in_unit = keys.iter().zip(found).map(|(key, one)| in_unit(key, one.clips));
        scores.extend(in_unit.filter(|(_, clips)| !clips.is_empty()));
    }
    Ok(scores)
}

/// Keys of one probe.
struct Asked<'a> {
    run: &'a Run,
    keys: &'a [Key],
}

impl Visitor for Asked<'_> {
    type Output = Result<Vec<Scored>>;

    fn visit<R: ScoreRow>(self) -> Self::Output {
        let (rows, record) = (self.run.examples::<R>()?.unwrap_or_default(), &self.run.record);
        let vocab = |name: &str| record.modalities.iter().find(|m| m.name == name).map(|m| m.vocab as u64);
        let facts = Facts { test_clips: record.clips.test, vocab: &vocab };
        let measured = |key: &Key| R::ROWS_NAME_THEIR_SUBJECT || record.metric(&key.to_string()).is_some();
        let scores = |key: &Key| if measured(key) { scored(&rows, key, &facts) } else { Scored::default() };
        Ok(self.keys.iter().map(scores).collect())
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
