//! The tables and plots of a comparison.

use super::ranking::Grid;
use super::sides::{Comparison, Side};
use super::speed::{self, Speed};
use super::{notes, pareto, tables};
use crate::fault::{Fault, Result};
use crate::record::ablation::{self, AblationRecord};
use crate::report::build::with_headers;
use crate::report::left_out::LeftOut;
use crate::report::plots::Plot;
use crate::report::runs::{self, Choice};
use crate::report::table::{Header, Table};
use crate::stats::Bootstrap;
use crate::suggest::nearest;
use std::collections::BTreeSet;
use std::path::Path;

/// Tables and plots of a comparison, before anything is written.
pub struct ComparisonTables {
    /// Cells, declared claims, main effects, pairs; of two experiments the pairs only.
    pub tables: Vec<(Table, Header)>,
    pub plots: Vec<Plot>,
    /// Runs of another version of nano4m, and damaged ones.
    pub left_out: Vec<LeftOut>,
    /// Tokens per second as recorded: never the same twice, so it stands in no table.
    pub speed: Vec<Speed>,
}

/// The cells of an ablation that was run.
///
/// # Errors
/// If none of its runs is there, or their scores cannot be read.
pub fn ablation(runs_root: &Path, record: &AblationRecord, plan: &Bootstrap) -> Result<ComparisonTables> {
    let comparison = Comparison::ablation(runs_root, record)?;
    let grid = Grid::new(&comparison, plan);
    let names =
        (format!("ablation_{}_pairs", comparison.name), format!("Ablation {}: every pair", comparison.name));
    let mut made = vec![tables::cells(&comparison, &grid, plan, notes::cells(&comparison, &grid, plan))];
    made.extend(tables::claims(&comparison, plan, notes::claims(&comparison, plan)));
    made.extend(tables::main_effects(&comparison, &grid.metrics, plan, notes::tests(&comparison, plan)));
    made.push(tables::pairs(&comparison, &grid, plan, names, notes::pairs(&comparison, &grid, plan)));
    let plots = pareto::all(&comparison, &grid, plan)?;
    Ok(finished(&comparison, made, plots, plan))
}

/// Two experiments with all their seeds, or two runs, named as elsewhere.
///
/// # Errors
/// If a name is nobody's or several's, scores cannot be read, the two have a run in common, or no metric.
pub fn pair(runs_root: &Path, a: &str, b: &str, plan: &Bootstrap) -> Result<ComparisonTables> {
    let comparison = Comparison::pair(runs_root, a, b)?;
    let [mine, other] = [0, 1].map(|i| &comparison.sides[i].runs);
    if let Some(both) = mine.iter().find(|run| other.iter().any(|r| r.path == run.path)) {
        return Err(Fault::invalid(format!("both sides have the run {}", both.directory))
            .found(format!("{a} and {b}"))
            .help("compare two runs, or two experiments, that share none; `nano4m ls` lists them"));
    }
    let grid = Grid::new(&comparison, plan);
    if grid.pairs.iter().all(|pair| pair.tested.is_err()) {
        return Err(nothing_in_common(&comparison));
    }
    let [first, second] = [0, 1].map(|i| comparison.sides[i].title());
    let names = ("comparison".to_string(), format!("a = {first}, b = {second}"));
    let table = tables::pairs(&comparison, &grid, plan, names, notes::pairs(&comparison, &grid, plan));
    Ok(finished(&comparison, vec![table], vec![], plan))
}

/// Why there is nothing to compare.
fn nothing_in_common(comparison: &Comparison) -> Fault {
    let [a, b] = [0, 1].map(|i| &comparison.sides[i]);
    let what = format!("`{}` and `{}` have no metric that both measured on the same clips", a.label, b.label);
    let data = |side: &Side| side.runs.first().map(|run| run.record.data_hash.clone());
    let measured = |side: &Side| {
        let keys = side.scores.values().flat_map(|scores| scores.keys()).collect::<BTreeSet<_>>();
        format!("{} measured {} metric{}", side.label, keys.len(), if keys.len() == 1 { "" } else { "s" })
    };
    let fault = Fault::invalid(what).found(format!("{}; {}", measured(a), measured(b)));
    fault.help(if data(a) == data(b) {
        "give both manifests the same probes and measure again with `nano4m run`"
    } else {
        "their datasets are different: compare runs on one dataset"
    })
}

fn finished(
    comparison: &Comparison,
    tables: Vec<Table>,
    plots: Vec<Plot>,
    plan: &Bootstrap,
) -> ComparisonTables {
    let tables = with_headers(tables, plan, &comparison.groups());
    ComparisonTables { tables, plots, left_out: comparison.left_out.clone(), speed: speed::all(comparison) }
}

/// Whether a run of the ablation is there that can be used.
///
/// # Errors
/// If the folder cannot be listed.
pub fn has_runs(runs_root: &Path, record: &AblationRecord) -> Result<bool> {
    let named: Vec<String> =
        record.cells.iter().flat_map(|c| &c.runs).map(|run| run.directory.clone()).collect();
    Ok(!runs::load(runs_root, Choice::Only(&named))?.groups.is_empty())
}

/// Names of an ablation's tables, whether it has them or not.
pub fn table_names(record: &AblationRecord) -> [String; 4] {
    ["", "_claims", "_effects", "_pairs"].map(|part| format!("ablation_{}{part}", record.name))
}

/// The record of the ablation with that name.
///
/// # Errors
/// Exit 2 if it was not run, with the nearest name.
pub fn find(runs_root: &Path, name: &str) -> Result<AblationRecord> {
    let path = AblationRecord::path(runs_root, name);
    if path.is_file() {
        return AblationRecord::read(&path);
    }
    let fault = Fault::invalid(format!("no ablation is called `{name}`"))
        .at(runs_root.join(ablation::FOLDER).display().to_string());
    let names: Vec<String> = AblationRecord::list(runs_root)?.into_iter().map(|a| a.name).collect();
    Err(match (nearest(name, names.iter().map(String::as_str)), names.as_slice()) {
        (Some(near), _) => fault.help(format!("did you mean `{near}`?")),
        (None, []) => fault.help(format!("`nano4m ablate {name}` runs it")),
        (None, _) => fault.found(names.join(", ")),
    })
}
