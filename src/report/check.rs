//! `report --check`: every digit of the latest tables, recomputed from the per-example scores.

use super::archive::{parse_csv, parse_markdown, versions, CellDifference, NOTHING};
use super::build::{build, Options, Report};
use super::table::{self, ColumnKind, Header, Table};
use super::{comparison, front, runs};
use crate::fault::{Fault, Result};
use crate::record::{AblationRecord, Record};
use crate::store::RunDir;
use std::path::Path;

/// Compares the latest version of every table, and the front page, with what the runs named in
/// them give now. Empty: every digit holds.
///
/// # Errors
/// If there is nothing to check, or a run or its scores cannot be read.
pub fn check(runs_root: &Path, reports: &Path) -> Result<Vec<CellDifference>> {
    let tables = versions::tables(reports);
    if tables.is_empty() {
        return Err(Fault::invalid("no tables to check")
            .at(reports.display().to_string())
            .help("`nano4m report` makes them"));
    }
    let ablations = AblationRecord::list(runs_root)?;
    let mut differences = Vec::new();
    let mut made: Vec<Made> = Vec::new();
    let mut front = None;
    for name in &tables {
        let Some(&version) = versions::list(reports, name).last() else { continue };
        let csv = versions::read(reports, name, version, "csv")?;
        let (header, options) = read_header(reports, name, version, &csv)?;
        let only = options.only.clone().unwrap_or_default();
        let unreadable = of_another_version(runs_root, name, version, &only);
        if !unreadable.is_empty() {
            differences.extend(unreadable);
            continue;
        }
        let ablation = ablations.iter().find(|a| comparison::table_names(a).contains(name));
        let origin = (ablation.map(|a| a.name.clone()), only, header.statistics.clone());
        if name == "eval_results" {
            front = Some(origin.clone());
        }
        if !made.iter().any(|m| m.origin == origin) {
            differences.extend(missing(runs_root, name, version, &origin.1)?);
            made.push(Made { report: again(runs_root, ablation, &options)?, origin: origin.clone() });
        }
        let report = made.iter().find(|m| m.origin == origin).map(|m| &m.report);
        match report.and_then(|r| r.tables.iter().find(|(t, _)| t.name == name.as_str())) {
            Some((table, header)) => differences.extend(compare(reports, version, &csv, table, header)?),
            None => differences.push(whole(
                name,
                &format!("{name}/{}.csv", versions::stem(version)),
                "a table",
                NOTHING,
            )),
        }
    }
    let main = made.iter().find(|m| Some(&m.origin) == front.as_ref());
    differences.extend(front_page(reports, main.map(|m| &m.report))?);
    Ok(differences)
}

/// What the tables on disk should be, and what it was made from: ablation, runs, statistics.
struct Made {
    origin: (Option<String>, Vec<String>, String),
    report: Report,
}

fn again(runs_root: &Path, ablation: Option<&AblationRecord>, options: &Options) -> Result<Report> {
    let Some(record) = ablation else { return build(runs_root, options) };
    let compared = comparison::ablation(runs_root, record, &options.plan)?;
    Ok(Report { tables: compared.tables, plots: compared.plots, left_out: compared.left_out })
}

fn read_header(reports: &Path, name: &str, version: u32, csv: &str) -> Result<(Header, Options)> {
    let path = versions::path(reports, name, version, "csv");
    let bad = || {
        Fault::failed("the head of a table cannot be read")
            .at(path.display().to_string())
            .help("`nano4m report` writes a new version")
    };
    let header = Header::parse(csv).ok_or_else(bad)?;
    let plan = header.plan().ok_or_else(bad)?;
    let only = Some(header.origins.iter().map(|o| o.run.clone()).collect());
    Ok((header, Options { only, plan }))
}

/// Runs that a table names and that are no longer there.
fn missing(root: &Path, table: &str, version: u32, names: &[String]) -> Result<Vec<CellDifference>> {
    let groups = runs::load(root, runs::Choice::Only(names))?.groups;
    let there = |n: &&String| groups.iter().any(|g| g.runs.iter().any(|r| r.directory == **n));
    let file = format!("{table}/{}.csv", versions::stem(version));
    let gone = names.iter().filter(|n| !there(n));
    Ok(gone
        .map(|n| CellDifference { row: format!("run {n}"), ..whole(table, &file, NOTHING, "a finished run") })
        .collect())
}

