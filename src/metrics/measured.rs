//! From rows to the metrics of a record: one pass over a probe's quantities.
//!
//! The unit of resampling is the clip. Intervals are seeded with `seeds.probes`.

use super::clips::Clips;
use super::estimate::share_of_clips;
use super::key::Key;
use super::metric::Metric;
use super::rows::{Count, Quantity, ScoreRow};
use crate::stats::bootstrap::{difference_interval, mean_interval};
use crate::stats::Bootstrap;

/// How the intervals of means are made, as records and tables say it.
pub const BOOTSTRAP: &str = "BCa bootstrap over clips, 95 %";
/// How the intervals of shares of clips are made.
pub const CLOPPER_PEARSON: &str = "Clopper–Pearson over clips, 95 %";

/// One quantity of `rows`, all of them about `key`; `None` where the probe has an estimator of its own.
pub fn metric<R: ScoreRow>(quantity: &Quantity<R>, key: &Key, rows: &[&R], seed: u64) -> Option<Metric> {
    let plan = Bootstrap { seed, ..Bootstrap::default() };
    let of = || quantity.clips(rows.iter().copied());
    let (estimate, method) = match quantity.count {
        Count::Share(_) => (share_of_clips(&of(), plan.level), CLOPPER_PEARSON),
        Count::Mean(_) => (mean_interval(&values(&of()), &plan), BOOTSTRAP),
        Count::Difference(both) => {
            let (a, b) = sides(both, rows);
            (difference_interval(&values(&a), &values(&b), &plan), BOOTSTRAP)
        }
        Count::Excess(..) | Count::Whole => return None,
    };
    Some(Metric::estimated(key, estimate, method).with_file(R::FILE))
}

/// Every quantity of `rows`, all of them about `about` and by one source.
pub fn metrics<R: ScoreRow>(rows: &[&R], about: &str, source: &str, seed: u64) -> Vec<Metric> {
    let of = |q: &Quantity<R>| metric(q, &Key::new(q, about).by(source), rows, seed);
    R::QUANTITIES.iter().filter(|q| R::measures(about, &q.spec)).filter_map(of).collect()
}

/// Both sides of a difference, by clip.
fn sides<R: ScoreRow>(both: fn(&R) -> [(f64, f64); 2], rows: &[&R]) -> (Clips, Clips) {
    let (mut a, mut b) = (Clips::new(), Clips::new());
    for row in rows {
        let [x, y] = both(row);
        super::clips::add(&mut a, row.clip(), x.0, x.1);
        super::clips::add(&mut b, row.clip(), y.0, y.1);
    }
    (a, b)
}

/// The clips in the order of their names.
pub fn values(clips: &Clips) -> Vec<(f64, f64)> {
    clips.values().copied().collect()
}

/// First parts in order of appearance.
pub fn in_order<T: PartialEq>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}
