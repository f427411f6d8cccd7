//! `nano4m gc`: what nobody needs any more, why, and how much it is; removed only with `--yes`.
//!
//! Never touched: a run that some process works on, a run that a table of a report or an ablation's
//! record names (of which only intermediate checkpoints and leftovers go), and runs that can be resumed.

use super::plan::{self, Folders, Item, Removable};
use crate::cli::arguments::{duration, Global};
use crate::cli::done::Done;
use crate::cli::environment::{all_reports, cache_folder, runs_folder};
use crate::cli::{layout, output};
use crate::fault::{Exit, Fault, Result};
use crate::record;
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tabled::builder::Builder;

const SPARED: &str = "\
Goes: failed runs, attempts that a later finished one supersedes, all but the last checkpoint of finished runs, damaged \
checkpoints that were set aside, temporary files that a crash left, programs kept for Slurm tasks that are all finished, \
and cache entries of datasets that no run here uses \
(they are built again when needed).
Stays: runs that some process works on, runs that can be resumed, and every run that a table under reports/ or runs/reports/ or an \
ablation's record names.";

#[derive(clap::Args, Debug)]
#[command(after_help = SPARED)]
pub struct Args {
    /// Remove what is listed
    #[arg(long)]
    pub yes: bool,
    /// Folder of tables whose runs stay [default: ./reports and reports inside the folder of runs]
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// Leave temporary files and cache entries that are younger
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1d")]
    pub min_age: Duration,
}

/// What `gc --json` prints.
#[derive(Debug, Serialize)]
struct Listing<'a> {
    items: &'a [Item],
    bytes: u64,
    removed: bool,
}

/// `nano4m gc`.
pub fn gc(args: &Args, global: &Global) -> Result<Done> {
    let (runs, cache) = (runs_folder(global), cache_folder());
    let reports = args.reports.clone().map_or_else(|| all_reports(global), |folder| vec![folder]);
    let folders =
        Folders { runs: &runs, cache: &cache, reports: &reports, age: args.min_age, now: SystemTime::now() };
    let Removable { items, named, unreadable } = plan::removable(&folders)?;
    let bytes = items.iter().map(|i| i.bytes).sum();
    if global.json {
        output::json(&Listing { items: &items, bytes, removed: args.yes })?;
    } else if !items.is_empty() {
        output::data(&table(&items))?;
    }
    if named > 0 {
        let s = if named == 1 { " is" } else { "s are" };
        output::note(&format!("{named} run{s} kept only because a report or an ablation names it"));
    }
    for (reason, runs) in unreadable {
        let runs = output::names(&runs);
        output::note(&format!("no dataset in the cache is called unused, as {runs} may use it: {reason}"));
    }
    match (items.is_empty(), args.yes) {
        (true, _) => output::note("nothing to remove"),
        (false, false) => output::note(&format!("{} would go; --yes removes it", size(bytes))),
        (false, true) => return remove_all(&items),
    }
    Ok(Done::Fine)
}

/// Removes what can be removed; one that cannot does not spare the others.
fn remove_all(items: &[Item]) -> Result<Done> {
    let (mut freed, mut failed) = (0, 0);
    for item in items {
        match remove(item) {
            Ok(()) => freed += item.bytes,
            Err(fault) => {
                failed += 1;
                output::note(&format!("kept: {fault}"));
            }
        }
    }
    output::note(&format!("removed {} of {} items, {}", items.len() - failed, items.len(), size(freed)));
    Ok(if failed == 0 { Done::Fine } else { Done::With(Exit::Failed) })
}

/// Removes one item under its run's lock: a process that has begun to work on the run keeps it whole.
fn remove(item: &Item) -> Result<()> {
    let lock = item.run.as_ref().map(|run| run.lock()).transpose()?;
    if !plan::still(item) {
        return Err(Fault::failed("somebody has worked on the run since it was listed")
            .at(item.path.display().to_string()));
    }
    if let Some(run) = &item.run {
        // What goes of a run that stays: `verify` says where it went.
        let inside = item.path.strip_prefix(&run.path).ok().and_then(|path| path.to_str());
        inside.filter(|path| !path.is_empty()).map_or(Ok(()), |path| record::removed(run, path))?;
    }
    let removed = if item.path.is_dir() {
        std::fs::remove_dir_all(&item.path)
    } else {
        std::fs::remove_file(&item.path)
    };
    drop(lock);
    removed.map_err(|e| Fault::io("remove", &item.path, &e))
}

fn table(items: &[Item]) -> String {
    let mut builder = Builder::default();
    builder.push_record(["path", "why", "size"]);
    for item in items {
        builder.push_record([item.path.display().to_string(), item.reason.to_string(), size(item.bytes)]);
    }
    let mut text = layout::style(builder, 2);
    text.push_str("\n\n");
    for (reason, (count, bytes)) in plan::totals(items) {
        text += &format!("{:>10}  {count} × {reason}\n", size(bytes));
    }
    text
}

/// `999 B`, `1.0 kB`, `12.3 MB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    if value < 999.5 {
        return format!("{bytes} B");
    }
    let mut unit = "";
    for name in UNITS {
        value /= 1000.0;
        unit = name;
        if value < 999.95 {
            break;
        }
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        let found = [0, 999, 1000, 12_345_678, 999_960, 3_000_000_000_000_000].map(size);
        assert_eq!(found, ["0 B", "999 B", "1.0 kB", "12.3 MB", "1.0 MB", "3000.0 TB"]);
    }
}