/// Runs that a table names and that this version cannot read: it cannot be recomputed.
fn of_another_version(root: &Path, table: &str, version: u32, names: &[String]) -> Vec<CellDifference> {
    let file = format!("{table}/{}.csv", versions::stem(version));
    let old = names.iter().filter(|name| {
        RunDir::open(&root.join(name)).is_some_and(|run| run.finished() && Record::of_another_version(&run))
    });
    let difference = |name: &String| CellDifference {
        row: format!("run {name}"),
        ..whole(table, &file, "a run of another version of nano4m", "a run of this version")
    };
    old.map(difference).collect()
}

fn whole(table: &str, file: &str, found: &str, expected: &str) -> CellDifference {
    CellDifference {
        table: table.into(),
        file: file.into(),
        row: "(all)".into(),
        column: "(all)".into(),
        found: found.into(),
        expected: expected.into(),
    }
}

/// Both files of one table.
fn compare(
    reports: &Path,
    version: u32,
    csv: &str,
    table: &Table,
    header: &Header,
) -> Result<Vec<CellDifference>> {
    let file = |extension| format!("{}/{}.{extension}", table.name, versions::stem(version));
    let keys: Vec<&str> =
        table.columns.iter().filter(|c| c.kind == ColumnKind::Key).map(|c| c.name).collect();
    let expected = table::csv(table, header);
    let mut differences = Vec::new();
    if csv != expected {
        let (found, wanted) = (parse_csv(csv, &keys)?, parse_csv(&expected, &keys)?);
        let cells = found.differences(&wanted, &table.name, &file("csv"));
        differences.extend(or_lines(cells, csv, &expected, &table.name, &file("csv")));
    }
    let (found, expected) =
        (versions::read(reports, &table.name, version, "md")?, table::markdown(table, header));
    if found != expected {
        differences.extend(markdown_differences(&found, &expected, table, &file("md")));
    }
    Ok(differences)
}

fn markdown_differences(found: &str, expected: &str, table: &Table, file: &str) -> Vec<CellDifference> {
    let keys: Vec<&str> =
        table.columns.iter().filter(|c| c.kind == ColumnKind::Key).map(|c| c.label).collect();
    let cells = parse_markdown(found, &keys).differences(&parse_markdown(expected, &keys), &table.name, file);
    or_lines(cells, found, expected, &table.name, file)
}

/// The cells that differ, or, where the difference is outside the cells, the lines.
fn or_lines(
    cells: Vec<CellDifference>,
    found: &str,
    expected: &str,
    table: &str,
    file: &str,
) -> Vec<CellDifference> {
    if !cells.is_empty() {
        return cells;
    }
    let (found, expected): (Vec<&str>, Vec<&str>) = (found.lines().collect(), expected.lines().collect());
    let line = |lines: &[&str], i: usize| lines.get(i).map_or(NOTHING.to_string(), |l| l.trim().to_string());
    let all = (0..found.len().max(expected.len())).map(|i| CellDifference {
        row: format!("line {}", i + 1),
        column: "(text)".into(),
        ..whole(table, file, &line(&found, i), &line(&expected, i))
    });
    all.filter(|d| d.found != d.expected).collect()
}

/// `eval_results.md`, as the latest tables would make it.
fn front_page(reports: &Path, report: Option<&Report>) -> Result<Vec<CellDifference>> {
    let path = reports.join("eval_results.md");
    let Some((table, header)) = report.and_then(|r| r.tables.first()) else { return Ok(vec![]) };
    let found = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Ok(vec![whole(&table.name, "eval_results.md", NOTHING, "the front page")])
        }
        Err(e) => return Err(Fault::io("read", &path, &e)),
    };
    let links = front::links(reports);
    let expected = front::page(table, header, &links);
    if found == expected || found == front::without_runs(&links) {
        return Ok(vec![]);
    }
    Ok(markdown_differences(&found, &expected, table, "eval_results.md"))
}
