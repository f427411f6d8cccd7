//! Writes a report: versions of its tables, plots, and the two pages.

use super::archive::{sums, versions};
use super::build::{build, nothing, of_groups, Options, Report};
use super::comparison::{self, ComparisonTables};
use super::plots::Plot;
use super::runs::{self, Choice};
use super::shipped::{self, Needed};
use super::summary::{Summary, Written};
use super::table::{self, Header, Table};
use super::{front, page};
use crate::fault::{Fault, Result};
use crate::record::AblationRecord;
use crate::stats::Bootstrap;
use std::fs::File;
use std::path::Path;

/// Builds the report and writes what changed under `reports`. Unless only some runs are asked for:
/// every ablation that was run and has a run left, and of the runs those made for no ablation.
///
/// # Errors
/// If there is nothing to report on, or a run or page cannot be read or written. Runs of another version end it
/// only where they are asked for.
pub fn generate(runs_root: &Path, reports: &Path, options: &Options) -> Result<Summary> {
    if options.only.is_some() {
        let main = build(runs_root, options)?;
        return publish(runs_root, reports, &[Part::of_runs(&main)], false);
    }
    let records = AblationRecord::list(runs_root)?;
    let mut ablations: Vec<(ComparisonTables, &AblationRecord)> = Vec::new();
    for record in &records {
        if comparison::has_runs(runs_root, record)? {
            ablations.push((comparison::ablation(runs_root, record, &options.plan)?, record));
        }
    }
    let loaded = runs::load(runs_root, Choice::Experiments)?;
    let (left_out, groups) = (loaded.left_out(), loaded.groups);
    if groups.is_empty() && ablations.is_empty() {
        return Err(nothing(runs_root)?);
    }
    let main = if groups.is_empty() { None } else { Some(of_groups(&groups, &options.plan)?) };
    let parts: Vec<Part> = main
        .iter()
        .map(Part::of_runs)
        .chain(ablations.iter().map(|(c, r)| Part::of_ablation(c, r)))
        .collect();
    let summary = publish(runs_root, reports, &parts, main.is_none())?;
    Ok(Summary { left_out, ..summary })
}

/// What one article of the page is made of.
struct Part<'a> {
    name: &'a str,
    tables: &'a [(Table, Header)],
    plots: &'a [Plot],
    /// What of which runs it is made from.
    needed: Vec<Needed>,
    ablation: Option<&'a AblationRecord>,
}

impl Part<'_> {
    fn of_runs(report: &Report) -> Part<'_> {
        let Report { tables, plots, needed, .. } = report;
        Part { name: page::RUNS, tables, plots, needed: needed.clone(), ablation: None }
    }

    fn of_ablation<'a>(comparison: &'a ComparisonTables, record: &'a AblationRecord) -> Part<'a> {
        let ComparisonTables { tables, plots, .. } = comparison;
        let runs: Vec<String> = tables[0].1.origins.iter().map(|origin| origin.run.clone()).collect();
        let needed = shipped::of_ablation(record, &runs);
        Part { name: &tables[0].0.name, tables, plots, needed, ablation: Some(record) }
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
) -> Result<(ComparisonTables, Summary)> {
    let record = comparison::find(runs_root, name)?;
    let comparison = comparison::ablation(runs_root, &record, plan)?;
    let summary = publish(runs_root, reports, &[Part::of_ablation(&comparison, &record)], false)?;
    let left_out = comparison.left_out.clone();
    Ok((comparison, Summary { left_out, ..summary }))
}

/// Writes the parts of a report: the scores they are made from first, then tables and plots, and both pages with
/// what they had of others; the digests last. `no_runs`: there is no run outside ablations any more.
fn publish(runs_root: &Path, reports: &Path, parts: &[Part], no_runs: bool) -> Result<Summary> {
    std::fs::create_dir_all(reports).map_err(|e| Fault::io("create", reports, &e))?;
    let _held = hold(reports);
    let needed = together(parts);
    let ablations: Vec<&AblationRecord> = parts.iter().filter_map(|part| part.ablation).collect();
    let shipped::Published { mut files, too_large } =
        shipped::publish(runs_root, reports, &needed, &ablations)?;
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
    let of_table = |written: &Written| {
        ["csv", "md"].map(|extension| format!("{}/{}.{extension}", written.table, written.version))
    };
    files.extend(tables.iter().flat_map(of_table));
    files.extend(plots.iter().map(|name| plot_file(name)));
    files.extend(pages(reports, parts, no_runs)?);
    sums::update(reports, &files)?;
    let pages = vec!["index.html".into(), "eval_results.md".into()];
    Ok(Summary { runs, tables, plots, pages, without_scores: too_large, left_out: vec![] })
}

/// One report at a time writes here; on a file system without locks two at once can lose lines of the index and an
/// article of the page, which the next report writes again.
fn hold(reports: &Path) -> Option<File> {
    let folder = File::open(reports).ok()?;
    folder.lock().ok().map(|()| folder)
}

/// What is needed of each run, once: two parts may share it.
fn together(parts: &[Part]) -> Vec<Needed> {
    let mut together: Vec<Needed> = Vec::new();
    for needed in parts.iter().flat_map(|part| &part.needed) {
        match together.iter_mut().find(|other| other.run == needed.run) {
            Some(other) => other.files.extend(needed.files.iter().cloned()),
            None => together.push(needed.clone()),
        }
    }
    together
}

/// Writes `index.html` and `eval_results.md`.
fn pages(reports: &Path, parts: &[Part], no_runs: bool) -> Result<[String; 2]> {
    let path = reports.join("index.html");
    let new = parts.iter().map(|p| page::Article::new(p.name, p.tables, p.plots)).collect();
    let keep = |name: &str| match name {
        page::RUNS => !no_runs,
        ablation => !versions::list(reports, ablation).is_empty(),
    };
    versions::write_if_changed(&path, &page::page(old_page(&path)?.as_deref(), new, keep))?;

    let (path, links) = (reports.join("eval_results.md"), front::links(reports));
    let text = match (parts.iter().find(|p| p.name == page::RUNS), old_page(&path)?) {
        (Some(main), _) => front::page(&main.tables[0].0, &main.tables[0].1, &links),
        (None, Some(text)) if !no_runs => front::with_links(&text, &links),
        (None, _) => front::without_runs(&links),
    };
    versions::write_if_changed(&path, &text)?;
    Ok(["index.html", "eval_results.md"].map(String::from))
}

/// Where a plot stands inside the reports.
pub fn plot_file(name: &str) -> String {
    format!("plots/{name}.svg")
}

/// What stands in a page now.
fn old_page(path: &Path) -> Result<Option<String>> {
    match crate::store::regular::read_own_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Fault::io("read", path, &e)),
    }
}

/// A version of each table that changed, and the plots.
fn write(reports: &Path, tables: &[(Table, Header)], plots: &[Plot]) -> Result<Vec<Written>> {
    let mut written = Vec::new();
    for (table, header) in tables {
        let (csv, markdown) = (table::csv(table, header), table::markdown(table, header));
        let (version, new) = versions::write(reports, &table.name, &csv, &markdown)?;
        let (table, rows) = (table.name.to_string(), table.rows.len());
        written.push(Written { table, version: versions::stem(version), new, rows });
    }
    for plot in plots {
        versions::write_if_changed(&reports.join(plot_file(&plot.name)), &plot.svg)?;
    }
    Ok(written)
}
