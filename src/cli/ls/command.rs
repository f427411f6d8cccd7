//! `nano4m ls`: one line for each run; which runs, in which order and with which columns is asked for.

use super::facts::Facts;
use super::filter::{self, Filter};
use super::line::line;
use crate::cli::arguments::Global;
use crate::cli::done::Done;
use crate::cli::environment::runs_folder;
use crate::cli::{layout, output};
use crate::fault::{Fault, Result};
use crate::store;
use crate::suggest;
use serde_json::Value;
use std::cmp::Ordering;
use tabled::builder::Builder;

const FIELDS: &str = "\
FIELD is a column (id, name, state, step, total, started, path), a path of the resolved manifest (train.lr, \
modalities.tok_rgb@196.masking), a metric of the record (cross_entropy/tok_rgb@196, also with .low, .high or .n), or a \
field of status.json or record.json (train_seconds, record.clips.test). A run that has no such field meets no filter \
and is sorted last.";

#[derive(clap::Args, Debug)]
#[command(after_help = FIELDS)]
pub struct Args {
    /// Only runs where this holds, e.g. --where 'train.lr<1e-3' (repeatable; =, !=, <, <=, >, >=; the arrow of a
    /// metric's key is no comparison: --where 'retrieval/a->b/r1>5')
    #[arg(long = "where", value_name = "FIELD<VALUE")]
    pub filters: Vec<String>,
    /// Sort by a field, descending with a `-` before it [default: started]
    #[arg(long, value_name = "[-]FIELD", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// Show these fields instead, e.g. --columns id,train.lr,cross_entropy/tok_rgb@196
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    pub columns: Vec<String>,
}

/// `nano4m ls`.
pub fn ls(args: &Args, global: &Global) -> Result<Done> {
    let filters: Vec<Filter> = args.filters.iter().map(|f| Filter::parse(f)).collect::<Result<_>>()?;
    let root = runs_folder(global);
    let mut runs: Vec<Facts> = store::list(&root)?.iter().map(|run| Facts::read(run, line(run))).collect();
    // One damaged record must not hide the other runs.
    runs.iter().filter_map(|r| r.problem.as_ref()).for_each(|p| output::note(&format!("warning: {p}")));
    let old: Vec<&str> = runs.iter().filter_map(|r| r.old.as_deref()).collect();
    if !old.is_empty() {
        output::note(&format!(
            "no metrics of runs of another version of nano4m ({}): {}",
            old.len(),
            old.join(", ")
        ));
    }
    known(&filters, args, &runs)?;
    let stored = runs.len();
    runs.retain(|run| filters.iter().all(|f| f.meets(run.get(&f.path).as_ref())));
    sort(&mut runs, args.sort.as_deref());
    match (global.json, args.columns.is_empty()) {
        (true, true) => output::json(&runs.iter().map(|r| &r.line).collect::<Vec<_>>())?,
        (true, false) => output::json(&runs.iter().map(|r| chosen(r, &args.columns)).collect::<Vec<_>>())?,
        _ if stored == 0 => output::note(&format!("no runs in {}", root.display())),
        _ if runs.is_empty() => output::note(&format!("none of {stored} runs meets the filters")),
        (false, true) => output::data(&table(&runs))?,
        (false, false) => output::data(&columns(&runs, &args.columns))?,
    }
    Ok(Done::Fine)
}

/// Refuses a field that no run has: an empty list would look like an answer.
fn known(filters: &[Filter], args: &Args, runs: &[Facts]) -> Result<()> {
    const ALWAYS: [&str; 7] = ["id", "name", "state", "step", "total", "started", "path"];
    let sort = args.sort.iter().map(|s| s.trim_start_matches('-'));
    let asked =
        filters.iter().map(|f| f.path.as_str()).chain(sort).chain(args.columns.iter().map(|c| c.as_str()));
    for path in asked {
        if runs.is_empty() || ALWAYS.contains(&path) || runs.iter().any(|r| r.get(path).is_some()) {
            continue;
        }
        let mut names: Vec<String> = runs.iter().flat_map(Facts::names).collect();
        names.sort();
        names.dedup();
        let fault = Fault::invalid(format!("no run has a field `{path}`"));
        return Err(match suggest::nearest(path, names.iter().map(|n| n.as_str())) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help(
                "columns: id, name, state, step, total, started, path; else a path of the manifest (train.lr), \
                 a metric (cross_entropy/NAME) or a field of status.json or record.json",
            ),
        });
    }
    Ok(())
}

/// By when they were started; else by `field`, descending with a `-` before it. Absent values come last.
fn sort(runs: &mut [Facts], field: Option<&str>) {
    runs.sort_by(|a, b| (&a.line.started, &a.line.path).cmp(&(&b.line.started, &b.line.path)));
    let Some(field) = field else { return };
    let (descending, path) = (field.starts_with('-'), field.trim_start_matches('-'));
    runs.sort_by(|a, b| match (a.get(path), b.get(path)) {
        (Some(x), Some(y)) if descending => filter::compare(&y, &x),
        (Some(x), Some(y)) => filter::compare(&x, &y),
        (x, y) => x.is_none().cmp(&y.is_none()).then(Ordering::Equal),
    });
}

fn chosen(run: &Facts, columns: &[String]) -> serde_json::Map<String, Value> {
    columns.iter().map(|c| (c.clone(), run.get(c).unwrap_or(Value::Null))).collect()
}

fn table(runs: &[Facts]) -> String {
    let mut builder = Builder::default();
    // Runs made with `--set` keep the manifest's name.
    let changed = runs.iter().any(|run| !run.line.changed.is_empty());
    let head = ["id", "name", "state", "step", "started"].into_iter().chain(changed.then_some("changed"));
    builder.push_record(head);
    for l in runs.iter().map(|r| &r.line) {
        let step = l.step.zip(l.total).map_or("–".into(), |(s, t)| format!("{s}/{t}"));
        let started = l.started.clone().unwrap_or_else(|| "–".into());
        let set = if l.changed.is_empty() { "–".into() } else { l.changed.join(", ") };
        let cells = [l.id.clone(), l.name.clone(), l.state.into(), step, started];
        builder.push_record(cells.into_iter().chain(changed.then_some(set)));
    }
    layout::style(builder, usize::MAX)
}

fn columns(runs: &[Facts], columns: &[String]) -> String {
    let mut builder = Builder::default();
    builder.push_record(columns.iter().cloned());
    for run in runs {
        builder.push_record(columns.iter().map(|c| filter::text(&run.get(c).unwrap_or(Value::Null))));
    }
    layout::style(builder, usize::MAX)
}
