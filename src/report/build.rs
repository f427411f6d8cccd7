//! The report before anything is written.

use super::left_out::{self, LeftOut};
use super::plots::{self, Plot};
use super::runs::{self, Choice, Group};
use super::shipped::{self, Needed};
use super::table::{Header, Table};
use super::tables;
use crate::fault::{Fault, Result};
use crate::record::AGAIN;
use crate::stats::Bootstrap;
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
    /// Runs of another version of nano4m, and damaged ones.
    pub left_out: Vec<LeftOut>,
    /// What of which runs it is made from.
    pub needed: Vec<Needed>,
}

/// Computes everything but ablations and writes nothing.
///
/// # Errors
/// If there is no finished run, or one cannot be read; of those asked for also because it is of another version.
pub fn build(runs_root: &Path, options: &Options) -> Result<Report> {
    let choice = options.only.as_deref().map_or(Choice::All, Choice::Only);
    let loaded = runs::load(runs_root, choice)?;
    let left_out = loaded.left_out();
    let groups = if options.only.is_some() { loaded.whole()? } else { loaded.groups };
    if groups.is_empty() {
        return Err(nothing(runs_root)?);
    }
    Ok(Report { left_out, ..of_groups(&groups, &options.plan)? })
}

/// Tables and plots of these runs.
pub fn of_groups(groups: &[Group], plan: &Bootstrap) -> Result<Report> {
    let tables = tables::all(&tables::Context { groups, plan: *plan })?;
    let plots = plots::all(groups, &tables)?;
    let tables = with_headers(tables, plan, groups);
    Ok(Report { tables, plots, left_out: vec![], needed: shipped::of_runs(groups) })
}

/// Each table with its head.
pub fn with_headers(tables: Vec<Table>, plan: &Bootstrap, groups: &[Group]) -> Vec<(Table, Header)> {
    let head = |table: Table| {
        let header = Header::new(&table, plan, runs::origins(groups));
        (table, header)
    };
    tables.into_iter().map(head).collect()
}

/// Why there is nothing to report on.
pub fn nothing(runs_root: &Path) -> Result<Fault> {
    let place = runs_root.display().to_string();
    let loaded = runs::load(runs_root, Choice::All)?;
    let Some(cell) = loaded.groups.iter().flat_map(|g| &g.runs).find_map(|run| run.record.made_for.as_ref())
    else {
        let left_out = loaded.left_out();
        if !left_out.is_empty() {
            let old = left_out.iter().all(|run| run.damage.is_none());
            let names: Vec<String> = left_out.iter().map(|run| run.run.clone()).collect();
            let fault = if old {
                Fault::invalid("every finished run is of another version of nano4m").help(AGAIN)
            } else {
                Fault::failed(left_out::lines(&left_out).join("; "))
                    .help("`nano4m run MANIFEST` makes again what of a run is missing or damaged")
            };
            return Ok(fault.at(place).found(names.join(", ")));
        }
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
