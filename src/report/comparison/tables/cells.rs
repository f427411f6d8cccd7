//! Cells of an ablation: value, rank, difference from the reference, cost.

use super::tested::{self, better, own, verdict_columns, SideDifference, SCHEMA};
use crate::metrics::clips::Clips;
use crate::metrics::{Better, Key};
use crate::report::comparison::cost::Cost;
use crate::report::comparison::ranking::{Grid, Rank};
use crate::report::comparison::sides::{Comparison, Side};
use crate::report::comparison::words::Words;
use crate::report::table::{Column, Table};
use crate::stats::{Bootstrap, Estimable, Estimate};

/// A cell on one metric.
struct Line<'a> {
    metric: &'a Key,
    side: &'a Side,
    /// Absent where the cell has no value, none is better, or there is one seed.
    rank: Option<Rank>,
    value: Estimable<Estimate>,
    /// `None` for the reference itself.
    minus_reference: Option<SideDifference>,
    words: Words,
    seeds: u64,
    /// Fewest of a seed.
    clips: u64,
    /// Better than every other cell.
    alone: bool,
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let cost = |of: fn(&Cost) -> f64| move |l: &Line| l.side.cost.as_ref().map(of);
    let mut columns = vec![
        Column::key("metric", |l: &Line| l.metric.to_string()),
        Column::key("cell", |l: &Line| l.side.label.clone()),
        Column::text("unit", "unit", |l: &Line| l.metric.spec.unit.name().to_string()),
        Column::text("better", "better", |l: &Line| better(l.metric)),
        Column::text("rank", "rank", |l: &Line| l.rank.map(|rank| rank.to_string())),
        Column::estimate("value", "value", ("", 4), |l: &Line| l.value).bold(|l| l.alone),
        Column::estimate("minus_reference", "minus reference", ("", 4), |l: &Line| {
            l.minus_reference.as_ref().map(|d| d.estimate)
        }),
    ];
    columns.extend(tested::columns(|l: &Line| l.minus_reference.as_ref()));
    columns.extend(verdict_columns(|l: &Line| &l.words));
    columns.extend([
        Column::count("seeds", |l: &Line| l.seeds),
        Column::count("clips", |l: &Line| l.clips),
        Column::count("parameters", |l: &Line| l.side.cost.map(|cost| cost.parameters)),
        Column::number(
            "training_mflop_per_token",
            "training",
            ("MFLOP/token", 3),
            cost(|cost| cost.flops_per_token / 1e6),
        )
        .own_digits(),
        Column::number("training_gflop", "training", ("GFLOP", 1), cost(|cost| cost.flops / 1e9))
            .own_digits(),
    ]);
    columns
}

/// One row for each metric and cell: value, rank, difference from the reference, cost.
pub fn cells(comparison: &Comparison, grid: &Grid, plan: &Bootstrap, notes: Vec<String>) -> Table {
    let mut lines = Vec::new();
    for (m, metric) in grid.metrics.iter().enumerate() {
        let values: Vec<_> =
            (0..comparison.sides.len()).map(|side| own(comparison, side, metric, plan)).collect();
        let with: Vec<usize> = (0..values.len()).filter(|&side| values[side].is_ok()).collect();
        let order = order(metric, &values);
        lines.extend(order.into_iter().map(|side| line(comparison, grid, (m, side), values[side], &with)));
    }
    let (name, title) = (format!("ablation_{}", comparison.name), format!("Ablation {}", comparison.name));
    Table::new(name, title, SCHEMA, columns(), &lines, notes)
        .with_digits(&lines, |line| line.metric.spec.digits)
}

/// Best first; what cannot be estimated last, else, and where none is better, as the ablation lists them.
fn order(metric: &Key, values: &[Estimable<Estimate>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let key = |side: &usize| match (values[*side], metric.spec.better) {
        (Ok(e), Better::Lower) => e.value,
        (Ok(e), Better::Higher) => -e.value,
        (Ok(_), Better::Neither) => 0.0,
        (Err(_), _) => f64::INFINITY,
    };
    order.sort_by(|a, b| key(a).total_cmp(&key(b)).then(a.cmp(b)));
    order
}

fn line<'a>(
    comparison: &'a Comparison,
    grid: &'a Grid,
    (m, side): (usize, usize),
    value: Estimable<Estimate>,
    with: &[usize],
) -> Line<'a> {
    let (metric, own) = (&grid.metrics[m], &comparison.sides[side]);
    let rank = with.contains(&side).then(|| grid.rank(m, side, with)).flatten();
    let pair = grid.pair(m, side, comparison.reference);
    let words = match pair {
        None => Words::of_reference(),
        Some(_) => {
            let (standing, seeds) = grid.standing(m, side, comparison.reference);
            Words::of_side(standing, seeds, false)
        }
    };
    let key = metric.to_string();
    let clips = own.scores.values().filter_map(|scores| scores.get(&key)).map(Clips::len);
    Line {
        metric,
        rank,
        value,
        minus_reference: pair.map(|(pair, turned)| SideDifference::new(&pair.tested, turned)),
        words,
        seeds: clips.clone().count() as u64,
        clips: clips.min().unwrap_or(0) as u64,
        alone: rank.is_some_and(|rank| (rank.best, rank.worst) == (1, 1)) && with.len() > 1,
        side: own,
    }
}
