//! `nano4m gc`: what nobody needs any more, why, and how much it is; removed only with `--yes`.
//!
//! Never touched: a run that some process works on, a run that a table under `reports/` or an ablation's
//! record names (of which only intermediate checkpoints and leftovers go), and runs that can be resumed.

mod plan;
mod reachable;

use super::args::{Gc, Global};
use super::session::{cache_folder, runs_folder};
use super::{output, tables, Done};
use crate::fault::{Exit, Fault, Result};
use plan::{Item, Place, Plan};
use serde::Serialize;
use std::time::SystemTime;
use tabled::builder::Builder;

/// What `gc --json` prints.
#[derive(Debug, Serialize)]
struct Listing<'a> {
    items: &'a [Item],
    bytes: u64,
    removed: bool,
}

/// `nano4m gc`.
pub fn gc(args: &Gc, g: &Global) -> Result<Done> {
    let (runs, cache) = (runs_folder(g), cache_folder());
    let place = Place {
        runs: &runs,
        cache: &cache,
        reports: &args.reports,
        age: args.min_age,
        now: SystemTime::now(),
    };
    let Plan { items, named } = plan::plan(&place)?;
    let bytes = items.iter().map(|i| i.bytes).sum();
    if g.json {
        output::json(&Listing { items: &items, bytes, removed: args.yes })?;
    } else if !items.is_empty() {
        output::data(&table(&items))?;
    }
    if named > 0 {
        let s = if named == 1 { " is" } else { "s are" };
        output::note(&format!("{named} run{s} kept only because a report or an ablation names it"));
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
    let removed = match item.path.is_dir() {
        true => std::fs::remove_dir_all(&item.path),
        false => std::fs::remove_file(&item.path),
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
    let mut text = tables::style(builder, 2);
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
