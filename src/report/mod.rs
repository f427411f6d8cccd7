//! Tables and plots from records; needs no tensor library.
//!
//! ```text
//! runs/*/record.json, probes/*.csv  →  runs (groups of seeds)  →  tables  →  reports/
//!   eval_results.md                  front page
//!   <table>/v0001.csv, v0001.md      a new version only when content changed
//!   plots/*.svg, index.html          everything on one page
//! ```

mod cells;
mod check;
pub mod comparison;
mod diff;
pub mod export;
mod format;
mod header;
mod index;
mod plots;
mod published;
mod runs;
mod scores;
pub mod table;
mod tables;
mod versions;

pub use cells::Difference;
pub use check::check;
pub use comparison::Comparison;
pub use diff::{diff, Diff};
pub use header::Header;
pub use plots::Plot;
pub use table::Table;

use crate::fault::{Fault, Result};
use crate::record::AblationRecord;
use crate::stats::Plan;
use serde::Serialize;
use std::path::Path;

/// What a report is made from and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Directory names of the runs to use; absent: every finished run, the last attempt of each.
    pub only: Option<Vec<String>>,
    /// Level, seed and replicates of the intervals.
    pub plan: Plan,
}

/// Tables (front page first, ablations last) and plots, before anything is written.
pub struct Report {
    pub tables: Vec<(Table, Header)>,
    pub plots: Vec<Plot>,
}

/// What `generate` did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Directory names of the runs used.
    pub runs: Vec<String>,
    pub tables: Vec<Written>,
    pub plots: Vec<String>,
    /// Files that show everything.
    pub pages: Vec<String>,
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

/// Computes everything and writes nothing.
///
/// # Errors
/// If there is no finished run, or one cannot be read.
pub fn build(runs_root: &Path, options: &Options) -> Result<Report> {
    let groups = runs::load(runs_root, options.only.as_deref())?;
    if groups.is_empty() {
        return Err(Fault::invalid("no finished run to report on")
            .at(runs_root.display().to_string())
            .help("`nano4m run MANIFEST` makes one; `nano4m ls` lists what there is"));
    }
    let context = tables::Context { groups: &groups, plan: options.plan };
    let tables = tables::all(&context)?;
    let plots = plots::all(&groups, &tables)?;
    let header = |t: &Table| Header::new(&t.name, t.schema, &options.plan, &groups);
    let tables = tables.into_iter().map(|t| (header(&t), t)).map(|(h, t)| (t, h)).collect();
    Ok(Report { tables, plots })
}

/// Appends the tables and plots of every ablation that was run and has a finished run left.
fn add_ablations(report: &mut Report, runs_root: &Path, plan: &Plan) -> Result<()> {
    for record in AblationRecord::list(runs_root)? {
        if comparison::has_runs(runs_root, &record) {
            let compared = comparison::ablation(runs_root, &record, plan)?;
            report.tables.extend(compared.tables);
            report.plots.extend(compared.plots);
        }
    }
    Ok(())
}

/// Builds the report, ablations included unless only some runs are asked for, and writes what
/// changed under `reports`.
pub fn generate(runs_root: &Path, reports: &Path, options: &Options) -> Result<Summary> {
    let mut report = build(runs_root, options)?;
    if options.only.is_none() {
        add_ablations(&mut report, runs_root, &options.plan)?;
    }
    let tables = write(reports, &report.tables, &report.plots)?;
    versions::write_if_changed(&reports.join("index.html"), &index::page(&report))?;
    let runs = report.tables[0].1.origins.iter().map(|o| o.run.clone()).collect();
    let (table, header) = &report.tables[0];
    versions::write_if_changed(
        &reports.join("eval_results.md"),
        &export::front(table, header, &links(reports)),
    )?;
    let plots = report.plots.into_iter().map(|p| p.name).collect();
    Ok(Summary { runs, tables, plots, pages: vec!["index.html".into(), "eval_results.md".into()] })
}

/// Writes the tables and plots of one ablation and refreshes the front page's links; `index.html`
/// is left to [`generate`], which puts everything on it.
///
/// # Errors
/// If the ablation was not run, or nothing of it is left.
pub fn generate_ablation(
    runs_root: &Path,
    reports: &Path,
    name: &str,
    plan: &Plan,
) -> Result<(Comparison, Summary)> {
    let record = comparison::find(runs_root, name)?;
    let comparison = comparison::ablation(runs_root, &record, plan)?;
    let tables = write(reports, &comparison.tables, &comparison.plots)?;
    let front = reports.join("eval_results.md");
    if let Ok(text) = std::fs::read_to_string(&front) {
        versions::write_if_changed(&front, &export::with_links(&text, &links(reports)))?;
    }
    let runs = comparison.tables[0].1.origins.iter().map(|o| o.run.clone()).collect();
    let plots = comparison.plots.iter().map(|p| p.name.clone()).collect();
    Ok((comparison, Summary { runs, tables, plots, pages: vec![] }))
}

/// A version of each table that changed, and the plots.
fn write(reports: &Path, tables: &[(Table, Header)], plots: &[Plot]) -> Result<Vec<Written>> {
    let mut written = Vec::new();
    for (table, header) in tables {
        let (csv, markdown) = (export::csv(table, header), export::markdown(table, header));
        let (version, new) = versions::write(reports, &table.name, &csv, &markdown)?;
        let (table, rows) = (table.name.to_string(), table.rows.len());
        written.push(Written { table, version: versions::stem(version), new, rows });
    }
    for plot in plots {
        versions::write_if_changed(&reports.join("plots").join(format!("{}.svg", plot.name)), &plot.svg)?;
    }
    Ok(written)
}

/// Every table with its latest version.
fn links(reports: &Path) -> Vec<(String, String)> {
    let latest = |name: String| {
        let version = *versions::list(reports, &name).last()?;
        Some((name, versions::stem(version)))
    };
    versions::tables(reports).into_iter().filter_map(latest).collect()
}
