//! Top-1 of every class by itself: which classes carry the accuracy.

use super::built::Built;
use super::notes;
use super::views::{self, apart, lines, scored, Context, View};
use crate::fault::Result;
use crate::metrics::classification::{ClassificationRow, TOP1};
use crate::metrics::clips::{hits, Clips};
use crate::metrics::estimate::share;
use crate::metrics::source;
use crate::report::table::{Column, Table};
use crate::stats::{Estimable, Estimate};
use std::collections::BTreeMap;

/// inputs, method, class.
type TrueClass = (String, String, String);

struct Line<'a> {
    view: View<'a>,
    key: TrueClass,
    /// Percent.
    top1: Estimable<Estimate>,
    /// Over all seeds, as the clips.
    correct: u64,
    clips: u64,
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = views::columns(|l: &Line<'a>| &l.view);
    columns.extend([
        Column::key("inputs", |l: &Line| l.view.group.names(&l.key.0)),
        Column::key("method", |l: &Line| l.key.1.clone()),
        Column::key("class", |l: &Line| l.key.2.clone()),
        Column::estimate("top1_percent", "top-1", ("%", 1), |l: &Line| l.top1).directed(TOP1.spec.better),
        Column::count("correct", |l: &Line| l.correct),
        Column::count("clips", |l: &Line| l.clips),
    ]);
    columns
}

fn by_key(rows: &[ClassificationRow]) -> BTreeMap<TrueClass, Clips> {
    let key = |r: &ClassificationRow| {
        let key = (r.inputs.clone(), r.method.clone(), r.true_class.clone());
        (r.source == source::MODEL).then_some(key)
    };
    let of_model = |(key, rows): (Option<TrueClass>, Vec<_>)| Some((key?, TOP1.clips(rows)));
    apart(rows, key).into_iter().filter_map(of_model).collect()
}

/// The table, on the line that decides of every experiment; `None` when no run classified.
pub fn build(context: &Context) -> Result<Option<Built>> {
    let scored = scored(context, |_, rows| by_key(&rows))?;
    let all = lines(&scored, |view, key, seeds: Vec<&Clips>| {
        view.decides.then(|| {
            let counts = seeds.iter().map(|clips| hits(clips));
            let (correct, clips) = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            Line { view, key: key.clone(), top1: share(&seeds, &context.plan), correct, clips }
        })
    });
    let lines: Vec<Line> = all.into_iter().flatten().collect();
    let notes = vec![
        notes::share(&context.plan),
        "Descriptive: no test is made on single classes. correct and clips add up over seeds.".into(),
    ];
    let table = Table::new("per_class", "Top-1 by class", 1, columns(), &lines, notes);
    Ok(Built::unless_empty(table, vec![]))
}
