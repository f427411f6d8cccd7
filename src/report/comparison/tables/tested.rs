//! What the tables of a comparison share: a difference and its test as columns, a side's own value.

use crate::metrics::clips::Clips;
use crate::metrics::estimate::{estimate, share};
use crate::metrics::Key;
use crate::report::comparison::contrast::Tested;
use crate::report::comparison::sides::Comparison;
use crate::report::comparison::words::Words;
use crate::report::table::{arrow, Column};
use crate::report::tables::tested::{self, Test};
use crate::stats::{Bootstrap, Estimable, Estimate, Interval};

/// Version of columns and definitions of all four.
pub const SCHEMA: u32 = 2;

/// A difference of two sides as a line shows it.
pub struct SideDifference {
    pub estimate: Estimable<Estimate>,
    /// In standard deviations of the clips' differences.
    pub effect: Estimable<f64>,
    /// Absent where there is nothing to test.
    pub test: Option<Test>,
    pub seeds: u64,
    pub clips: u64,
}

impl SideDifference {
    /// `turned`: the sides stand the other way round than they were tested.
    pub fn new(tested: &Estimable<Tested>, turned: bool) -> SideDifference {
        let Ok(tested) = tested else {
            let why = tested.map(|_| ()).unwrap_err();
            return SideDifference { estimate: Err(why), effect: Err(why), test: None, seeds: 0, clips: 0 };
        };
        let sign = if turned { -1.0 } else { 1.0 };
        SideDifference {
            estimate: if turned { tested.estimate.map(negated) } else { tested.estimate },
            effect: tested.effect.map(|effect| sign * effect),
            test: Some(tested.test),
            seeds: tested.seeds as u64,
            clips: tested.clips as u64,
        }
    }
}

fn negated(e: Estimate) -> Estimate {
    let interval = e.interval.map(|i| Interval { low: -i.high, high: -i.low });
    Estimate { value: -e.value, interval, ..e }
}

/// Effect size, p, corrected p and minimum detectable effect of a difference; the verdict stands beside them.
pub fn columns<L>(of: impl Fn(&L) -> Option<&SideDifference> + Copy + 'static) -> Vec<Column<L>> {
    let effect = Column::number("effect_size", "d", ("", 2), move |line| of(line).map(|d| d.effect));
    let names = ["p", "p_adjusted", "mde"];
    let test = tested::columns(names, ("", 4), move |line| of(line).and_then(|d| d.test.as_ref()));
    std::iter::once(effect.own_digits()).chain(test).collect()
}

/// The verdict, and what it says of the recipes.
pub fn verdict_columns<L>(of: impl Fn(&L) -> &Words + Copy + 'static) -> [Column<L>; 2] {
    [
        Column::text("verdict", "verdict", move |line| of(line).verdict.clone()),
        Column::text("recipes", "of the recipes", move |line| of(line).recipes.clone()),
    ]
}

/// Own value of a side: mean over its seeds and clips. Shares of clips of one seed get the interval they have
/// in the other tables; no interval leaves its unit.
pub fn own(comparison: &Comparison, side: usize, metric: &Key, plan: &Bootstrap) -> Estimable<Estimate> {
    let key = metric.to_string();
    let scores = comparison.sides[side].scores.values();
    let maps: Vec<&Clips> = scores.filter_map(|scores| scores.get(&key)).collect();
    if maps.len() == 1 && metric.spec.right_or_wrong {
        return share(&maps, plan);
    }
    estimate(&maps, plan).map(|e| {
        let cut = |i: Interval| {
            let (low, high) = metric.spec.unit.ends(i.low, i.high);
            Interval { low, high }
        };
        Estimate { interval: e.interval.map(cut), ..e }
    })
}

/// Which way is better; nothing where neither is.
pub fn better(metric: &Key) -> Option<String> {
    arrow(metric.spec.better).map(String::from)
}
