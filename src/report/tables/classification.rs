//! Class of a clip: top-1/3/5 by inputs and method, against chance.

use super::built::Built;
use super::common::{self, add, largest_p, share, views, Clips, Context, Draft, Headline, View};
use super::compared;
use crate::fault::Result;
use crate::record::examples::{source, Classification};
use crate::record::Direction as Better;
use crate::report::reference::find;
use crate::report::runs::Group;
use crate::report::table::{Cell, Column, Table};
use crate::stats::{binomial, detectable, mcnemar, multiple, Alternative, Estimable, NotEstimable};
use std::collections::{BTreeMap, BTreeSet};

const TOP1: usize = 5;
const CHANCE: usize = 6;
const P: usize = 7;
const ADJUSTED: usize = 8;
const MDE: usize = 9;
const CLIPS: usize = 14;

fn columns() -> Vec<Column> {
    vec![
        Column::key("experiment"),
        Column::key("seed"),
        Column::key("inputs"),
        Column::key("method"),
        Column::key("source"),
        Column::estimate("top1_percent", "top-1", "%", 2).higher(),
        Column::number("chance_top1_percent", "chance", "%", 2),
        Column::p("p", "p").csv_only(),
        Column::p("p_adjusted", "p adj."),
        Column::number("mde_top1_percent", "MDE", "%", 2),
        Column::estimate("top3_percent", "top-3", "%", 2).higher(),
        Column::estimate("top5_percent", "top-5", "%", 2).higher(),
        Column::number("largest_class_percent", "largest class", "%", 2),
        Column::count("classes"),
        Column::count("clips"),
        Column::number("published_top1_percent", "published", "%", 2),
    ]
}

/// inputs, method, source.
type Key = (String, String, String);

/// What one run says about one key: hits at 1, 3 and 5 (the latter two only of methods that rank).
#[derive(Default)]
struct Scores {
    top: [Clips; 3],
    classes: u32,
    truth: BTreeMap<String, u64>,
}

/// Whether the clip is right within the first `k`; `None` when the method does not rank that far.
pub fn hit(row: &Classification, k: u32) -> Option<bool> {
    match row.true_rank {
        Some(rank) => Some(rank < k),
        None => (k == 1).then(|| row.predicted_class == row.true_class),
    }
}

fn by_key(rows: &[Classification]) -> BTreeMap<Key, Scores> {
    let mut all: BTreeMap<Key, Scores> = BTreeMap::new();
    for r in rows {
        let s = all.entry((r.inputs.clone(), r.method.clone(), r.source.clone())).or_default();
        for (i, k) in [1, 3, 5].into_iter().enumerate() {
            if let Some(right) = hit(r, k) {
                add(&mut s.top[i], &r.clip, f64::from(u8::from(right)), 1.0);
            }
        }
        s.classes = s.classes.max(r.classes);
        *s.truth.entry(r.true_class.clone()).or_default() += 1;
    }
    all
}

/// The table; `None` when no run classified.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let (mut drafts, mut deciding, mut headlines) = (Vec::new(), Vec::new(), Vec::new());
    let mut compared: Vec<Compared> = Vec::new();
    for group in context.groups {
        let Some(runs) = common::rows::<Classification>(group)? else { continue };
        let scores: Vec<BTreeMap<Key, Scores>> = runs.iter().map(|r| by_key(r)).collect();
        let keys: BTreeSet<&Key> = scores.iter().flat_map(|s| s.keys()).collect();
        for key in keys {
            for view in views(group) {
                let of: Vec<&Scores> = view.runs.iter().filter_map(|&r| scores[r].get(key)).collect();
                if of.is_empty() {
                    continue;
                }
                if view.decides {
                    deciding.push((group, key.clone(), drafts.len()));
                }
                drafts.push(draft(context, group, &view, key, &of));
            }
        }
        compared.extend(comparisons(&scores, &deciding, group));
    }
    if drafts.is_empty() {
        return Ok(None);
    }
    let m = common::correct(&mut drafts, P, ADJUSTED, Some(MDE));
    let pairs = embolden(&mut drafts, &compared);
    headlines.extend(deciding.iter().filter_map(|(g, key, i)| headline(g, key, &drafts[*i])));
    Ok(Some(Built { table: table(context, drafts, m, pairs), headlines }))
}

