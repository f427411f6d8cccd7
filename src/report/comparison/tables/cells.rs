//! Cells of an ablation: value, rank, difference from the reference, cost.

use super::tested::{difference, direction, own, tested_cells, tested_columns, undecided, SCHEMA};
use crate::metrics::clips::Clips;
use crate::report::comparison::ranking::Grid;
use crate::report::comparison::sides::Comparison;
use crate::report::scores::Metric;
use crate::report::table::{Cell, Heading, Row, Table};
use crate::stats::{Bootstrap, Estimable, Estimate};

/// One row for each metric and cell: value, rank, difference from the reference, cost.
pub fn cells(comparison: &Comparison, grid: &Grid, plan: &Bootstrap, notes: Vec<String>) -> Table {
    let mut columns = vec![
        Heading::key("metric"),
        Heading::key("cell"),
        Heading::text("unit", "unit"),
        Heading::text("better", "better"),
        Heading::text("rank", "rank"),
        Heading::estimate("value", "value", "", 4),
        Heading::estimate("minus_reference", "minus reference", "", 4),
    ];
    columns.extend(tested_columns());
    columns.extend([
        Heading::count("seeds"),
        Heading::count("clips"),
        Heading::count("parameters"),
        Heading::number("training_mflop_per_token", "training", "MFLOP/token", 3).own_digits(),
        Heading::number("training_gflop", "training", "GFLOP", 1).own_digits(),
    ]);
    let mut rows = Vec::new();
    for (m, metric) in grid.metrics.iter().enumerate() {
        let values: Vec<_> = (0..comparison.sides.len()).map(|s| own(comparison, s, metric, plan)).collect();
        let with: Vec<usize> = (0..values.len()).filter(|&s| values[s].is_ok()).collect();
        for side in order(metric, &values) {
            rows.push(cell_row(comparison, grid, (m, side), values[side], &with));
        }
    }
    Table {
        name: format!("ablation_{}", comparison.name).into(),
        title: format!("Ablation {}", comparison.name).into(),
        schema: SCHEMA,
        columns,
        rows,
        notes,
    }
}

/// Best first; what cannot be estimated last, else as the ablation lists them.
fn order(metric: &Metric, values: &[Estimable<Estimate>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let key = |s: &usize| match values[*s] {
        Ok(e) if metric.lower => e.value,
        Ok(e) => -e.value,
        Err(_) => f64::INFINITY,
    };
    order.sort_by(|a, b| key(a).total_cmp(&key(b)).then(a.cmp(b)));
    order
}

fn cell_row(
    comparison: &Comparison,
    grid: &Grid,
    (m, side): (usize, usize),
    value: Estimable<Estimate>,
    with: &[usize],
) -> Row {
    let (metric, own) = (&grid.metrics[m], &comparison.sides[side]);
    let rank = with.contains(&side).then(|| grid.rank(m, side, with));
    let mut cells = vec![
        Cell::text(&metric.key),
        Cell::text(&own.label),
        Cell::text(metric.unit),
        direction(metric),
        rank.map_or(Cell::Empty, |r| Cell::text(r.to_string())),
        Cell::estimate(value),
    ];
    match grid.pair(m, side, comparison.reference) {
        Some((pair, turned)) => {
            let verdict = match grid.verdict(m, side, comparison.reference) {
                Some(true) => "better",
                Some(false) => "worse",
                None => undecided(pair),
            };
            cells.push(difference(pair.tested, turned));
            cells.extend(tested_cells(pair.tested, pair.adjusted, turned, verdict.into()));
        }
        None => {
            cells.extend([Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty]);
            cells.push(Cell::text("reference"));
        }
    }
    let seeds = own.scores.values().filter(|s| s.contains_key(&metric.key)).count();
    let clips = own.scores.values().filter_map(|s| s.get(&metric.key)).map(Clips::len).min();
    cells.extend([Cell::Count(seeds as u64), Cell::Count(clips.unwrap_or(0) as u64)]);
    cells.extend(match own.cost {
        Some(c) => {
            [Cell::Count(c.parameters), Cell::Number(c.flops_per_token / 1e6), Cell::Number(c.flops / 1e9)]
        }
        None => [Cell::Empty, Cell::Empty, Cell::Empty],
    });
    let alone = rank.is_some_and(|r| (r.best, r.worst) == (1, 1)) && with.len() > 1;
    Row { cells, bold: if alone { vec![5] } else { vec![] }, digits: Some(metric.digits) }
}
