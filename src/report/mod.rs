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
use crate::stats::Bootstrap;
use runs::{Choice, Group};
use serde::Serialize;
use std::path::Path;

/// What a report is made from and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Directory names of the runs to use; absent: the last attempt of every finished run.
    pub only: Option<Vec<String>>,
    /// Level, seed and replicates of the intervals.
    pub plan: Bootstrap,
}

/// Tables (front page first) and plots of all runs, or of one ablation, before anything is written.
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

/// Computes everything but ablations and writes nothing.
///
/// # Errors
/// If there is no finished run, or one cannot be read.
pub fn build(runs_root: &Path, options: &Options) -> Result<Report> {
    let choice = options.only.as_deref().map_or(Choice::All, Choice::Only);
    let groups = runs::load(runs_root, choice)?;
    if groups.is_empty() {
        return Err(nothing(runs_root)?);
    }
    of_groups(&groups, &options.plan)
}

fn of_groups(groups: &[Group], plan: &Bootstrap) -> Result<Report> {
    let tables = tables::all(&tables::Context { groups, plan: *plan })?;
    let plots = plots::all(groups, &tables)?;
    let header = |t: &Table| Header::new(&t.name, t.schema, plan, groups);
    let tables = tables.into_iter().map(|t| (header(&t), t)).map(|(h, t)| (t, h)).collect();
    Ok(Report { tables, plots })
}

/// Builds the report and writes what changed under `reports`. Unless only some runs are asked for:
/// every ablation that was run and has a run left, and of the runs those made for no ablation.
///
/// # Errors
/// If there is nothing to report on, or a run or page cannot be read or written.
pub fn generate(runs_root: &Path, reports: &Path, options: &Options) -> Result<Summary> {
    if options.only.is_some() {
        let main = build(runs_root, options)?;
        return publish(reports, &[Part::of_runs(&main)], false);
    }
    let records = AblationRecord::list(runs_root)?;
    let present = records.iter().filter(|r| comparison::has_runs(runs_root, r));
    let ablations: Vec<Comparison> =
        present.map(|r| comparison::ablation(runs_root, r, &options.plan)).collect::<Result<_>>()?;
    let groups = runs::load(runs_root, Choice::Experiments)?;
    let main = match groups.is_empty() {
        true if ablations.is_empty() => return Err(nothing(runs_root)?),
        true => None,
        false => Some(of_groups(&groups, &options.plan)?),
    };
    let parts: Vec<Part> =
        main.iter().map(Part::of_runs).chain(ablations.iter().map(Part::of_ablation)).collect();
    publish(reports, &parts, main.is_none())
}

/// Why there is nothing to report on.
fn nothing(runs_root: &Path) -> Result<Fault> {
    let place = runs_root.display().to_string();
    let cells = runs::load(runs_root, Choice::All)?;
    let Some(cell) = cells.iter().flat_map(|g| &g.runs).find_map(|run| run.record.made_for.as_ref()) else {
        return Ok(Fault::invalid("no finished run to report on")
            .at(place)
            .help("`nano4m run MANIFEST` makes one; `nano4m ls` lists what there is"));
    };
    let name = &cell.ablation;
    Ok(Fault::invalid("every finished run belongs to an ablation that is not complete")
        .at(place)
        .found(name)
        .help(format!("`nano4m ablate {name}` goes on with it, `--only RUN` reports on single runs")))
}

/// What one article of the page is made of.
struct Part<'a> {
    name: &'a str,
    tables: &'a [(Table, Header)],
    plots: &'a [Plot],
}

impl Part<'_> {
    fn of_runs(report: &Report) -> Part<'_> {
        Part { name: index::RUNS, tables: &report.tables, plots: &report.plots }
    }

    fn of_ablation(comparison: &Comparison) -> Part<'_> {
        let tables = &comparison.tables;
        Part { name: &tables[0].0.name, tables, plots: &comparison.plots }
    }
}

/// Writes the tables and plots of one ablation, its article on the page, and the front page's links.
///
/// # Errors
/// If the ablation was not run, or nothing of it is left.
pub fn generate_ablation(
    runs_root: &Path,
    reports: &Path,
    name: &str,
    plan: &Bootstrap,
) -> Result<(Comparison, Summary)> {
    let record = comparison::find(runs_root, name)?;
    let comparison = comparison::ablation(runs_root, &record, plan)?;
    let summary = publish(reports, &[Part::of_ablation(&comparison)], false)?;
    Ok((comparison, summary))
}

/// Writes the parts of a report, and both pages with what they had of others; `no_runs`: there is no
/// run outside ablations any more.
fn publish(reports: &Path, parts: &[Part], no_runs: bool) -> Result<Summary> {
    let (mut tables, mut runs, mut plots) = (Vec::new(), Vec::<String>::new(), Vec::new());
    for part in parts {
        tables.extend(write(reports, part.tables, part.plots)?);
        for origin in &part.tables[0].1.origins {
            // Two ablations may share a run.
            if !runs.contains(&origin.run) {
                runs.push(origin.run.clone());
            }
        }
        plots.extend(part.plots.iter().map(|p| p.name.clone()));
    }
    let path = reports.join("index.html");
    let new = parts.iter().map(|p| index::Article::new(p.name, p.tables, p.plots)).collect();
    let keep = |name: &str| match name {
        index::RUNS => !no_runs,
        ablation => !versions::list(reports, ablation).is_empty(),
    };
    versions::write_if_changed(&path, &index::page(old_page(&path)?.as_deref(), new, keep))?;

    let (front, links) = (reports.join("eval_results.md"), links(reports));
    let text = match (parts.iter().find(|p| p.name == index::RUNS), old_page(&front)?) {
        (Some(main), _) => export::front(&main.tables[0].0, &main.tables[0].1, &links),
        (None, Some(text)) if !no_runs => export::with_links(&text, &links),
        (None, _) => export::front_without_runs(&links),
    };
    versions::write_if_changed(&front, &text)?;
    Ok(Summary { runs, tables, plots, pages: vec!["index.html".into(), "eval_results.md".into()] })
}

/// What stands in a page now.
fn old_page(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Fault::io("read", path, &e)),
    }
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
