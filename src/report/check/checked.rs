//! What a check says.

use crate::report::archive::CellDifference;
use serde::Serialize;
use std::collections::BTreeMap;

/// What was compared in one folder of reports, and what differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Folder of the reports.
    pub reports: String,
    /// Tables that were computed again.
    pub tables: usize,
    /// Of these, those whose scores lie with the report; of the others at least one run was read from the runs.
    pub from_committed: usize,
    /// Digits in the cells of these tables.
    pub digits: usize,
    /// Plots and pages that were made again.
    pub drawn: usize,
    /// Files that only their digest speaks for: older versions, tables that cannot be checked here, scores.
    pub by_digest: usize,
    /// What differs, each with its place.
    pub differences: Vec<CellDifference>,
    /// Tables that cannot be computed again here.
    pub not_checkable: Vec<Uncheckable>,
    /// What is no difference and worth knowing.
    pub notes: Vec<String>,
}

/// A table that cannot be computed again here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Uncheckable {
    pub table: String,
    /// e.g. `v0001`.
    pub version: String,
    /// In words, with the runs it is about.
    pub why: String,
}

impl Checked {
    /// One line on what was compared, one on each difference, one on what cannot be checked for each reason.
    pub fn text(&self) -> String {
        let mut lines = vec![self.counted()];
        lines.extend(self.differences.iter().map(ToString::to_string));
        let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for one in &self.not_checkable {
            reasons.entry(&one.why).or_default().push(format!("{} {}", one.table, one.version));
        }
        lines.extend(reasons.iter().map(|(why, tables)| {
            let s = if tables.len() == 1 { "" } else { "s" };
            format!("{} table{s} not checkable here: {why} ({})", tables.len(), tables.join(", "))
        }));
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        lines.join("\n")
    }

    fn counted(&self) -> String {
        let Checked { reports, tables, from_committed, digits, drawn, by_digest, .. } = self;
        let from = match tables - from_committed {
            0 if *tables == 0 => String::new(),
            0 => " from committed scores".to_string(),
            all if all == *tables => " from the runs".to_string(),
            some => format!(" from committed scores, {some} tables with runs that are here"),
        };
        let verdict = match self.differences.len() {
            0 => "no difference".to_string(),
            1 => "1 difference".to_string(),
            several => format!("{several} differences"),
        };
        format!(
            "{reports}: {digits} digits of {tables} tables recomputed{from}, {drawn} plots and pages made again, \
             {by_digest} other files held by their SHA-256: {verdict}"
        )
    }
}
