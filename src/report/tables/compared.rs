//! Predictions of several sources (the model and its baselines) on the same clips, as table rows.

use super::common::{common_clips, difference, paired_mde, paired_p, views, Clips, Context, Draft, View};
use crate::record::examples::source;
use crate::report::runs::Group;
use crate::stats::{Estimable, Estimate, NotEstimable};
use std::collections::BTreeMap;

/// source → clips, for one run.
pub type Sources = BTreeMap<String, Clips>;

/// One source of one block in one view.
pub struct Line<'a> {
    pub view: &'a View,
    pub source: &'a str,
    /// One map per run of the view.
    pub maps: Vec<&'a Clips>,
    pub clips: u64,
    /// This source minus the model; `None` for the model itself.
    pub minus_model: Option<Estimable<Estimate>>,
    /// The test behind it, on lines that decide.
    pub p: Option<Estimable<f64>>,
    pub mde: Estimable<f64>,
}

/// The order in which sources stand below each other; others follow by name.
const ORDER: [&str; 7] = [
    source::MODEL,
    source::SHUFFLED,
    source::UNCONDITIONAL,
    source::POSITION,
    source::UNIGRAM,
    source::UNTRAINED,
    source::UNIFORM,
];

fn ordered(runs: &[&Sources]) -> Vec<String> {
    let mut names: Vec<String> = runs.iter().flat_map(|r| r.keys().cloned()).collect();
    names.sort();
    names.dedup();
    let place = |n: &String| ORDER.iter().position(|o| o == n).unwrap_or(ORDER.len());
    names.sort_by_key(place);
    names
}

/// Calls `line` for every source and view of one block (a modality, a direction); one `Sources`
/// per run of the group.
pub fn each_line(
    context: &Context,
    group: &Group,
    runs: &[&Sources],
    mut line: impl FnMut(Line) -> Draft,
) -> Block {
    let views = views(group);
    let mut block = Block::default();
    for name in ordered(runs) {
        for view in &views {
            let maps: Vec<&Clips> = view.runs.iter().filter_map(|&r| runs[r].get(&name)).collect();
            let model: Vec<&Clips> = view.runs.iter().filter_map(|&r| runs[r].get(source::MODEL)).collect();
            if maps.is_empty() {
                continue;
            }
            let other = name != source::MODEL && !model.is_empty();
            let draft = line(Line {
                view,
                source: &name,
                clips: common_clips(&maps),
                minus_model: other.then(|| difference(&maps, &model, &context.plan)),
                p: (other && view.decides).then(|| paired_p(&maps, &model, &context.plan)),
                mde: if other { paired_mde(&maps, &model) } else { Err(NotEstimable::NoData) },
                maps,
            });
            block.push(&name, view.decides, draft);
        }
    }
    block
}

/// The rows of one block; knows which is the model's deciding row.
#[derive(Default)]
pub struct Block {
    pub drafts: Vec<Draft>,
    pub model: Option<usize>,
    /// Deciding rows by source.
    pub decided: BTreeMap<String, usize>,
}

impl Block {
    fn push(&mut self, name: &str, decides: bool, draft: Draft) {
        if decides {
            self.decided.insert(name.into(), self.drafts.len());
            if name == source::MODEL {
                self.model = Some(self.drafts.len());
            }
        }
        self.drafts.push(draft);
    }
}

/// Appends a block to the drafts of a table; returns where its rows now stand.
pub fn append(drafts: &mut Vec<Draft>, block: Block) -> Placed {
    let start = drafts.len();
    drafts.extend(block.drafts);
    let decided = block.decided.into_iter().map(|(name, i)| (name, start + i)).collect();
    Placed { model: block.model.map(|i| start + i), decided }
}

/// Where the deciding rows of a block stand in a table.
pub struct Placed {
    pub model: Option<usize>,
    pub decided: BTreeMap<String, usize>,
}

/// Bold for the model's value: better than every other source of its block by a corrected test.
pub fn embolden(drafts: &mut [Draft], placed: &Placed, column: usize, better: impl Fn(f64, f64) -> bool) {
    let Some(model) = placed.model else { return };
    let Some(own) = value(&drafts[model], column) else { return };
    let others: Vec<usize> = placed.decided.values().copied().filter(|&i| i != model).collect();
    let beaten =
        |&i: &usize| drafts[i].significant() && value(&drafts[i], column).is_some_and(|v| better(own, v));
    if !others.is_empty() && others.iter().all(beaten) {
        drafts[model].row.bold.push(column);
    }
}

/// The estimate in a cell.
pub fn value(draft: &Draft, column: usize) -> Option<f64> {
    match draft.row.cells.get(column) {
        Some(crate::report::table::Cell::Estimate(e)) => Some(e.value),
        _ => None,
    }
}
