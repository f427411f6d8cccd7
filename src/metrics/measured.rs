//! From rows to the metrics of a record: one pass over a probe's quantities.
//!
//! The unit of resampling is the clip. Intervals are seeded with `seeds.probes`.

use super::clips::{self, hits, Clips};
use super::estimate::{paired_p, share_of_clips};
use super::key::Key;
use super::metric::Metric;
use super::rows::{Count, Quantity, ScoreRow};
use crate::stats::bootstrap::{difference_interval, mean_interval};
use crate::stats::{binomial, Alternative, Bootstrap, Estimable, NotEstimable};

/// How the intervals of means are made, as records and tables say it.
pub const BOOTSTRAP: &str = "BCa bootstrap over clips, 95 %";
/// How the intervals of shares of clips are made.
pub const CLOPPER_PEARSON: &str = "Clopper–Pearson over clips, 95 %";

/// Rows about the same, by one source, and those by the model.
pub struct Rows<'a, R> {
    pub own: &'a [&'a R],
    pub model: &'a [&'a R],
}

impl<R> Clone for Rows<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Rows<'_, R> {}

impl<'a, R> Rows<'a, R> {
    /// Of the model itself.
    pub fn of_model(own: &'a [&'a R]) -> Rows<'a, R> {
        Rows { own, model: own }
    }
}

/// One quantity of `rows`, all of them about `key`; `None` where the probe has an estimator of its own.
pub fn metric<R: ScoreRow>(quantity: &Quantity<R>, key: &Key, rows: Rows<R>, seed: u64) -> Option<Metric> {
    let plan = Bootstrap { seed, ..Bootstrap::default() };
    let Rows { own: rows, model } = rows;
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
    let metric = Metric::estimated(key, estimate, method).with_file(R::FILE);
    if !key.of_model() {
        return Some(metric.with_p(from_model(
            quantity,
            &of(),
            &quantity.clips(model.iter().copied()),
            &plan,
        )));
    }
    let Some((chance, row)) = quantity.chance.zip(rows.last()) else { return Some(metric) };
    let (chance, (hits, n)) = (chance(row), hits(&of()));
    let p = chance.and_then(|chance| binomial::test(hits, n, chance, Alternative::TwoSided));
    Some(metric.with_chance(chance.map(|chance| key.spec.unit.scale() * chance), p))
}

/// p-value of the difference of two sources on the same clips.
fn from_model<R: ScoreRow>(
    quantity: &Quantity<R>,
    own: &Clips,
    model: &Clips,
    plan: &Bootstrap,
) -> Estimable<f64> {
    match quantity.count {
        Count::Share(_) => clips::mcnemar(own, model),
        Count::Mean(_) => paired_p(&[own], &[model], plan),
        Count::Difference(_) | Count::Excess(..) | Count::Whole => Err(NotEstimable::NoData),
    }
}

/// Every quantity of `rows`, all of them about `about` and by one source.
pub fn metrics<R: ScoreRow>(rows: Rows<R>, about: &str, source: &str, seed: u64) -> Vec<Metric> {
    let of = |q: &Quantity<R>| metric(q, &Key::new(q, about).by(source), rows, seed);
    let there = |q: &&Quantity<R>| R::measures(about, &q.spec) && R::answers(source, &q.spec);
    R::QUANTITIES.iter().filter(there).filter_map(of).collect()
}

/// Both sides of a difference, by clip.
fn sides<R: ScoreRow>(both: fn(&R) -> [(f64, f64); 2], rows: &[&R]) -> (Clips, Clips) {
    let (mut a, mut b) = (Clips::new(), Clips::new());
    for row in rows {
        let [x, y] = both(row);
        clips::add(&mut a, row.clip(), x.0, x.1);
        clips::add(&mut b, row.clip(), y.0, y.1);
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
