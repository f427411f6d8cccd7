//! What `nano4m report` says when it is done.

use crate::report::Summary;

/// One line per table, then the runs.
pub fn summary(summary: &Summary) -> String {
    let width = summary.tables.iter().map(|t| t.table.len()).max().unwrap_or(0);
    let line = |t: &crate::report::Written| {
        let state = if t.new { "new" } else { "unchanged" };
        let rows = if t.rows == 1 { "row" } else { "rows" };
        format!("{:width$}  {}  {state}, {} {rows}\n", t.table, t.version, t.rows)
    };
    let tables: String = summary.tables.iter().map(line).collect();
    let runs = if summary.runs.len() == 1 { "run" } else { "runs" };
    let plots = if summary.plots.len() == 1 { "plot" } else { "plots" };
    let pages: String = summary.pages.iter().map(|p| format!(", {p}")).collect();
    format!(
        "{tables}{} {plots}{pages}; made from {} {runs}: {}\n",
        summary.plots.len(),
        summary.runs.len(),
        summary.runs.join(", ")
    )
}
