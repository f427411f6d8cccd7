//! What `nano4m report` says when it is done.

use super::left_out::LeftOut;
use serde::Serialize;

/// What `generate` did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Directory names of the runs used.
    pub runs: Vec<String>,
    pub tables: Vec<Written>,
    pub plots: Vec<String>,
    /// Files that show everything.
    pub pages: Vec<String>,
    /// Runs whose scores are too large to lie with the report.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without_scores: Vec<String>,
    /// Runs of another version of nano4m, and damaged ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// One table on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    pub table: String,
    /// e.g. `v0001`.
    pub version: String,
    /// Whether this version is new.
    pub new: bool,
    pub rows: usize,
}

impl Summary {
    /// One line per table, then the runs.
    pub fn text(&self) -> String {
        let width = self.tables.iter().map(|t| t.table.len()).max().unwrap_or(0);
        let line = |t: &Written| {
            let state = if t.new { "new" } else { "unchanged" };
            let rows = if t.rows == 1 { "row" } else { "rows" };
            format!("{:width$}  {}  {state}, {} {rows}\n", t.table, t.version, t.rows)
        };
        let tables: String = self.tables.iter().map(line).collect();
        let runs = if self.runs.len() == 1 { "run" } else { "runs" };
        let plots = if self.plots.len() == 1 { "plot" } else { "plots" };
        let pages: String = self.pages.iter().map(|p| format!(", {p}")).collect();
        let without = if self.without_scores.is_empty() {
            String::new()
        } else {
            let runs = self.without_scores.join(", ");
            format!("too large to lie with the report, so only checkable where the run is: the scores of {runs}\n")
        };
        format!(
            "{tables}{} {plots}{pages}; made from {} {runs}: {}\n{without}",
            self.plots.len(),
            self.runs.len(),
            self.runs.join(", ")
        )
    }
}
