//! What the tables of a comparison share: the columns of a test, a side's own value.

use crate::metrics::clips::Clips;
use crate::metrics::estimate::{estimate, share, ALPHA};
use crate::report::comparison::contrast::{right_or_wrong, Tested};
use crate::report::comparison::ranking::Pair;
use crate::report::comparison::sides::Comparison;
use crate::report::scores::Metric;
use crate::report::table::{Cell, Heading};
use crate::stats::{Bootstrap, Estimable, Estimate, Interval};

/// Version of columns and definitions of all four.
pub const SCHEMA: u32 = 1;

/// A cell of a table, or why it is empty.
pub fn number(value: Estimable<f64>) -> Cell {
    value.map_or_else(Cell::Absent, Cell::Number)
}

/// The five columns every test has.
pub fn tested_columns() -> [Heading; 5] {
    [
        Heading::number("effect_size", "d", "", 2).own_digits(),
        Heading::p("p", "p").csv_only(),
        Heading::p("p_adjusted", "p adj."),
        Heading::number("mde", "MDE", "", 4),
        Heading::text("verdict", "verdict"),
    ]
}

/// Their cells; the sign is turned where the pair stands the other way round.
pub fn tested_cells(
    tested: Estimable<Tested>,
    adjusted: Option<f64>,
    turned: bool,
    verdict: String,
) -> Vec<Cell> {
    let sign = if turned { -1.0 } else { 1.0 };
    let significant = adjusted.is_some_and(|p| p <= ALPHA);
    let tested = match tested {
        Ok(t) => t,
        Err(why) => {
            return vec![Cell::Absent(why), Cell::Empty, Cell::Empty, Cell::Empty, Cell::text(verdict)]
        }
    };
    vec![
        number(tested.effect.map(|d| sign * d)),
        Cell::p(tested.p),
        adjusted.map_or(Cell::Empty, Cell::P),
        if significant { Cell::Empty } else { number(tested.mde) },
        Cell::text(verdict),
    ]
}

pub fn difference(tested: Estimable<Tested>, turned: bool) -> Cell {
    let turn = |e: Estimate| match turned {
        true => Estimate {
            value: -e.value,
            interval: e.interval.map(|i| Interval { low: -i.high, high: -i.low }),
            ..e
        },
        false => e,
    };
    Cell::estimate(tested.and_then(|t| t.estimate).map(turn))
}

pub fn counts(tested: &Estimable<Tested>) -> [Cell; 2] {
    let (seeds, clips) = tested.as_ref().map_or((0, 0), |t| (t.seeds, t.clips));
    [Cell::Count(seeds as u64), Cell::Count(clips as u64)]
}

/// Own value of a side: mean over its seeds and clips. Shares of clips of one seed get the interval
/// they have in the other tables, and no share leaves 0 to 100 %.
pub fn own(comparison: &Comparison, side: usize, metric: &Metric, plan: &Bootstrap) -> Estimable<Estimate> {
    let maps: Vec<&Clips> =
        comparison.sides[side].scores.values().filter_map(|s| s.get(&metric.key)).collect();
    match maps.as_slice() {
        [one] if one.values().all(right_or_wrong) => share(&maps, plan),
        _ if metric.lower => estimate(&maps, plan),
        _ => estimate(&maps, plan).map(|e| {
            let cut = |i: Interval| Interval { low: i.low.max(0.0), high: i.high.min(100.0) };
            Estimate { interval: e.interval.map(cut), ..e }
        }),
    }
}

pub fn direction(metric: &Metric) -> Cell {
    Cell::text(if metric.lower { "↓" } else { "↑" })
}

pub fn undecided(pair: &Pair) -> &'static str {
    match pair.adjusted {
        Some(_) => "not distinguishable",
        None => "not estimable",
    }
}
