//! `report diff`: which cells changed between two versions of a table, and why.

use super::read::{parse_csv, CellDifference};
use super::versions;
use crate::fault::{Fault, Result};
use crate::report::table::{Header, Origin};
use crate::store::RunId;
use serde::Serialize;
use std::path::Path;

/// Changes of one table between two versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    pub table: String,
    pub from: String,
    pub to: String,
    /// What the heads of the tables say changed: data, code, manifest, runs or statistics.
    pub causes: Vec<String>,
    /// `found` is the newer value, `expected` the older one.
    pub cells: Vec<CellDifference>,
}

impl std::fmt::Display for Diff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Diff { table, from, to, causes, cells } = self;
        let causes = if causes.is_empty() { "nothing in the heads".to_string() } else { causes.join(", ") };
        write!(f, "{table} {from} → {to}: {} cells; changed: {causes}", cells.len())?;
        cells.iter().try_for_each(|c| {
            write!(f, "\n  row `{}`, column `{}`: {} → {}", c.row, c.column, c.expected, c.found)
        })
    }
}

/// Differences of `table`, or of all tables that have both versions.
///
/// # Errors
/// If no table has both versions (exit 2).
pub fn diff(reports: &Path, table: Option<&str>, from: &str, to: &str) -> Result<Vec<Diff>> {
    let number = |stem: &str| {
        versions::parse(stem).ok_or_else(|| {
            Fault::invalid("not a version of a table").found(stem).expected("a version such as v0001")
        })
    };
    let (a, b) = (number(from)?, number(to)?);
    let names = versions::tables(reports);
    if let Some(wanted) = table.filter(|t| !names.iter().any(|n| n == t)) {
        return Err(unknown(reports, wanted, &names));
    }
    let has_both = |n: &&String| {
        let have = versions::list(reports, n);
        table.is_none_or(|t| t == n.as_str()) && have.contains(&a) && have.contains(&b)
    };
    let chosen: Vec<&String> = names.iter().filter(has_both).collect();
    if chosen.is_empty() {
        let have = |n: &String| {
            let stems: Vec<String> = versions::list(reports, n).into_iter().map(versions::stem).collect();
            format!("{n}: {}", stems.join(" "))
        };
        let found: Vec<String> =
            names.iter().filter(|n| table.is_none_or(|t| t == n.as_str())).map(have).collect();
        return Err(Fault::invalid(format!(
            "no table has both {} and {}",
            versions::stem(a),
            versions::stem(b)
        ))
        .at(reports.display().to_string())
        .found(found.join(", ")));
    }
    chosen.into_iter().map(|table| diff_of(reports, table, a, b)).collect()
}

fn unknown(reports: &Path, wanted: &str, names: &[String]) -> Fault {
    let near = names
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(wanted, a).total_cmp(&strsim::jaro_winkler(wanted, b)));
    let fault = Fault::invalid(format!("no table is called `{wanted}`")).at(reports.display().to_string());
    match near.filter(|n| strsim::jaro_winkler(wanted, n) > 0.8) {
        Some(n) => fault.help(format!("did you mean `{n}`?")),
        None => fault.found(names.join(", ")),
    }
}

fn diff_of(reports: &Path, table: &str, a: u32, b: u32) -> Result<Diff> {
    let (old, new) = (versions::read(reports, table, a, "csv")?, versions::read(reports, table, b, "csv")?);
    let keys = keys(&old, &new);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let file = format!("{table}/{}.csv", versions::stem(b));
    let cells = parse_csv(&new, &keys)?.differences(&parse_csv(&old, &keys)?, table, &file);
    let mut causes = match (Header::parse(&old), Header::parse(&new)) {
        (Some(old), Some(new)) => causes(&old, &new),
        _ => vec!["the head of a version cannot be read".into()],
    };
    if causes.is_empty() && !cells.is_empty() {
        causes.push("records: same runs, other scores, or another version of the report's code".into());
    }
    Ok(Diff { table: table.into(), from: versions::stem(a), to: versions::stem(b), causes, cells })
}

