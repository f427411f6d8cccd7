//! Which lines a table has: for every experiment that was measured, every key, once for each seed and once
//! for their mean.

use crate::fault::Result;
use crate::metrics::ScoreRow;
use crate::report::runs::{Group, Run};
use crate::report::table::Column;
use crate::stats::Bootstrap;
use std::collections::{BTreeMap, BTreeSet};

/// What a table is made from.
pub struct Context<'a> {
    pub groups: &'a [Group],
    pub plan: Bootstrap,
}

/// Where a line stands in its experiment: a single seed, or the mean of all.
#[derive(Clone)]
pub struct View<'a> {
    pub group: &'a Group,
    pub seed: String,
    /// Indices into the group's runs.
    pub runs: Vec<usize>,
    /// Whether tests are made on this line (not on single seeds when there are several).
    pub decides: bool,
}

/// The seeds of a group and, if there are several, their mean.
pub fn views(group: &Group) -> Vec<View<'_>> {
    let seeds = group.runs.len();
    let single =
        |(i, run): (usize, &Run)| View { group, seed: run.seed(), runs: vec![i], decides: seeds == 1 };
    let mut views: Vec<View> = group.runs.iter().enumerate().map(single).collect();
    if seeds > 1 {
        let seed = format!("mean of {seeds}");
        views.push(View { group, seed, runs: (0..seeds).collect(), decides: true });
    }
    views
}

/// The first two columns of every table.
pub fn columns<'a, L>(view: impl Fn(&L) -> &View<'a> + Copy + 'static) -> Vec<Column<L>> {
    vec![
        Column::key("experiment", move |line| view(line).group.label.clone()),
        Column::key("seed", move |line| view(line).seed.clone()),
    ]
}

/// An experiment and what each of its runs scored.
pub struct Scored<'a, S> {
    pub group: &'a Group,
    /// One for each run, in order.
    pub runs: Vec<S>,
}

/// The scores of every experiment with a run that has the probe's rows; a run without them scores what no
/// rows give.
pub fn scored<'a, R: ScoreRow, S>(
    context: &Context<'a>,
    scores: impl Fn(&'a Group, Vec<R>) -> S,
) -> Result<Vec<Scored<'a, S>>> {
    let mut experiments = Vec::new();
    for group in context.groups {
        let rows: Vec<Option<Vec<R>>> = group.runs.iter().map(Run::examples).collect::<Result<_>>()?;
        if rows.iter().any(Option::is_some) {
            let runs = rows.into_iter().map(|rows| scores(group, rows.unwrap_or_default())).collect();
            experiments.push(Scored { group, runs });
        }
    }
    Ok(experiments)
}

/// A line for every key in every view; it gets the scores of the view's runs that have the key.
pub fn lines<'s, K: Ord, S, L>(
    scored: &'s [Scored<'s, BTreeMap<K, S>>],
    mut line: impl FnMut(View<'s>, &'s K, Vec<&'s S>) -> L,
) -> Vec<L> {
    let mut lines = Vec::new();
    for Scored { group, runs } in scored {
        let keys: BTreeSet<&K> = runs.iter().flat_map(|scores| scores.keys()).collect();
        for key in keys {
            for view in views(group) {
                let scores: Vec<&S> = view.runs.iter().filter_map(|&run| runs[run].get(key)).collect();
                if !scores.is_empty() {
                    lines.push(line(view, key, scores));
                }
            }
        }
    }
    lines
}

/// The scores of another key in the same view.
pub fn beside<'s, K: Ord, S>(scored: &'s [Scored<'s, BTreeMap<K, S>>], view: &View, key: &K) -> Vec<&'s S> {
    let own = scored.iter().find(|experiment| std::ptr::eq(experiment.group, view.group));
    own.map_or(vec![], |own| view.runs.iter().filter_map(|&run| own.runs[run].get(key)).collect())
}

/// Rows apart by what they are about.
pub fn apart<R, K: Ord>(rows: &[R], key: impl Fn(&R) -> K) -> BTreeMap<K, Vec<&R>> {
    let mut groups: BTreeMap<K, Vec<&R>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(row)).or_default().push(row);
    }
    groups
}