fn draft(context: &Context, group: &Group, view: &View, key: &Key, of: &[&Scores]) -> Draft {
    let top = |i: usize| -> Vec<&Clips> { of.iter().map(|s| &s.top[i]).collect() };
    let chance = chance(of);
    let ranked = |i: usize| match top(i).iter().all(|t| t.is_empty()) {
        true => Cell::Empty,
        false => Cell::estimate(share(&top(i), &context.plan)),
    };
    let largest = of[0].truth.values().max().map(|&n| 100.0 * n as f64 / of[0].top[0].len() as f64);
    let mut draft = Draft::new(vec![
        Cell::text(&group.label),
        Cell::text(&view.seed),
        Cell::text(common::names(group, &key.0)),
        Cell::text(&key.1),
        Cell::text(&key.2),
        Cell::estimate(share(&top(0), &context.plan)),
        chance.map_or_else(Cell::Absent, |c| Cell::Number(100.0 * c)),
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        ranked(1),
        ranked(2),
        Cell::number(largest),
        Cell::Count(u64::from(of[0].classes)),
        Cell::Count(common::common_clips(&top(0))),
        Cell::number(published(group, key, "top1").map(|p| p.value)),
    ]);
    if view.decides {
        let test = |h, n| binomial::test(h, n, chance?, Alternative::Greater);
        draft.p = Some(largest_p(&top(0), test));
        let n = of[0].top[0].len() as u64;
        draft.mde = chance
            .and_then(|c| Ok(100.0 * (detectable::proportion(n, c, common::ALPHA, common::POWER)? - c)));
    }
    draft
}

/// 1 / classes; a single class leaves nothing to predict.
fn chance(of: &[&Scores]) -> Estimable<f64> {
    match of.iter().map(|s| s.classes).max() {
        None | Some(0) => Err(NotEstimable::NoData),
        Some(1) => Err(NotEstimable::NoSpread),
        Some(classes) => Ok(1.0 / f64::from(classes)),
    }
}

fn published(group: &Group, key: &Key, at: &str) -> Option<&'static crate::report::reference::Published> {
    let of = format!("class/{}/{}/{at}", key.0, key.1);
    (key.2 == source::MODEL).then(|| find(&of, &group.runs[0].record.modalities)).flatten()
}

/// McNemar's test of two deciding rows of one experiment.
struct Compared {
    rows: (usize, usize),
    p: Option<f64>,
}

fn comparisons(
    scores: &[BTreeMap<Key, Scores>],
    deciding: &[(&Group, Key, usize)],
    group: &Group,
) -> Vec<Compared> {
    let own: Vec<_> = deciding.iter().filter(|(g, ..)| std::ptr::eq(*g, group)).collect();
    let mut all = Vec::new();
    for (i, (_, a, row_a)) in own.iter().enumerate() {
        for (_, b, row_b) in &own[i + 1..] {
            let p = scores.iter().map(|s| mcnemar_p(&s.get(a)?.top[0], &s.get(b)?.top[0]));
            // True of every seed, or not at all.
            let p = p.collect::<Option<Vec<f64>>>().and_then(|p| p.into_iter().reduce(f64::max));
            all.push(Compared { rows: (*row_a, *row_b), p });
        }
    }
    all
}

fn mcnemar_p(a: &Clips, b: &Clips) -> Option<f64> {
    let both: Vec<(bool, bool)> =
        a.iter().filter_map(|(clip, x)| b.get(clip).map(|y| (x.0 > 0.5, y.0 > 0.5))).collect();
    let (a, b): (Vec<bool>, Vec<bool>) = both.into_iter().unzip();
    mcnemar::paired(&a, &b).ok()
}