/// Names of rows: every column before the first number, common to both.
fn keys(old: &str, new: &str) -> Vec<String> {
    const NAMES: [&str; 21] = [
        "claim",
        "against",
        "experiment",
        "seed",
        "modality",
        "source",
        "inputs",
        "method",
        "class",
        "query",
        "gallery",
        "direction",
        "part",
        "control",
        "quantity",
        // Of comparisons.
        "metric",
        "cell",
        "a",
        "b",
        "axis",
        "label",
    ];
    let head = |text: &str| -> Vec<String> {
        let line = text.lines().find(|l| !l.starts_with('#')).unwrap_or_default();
        line.split(',').map(Into::into).collect()
    };
    let other = head(new);
    // `target` names a row of the table of generated tokens, too.
    head(old)
        .into_iter()
        .filter(|c| other.contains(c) && (NAMES.contains(&c.as_str()) || c == "target"))
        .collect()
}

/// What changed, most basic first.
fn causes(old: &Header, new: &Header) -> Vec<String> {
    let mut causes = Vec::new();
    if old.schema != new.schema {
        causes.push(format!("schema: {} → {}", old.schema, new.schema));
    }
    if old.statistics != new.statistics {
        causes.push(format!("statistics: {} → {}", old.statistics, new.statistics));
    }
    for run in new.origins.iter().filter(|o| !old.origins.iter().any(|p| p.run == o.run)) {
        match nearest(run, &old.origins) {
            Some(before) => causes.extend(changed(before, run)),
            None => causes.push(format!("runs: {} is new", run.run)),
        }
    }
    let replaced =
        |o: &&Origin| new.origins.iter().any(|n| n.run == o.run || nearest(n, &old.origins) == Some(o));
    causes.extend(old.origins.iter().filter(|o| !replaced(o)).map(|o| format!("runs: {} is gone", o.run)));
    causes
}

/// The run of the same name and seeds.
fn nearest<'a>(run: &Origin, all: &'a [Origin]) -> Option<&'a Origin> {
    let name = |origin: &Origin| RunId::parse(&origin.run).map(|id| id.name);
    all.iter().find(|other| name(other) == name(run) && other.seeds == run.seeds)
}

fn changed(old: &Origin, new: &Origin) -> Vec<String> {
    let parts = [
        ("data", &old.data, &new.data),
        ("code", &old.code, &new.code),
        ("manifest", &old.manifest, &new.manifest),
        ("drift", &old.drift, &new.drift),
    ];
    let changed = parts.iter().filter(|(_, a, b)| a != b);
    let mut causes: Vec<String> =
        changed.map(|(what, a, b)| format!("{what}: {} → {} ({} → {})", a, b, old.run, new.run)).collect();
    if causes.is_empty() {
        causes.push(format!("runs: {} → {}", old.run, new.run));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(run: &str, data: &str) -> Header {
        let origin = Origin {
            run: run.into(),
            code: "c".into(),
            data: data.into(),
            manifest: "m".into(),
            seeds: "1/1/1/1".into(),
            drift: "none".into(),
        };
        Header { table: "t".into(), schema: "1".into(), statistics: "s".into(), origins: vec![origin] }
    }

    #[test]
    fn causes_are_named() {
        let (a, b) = (header("x-0000000000", "d"), header("x-1111111111", "e"));
        assert_eq!(causes(&a, &b), ["data: d → e (x-0000000000 → x-1111111111)"]);
        assert_eq!(causes(&a, &a), [""; 0]);
        let c = header("y-2222222222", "d");
        assert_eq!(causes(&a, &c), ["runs: y-2222222222 is new", "runs: x-0000000000 is gone"]);
        let again = header("x-0000000000-a2", "e");
        assert_eq!(causes(&a, &again), ["data: d → e (x-0000000000 → x-0000000000-a2)"]);
        let other = Header { statistics: "t".into(), ..header("x-0000000000", "d") };
        assert_eq!(causes(&a, &other), ["statistics: s → t"]);
    }
}
