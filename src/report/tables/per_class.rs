//! Top-1 of every class by itself: which classes carry the accuracy.

use super::built::Built;
use super::classification::right;
use super::common::{self, add, hits, share, views, Clips, Context};
use crate::fault::Result;
use crate::record::examples::{source, Classification};
use crate::report::table::{Cell, Column, Row, Table};
use std::collections::{BTreeMap, BTreeSet};

fn columns() -> Vec<Column> {
    vec![
        Column::key("experiment"),
        Column::key("seed"),
        Column::key("inputs"),
        Column::key("method"),
        Column::key("class"),
        Column::estimate("top1_percent", "top-1", "%", 1).higher(),
        Column::count("correct"),
        Column::count("clips"),
    ]
}

/// inputs, method, class → clips.
type Scores = BTreeMap<(String, String, String), Clips>;

fn by_key(rows: &[Classification]) -> Scores {
    let mut all = Scores::new();
    for r in rows.iter().filter(|r| r.source == source::MODEL) {
        let key = (r.inputs.clone(), r.method.clone(), r.true_class.clone());
        add(all.entry(key).or_default(), &r.clip, f64::from(u8::from(right(r))), 1.0);
    }
    all
}

/// The table, on the line that decides of every experiment; `None` when no run classified.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let mut rows = Vec::new();
    for group in context.groups {
        let Some(runs) = common::rows::<Classification>(group)? else { continue };
        let scores: Vec<Scores> = runs.iter().map(|r| by_key(r)).collect();
        let keys: BTreeSet<_> = scores.iter().flat_map(|s| s.keys()).collect();
        for view in views(group).into_iter().filter(|v| v.decides) {
            for key in &keys {
                let of: Vec<&Clips> = view.runs.iter().filter_map(|&r| scores[r].get(*key)).collect();
                let (correct, clips) = of.iter().map(|c| hits(c)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
                rows.push(Row::new(vec![
                    Cell::text(&group.label),
                    Cell::text(&view.seed),
                    Cell::text(common::names(group, &key.0)),
                    Cell::text(&key.1),
                    Cell::text(&key.2),
                    Cell::estimate(share(&of, &context.plan)),
                    Cell::Count(correct),
                    Cell::Count(clips),
                ]));
            }
        }
    }
    let notes = vec![
        common::share_note(&context.plan),
        "Descriptive: no test is made on single classes. correct and clips add up over seeds.".into(),
    ];
    let table = Table {
        name: "per_class".into(),
        title: "Top-1 by class".into(),
        schema: 1,
        columns: columns(),
        rows,
        notes,
    };
    Ok((!table.rows.is_empty()).then_some(Built { table, headlines: vec![] }))
}