/// Bold: better than every other row of its experiment. Returns the number of pairs tested.
fn embolden(drafts: &mut [Draft], compared: &[Compared]) -> usize {
    let raw: Vec<Option<f64>> = compared.iter().map(|c| c.p).collect();
    let corrected = multiple::benjamini_hochberg(&raw);
    let mut wins: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (pair, p) in compared.iter().zip(&corrected.adjusted) {
        let (a, b) = pair.rows;
        let values = compared::value(&drafts[a], TOP1).zip(compared::value(&drafts[b], TOP1));
        for row in [a, b] {
            let better = values.is_some_and(|(x, y)| if row == a { x > y } else { y > x });
            let (won, met) = wins.entry(row).or_default();
            *met += 1;
            *won += usize::from(better && p.is_some_and(|p| p <= common::ALPHA));
        }
    }
    for (row, (won, met)) in wins {
        if won == met {
            drafts[row].row.bold.push(TOP1);
        }
    }
    corrected.m
}

fn headline(group: &Group, key: &Key, draft: &Draft) -> Option<Headline> {
    if key.2 != source::MODEL {
        return None;
    }
    let (Cell::Text(seed), Cell::Count(clips)) = (&draft.row.cells[1], &draft.row.cells[CLIPS]) else {
        return None;
    };
    let chance = match draft.row.cells[CHANCE] {
        Cell::Number(c) => Some(c),
        _ => None,
    };
    Some(Headline {
        experiment: group.label.clone(),
        seed: seed.clone(),
        quantity: format!("{} → class, top-1, {}", common::names(group, &key.0), key.1),
        unit: "%",
        better: Better::Higher,
        digits: 2,
        value: draft.row.cells[TOP1].clone(),
        against: "chance".into(),
        against_value: chance,
        adjusted: draft.adjusted,
        clips: *clips,
        published: published(group, key, "top1"),
    })
}

fn table(context: &Context, drafts: Vec<Draft>, m: usize, pairs: usize) -> Table {
    Table {
        name: "classification".into(),
        title: "Class of a clip".into(),
        schema: 1,
        columns: columns(),
        rows: drafts.into_iter().map(|d| d.row).collect(),
        notes: vec![
            "logit_rank_as_trained scores the class tokens as they stand in training captions (headline); \
             logit_rank_leading_space uses the published keys, which the model never saw at that position; \
             caption_likelihood scores the whole captions of each class, minus_prior less what they score on average \
             over the other clips' inputs; sequence_decode matches the decoded caption by name. shuffled_input: another \
             clip's input. Clips for which all classes score the same are left out."
                .into(),
            "Chance of top-k is k/classes. largest class: the share a constant answer gets right.".into(),
            common::share_note(&context.plan),
            common::correction_note("exact binomial test of top-1 against chance, one-sided", m),
            common::MDE_NOTE.into(),
            format!(
                "Bold: better than every other row of its experiment by McNemar's exact test \
                 (Benjamini–Hochberg, m = {pairs})."
            ),
            common::PUBLISHED_NOTE.into(),
        ],
    }
}

/// Whether the clip's first answer is right.
pub(super) fn right(row: &Classification) -> bool {
    hit(row, 1) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rank: Option<u32>, predicted: &str) -> Classification {
        Classification {
            clip: "a".into(),
            inputs: "x".into(),
            method: "m".into(),
            source: "model".into(),
            true_class: "cat".into(),
            predicted_class: predicted.into(),
            true_rank: rank,
            true_logp: None,
            classes: 3,
        }
    }

    #[test]
    fn a_method_without_ranks_has_no_top_3() {
        assert_eq!((hit(&row(Some(2), "dog"), 1), hit(&row(Some(2), "dog"), 3)), (Some(false), Some(true)));
        assert_eq!((hit(&row(None, "cat"), 1), hit(&row(None, "cat"), 3)), (Some(true), None));
        assert_eq!(hit(&row(None, ""), 1), Some(false));
        let all = by_key(&[row(None, "cat")]);
        let s = &all[&("x".into(), "m".into(), "model".into())];
        assert_eq!((common::hits(&s.top[0]), s.top[1].len()), ((1, 1), 0));
        assert_eq!(chance(&[&Scores { classes: 1, ..Scores::default() }]), Err(NotEstimable::NoSpread));
    }
}
