//! What the tables of a comparison share: a difference and its test as columns, a side's own value.

use crate::metrics::clips::Clips;
use crate::metrics::estimate::{estimate, share};
use crate::report::comparison::contrast::{right_or_wrong, Tested};
use crate::report::comparison::sides::Comparison;
use crate::report::scores::Metric;
use crate::report::table::Column;
use crate::report::tables::tested::{self, Test};
use crate::stats::{Bootstrap, Estimable, Estimate, Interval};

/// Version of columns and definitions of all four.
pub const SCHEMA: u32 = 1;

/// A difference of two sides as a line shows it.
pub struct Difference {
    pub estimate: Estimable<Estimate>,
    /// In standard deviations of the clips' differences.
    pub effect: Estimable<f64>,
    /// Absent where there is nothing to test.
    pub test: Option<Test>,
    pub seeds: u64,
    pub clips: u64,
}

impl Difference {
    /// `turned`: the sides stand the other way round than they were tested.
    pub fn new(tested: &Estimable<Tested>, turned: bool) -> Difference {
        let Ok(tested) = tested else {
            let why = tested.map(|_| ()).unwrap_err();
            return Difference { estimate: Err(why), effect: Err(why), test: None, seeds: 0, clips: 0 };
        };
        let sign = if turned { -1.0 } else { 1.0 };
        Difference {
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
pub fn columns<L>(of: impl Fn(&L) -> Option<&Difference> + Copy + 'static) -> Vec<Column<L>> {
    let effect = Column::number("effect_size", "d", "", 2, move |line| of(line).map(|d| d.effect));
    let names = ["p", "p_adjusted", "mde"];
    let test = tested::columns(names, "", 4, move |line| of(line).and_then(|d| d.test.as_ref()));
    std::iter::once(effect.own_digits()).chain(test).collect()
}

/// Own value of a side: mean over its seeds and clips. Shares of clips of one seed get the interval
/// they have in the other tables, and no share leaves 0 to 100 %.
pub fn own(comparison: &Comparison, side: usize, metric: &Metric, plan: &Bootstrap) -> Estimable<Estimate> {
    let scores = comparison.sides[side].scores.values();
    let maps: Vec<&Clips> = scores.filter_map(|scores| scores.get(&metric.key)).collect();
    match maps.as_slice() {
        [single] if single.values().all(right_or_wrong) => share(&maps, plan),
        _ if metric.lower => estimate(&maps, plan),
        _ => estimate(&maps, plan).map(|e| {
            let cut = |i: Interval| Interval { low: i.low.max(0.0), high: i.high.min(100.0) };
            Estimate { interval: e.interval.map(cut), ..e }
        }),
    }
}

/// Which way is better.
pub fn arrow(metric: &Metric) -> String {
    if metric.lower { "↓" } else { "↑" }.into()
}

/// The verdict on a difference that was not found.
pub fn undecided(adjusted: Option<f64>) -> &'static str {
    match adjusted {
        Some(_) => "not distinguishable",
        None => "not estimable",
    }
}
