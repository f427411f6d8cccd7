//! Every pair of sides on every metric.

use super::tested::{counts, difference, direction, own, tested_cells, tested_columns, undecided, SCHEMA};
use crate::report::comparison::ranking::{Grid, Pair};
use crate::report::comparison::sides::{same_targets, Comparison};
use crate::report::table::{Cell, Heading, Row, Table};
use crate::stats::Bootstrap;

/// One row for each metric and pair.
pub fn pairs(
    comparison: &Comparison,
    grid: &Grid,
    plan: &Bootstrap,
    names: (String, String),
    notes: Vec<String>,
) -> Table {
    let mut columns = vec![
        Heading::key("metric"),
        Heading::key("a"),
        Heading::key("b"),
        Heading::text("unit", "unit"),
        Heading::text("better", "better"),
        Heading::estimate("value_a", "a", "", 4),
        Heading::estimate("value_b", "b", "", 4),
        Heading::estimate("a_minus_b", "a − b", "", 4),
    ];
    columns.extend(tested_columns());
    columns.extend([Heading::text("targets", "targets"), Heading::count("seeds"), Heading::count("clips")]);
    let row = |pair: &Pair| {
        let metric = &grid.metrics[pair.metric];
        let (a, b) = (&comparison.sides[pair.a], &comparison.sides[pair.b]);
        let verdict = match grid.verdict(pair.metric, pair.a, pair.b) {
            Some(true) => "a better",
            Some(false) => "b better",
            None => undecided(pair),
        };
        let mut cells = vec![
            Cell::text(&metric.key),
            Cell::text(&a.label),
            Cell::text(&b.label),
            Cell::text(metric.unit),
            direction(metric),
            Cell::estimate(own(comparison, pair.a, metric, plan)),
            Cell::estimate(own(comparison, pair.b, metric, plan)),
            difference(pair.tested, false),
        ];
        cells.extend(tested_cells(pair.tested, pair.adjusted, false, verdict.into()));
        let same = !metric.lower || same_targets(a, b);
        cells.push(Cell::text(if same { "same" } else { "each its own" }));
        cells.extend(counts(&pair.tested));
        Row { digits: Some(metric.digits), ..Row::new(cells) }
    };
    let rows = grid.pairs.iter().map(row).collect();
    Table { name: names.0.into(), title: names.1.into(), schema: SCHEMA, columns, rows, notes }
}
