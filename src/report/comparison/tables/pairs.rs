//! Every pair of sides on every metric.

use super::tested::{self, better, own, verdict_columns, SideDifference, SCHEMA};
use crate::metrics::cross_entropy::CrossEntropyRow;
use crate::metrics::{Key, ScoreRow};
use crate::report::comparison::ranking::{Grid, Pair};
use crate::report::comparison::sides::{same_targets, Comparison, Side};
use crate::report::comparison::words::Words;
use crate::report::table::{Column, Table};
use crate::stats::{Bootstrap, Estimable, Estimate};

/// Two sides on one metric.
struct Line<'a> {
    metric: &'a Key,
    sides: [&'a Side; 2],
    values: [Estimable<Estimate>; 2],
    difference: SideDifference,
    words: Words,
    /// Whether both predict the same tokens.
    same_targets: bool,
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = vec![
        Column::key("metric", |l: &Line| l.metric.to_string()),
        Column::key("a", |l: &Line| l.sides[0].label.clone()),
        Column::key("b", |l: &Line| l.sides[1].label.clone()),
        Column::text("unit", "unit", |l: &Line| l.metric.spec.unit.name().to_string()),
        Column::text("better", "better", |l: &Line| better(l.metric)),
        Column::estimate("value_a", "a", ("", 4), |l: &Line| l.values[0]),
        Column::estimate("value_b", "b", ("", 4), |l: &Line| l.values[1]),
        Column::estimate("a_minus_b", "a − b", ("", 4), |l: &Line| l.difference.estimate),
    ];
    columns.extend(tested::columns(|l: &Line| Some(&l.difference)));
    columns.extend(verdict_columns(|l: &Line| &l.words));
    columns.extend([
        Column::text("targets", "targets", |l: &Line| {
            if l.same_targets { "same" } else { "each its own" }.to_string()
        }),
        Column::count("seeds", |l: &Line| l.difference.seeds),
        Column::count("clips", |l: &Line| l.difference.clips),
    ]);
    columns
}

/// One row for each metric and pair.
pub fn pairs(
    comparison: &Comparison,
    grid: &Grid,
    plan: &Bootstrap,
    (name, title): (String, String),
    notes: Vec<String>,
) -> Table {
    let line = |pair: &Pair| {
        let metric = &grid.metrics[pair.metric];
        let (standing, seeds) = grid.standing(pair.metric, pair.a, pair.b);
        let sides = [pair.a, pair.b].map(|side| &comparison.sides[side]);
        Line {
            metric,
            sides,
            values: [pair.a, pair.b].map(|side| own(comparison, side, metric, plan)),
            difference: SideDifference::new(&pair.tested, false),
            words: Words::of_pair(standing, seeds),
            same_targets: metric.probe != CrossEntropyRow::PROBE || same_targets(sides[0], sides[1]),
        }
    };
    let lines: Vec<Line> = grid.pairs.iter().map(line).collect();
    Table::new(name, title, SCHEMA, columns(), &lines, notes)
        .with_digits(&lines, |line| line.metric.spec.digits)
}
