//! What tables share: clips of a quantity, seeds and their mean, corrections, headlines.

use crate::fault::Result;
use crate::record::examples::Example;
use crate::record::Direction;
use crate::report::published::{short_names, Published};
use crate::report::runs::{Group, Run};
use crate::report::table::{Cell, Row};
use crate::stats::{
    bootstrap, detectable, hierarchical, multiple, proportion, sign_flip, Alternative, Estimable, Estimate,
    Interval, NotEstimable, Plan,
};
use std::collections::BTreeMap;

/// Significance after correction.
pub const ALPHA: f64 = 0.05;
/// Power of the minimum detectable effect.
pub const POWER: f64 = 0.8;
/// Replicates of a Monte-Carlo permutation test.
pub const PERMUTATIONS: usize = 9999;

/// What a table is made from.
pub struct Context<'a> {
    pub groups: &'a [Group],
    pub plan: Plan,
}

/// One quantity of each clip: (sum, weight), by name.
pub type Clips = BTreeMap<String, (f64, f64)>;

/// One line of a group: a single seed, or the mean of all.
pub struct View {
    pub seed: String,
    /// Indices into the group's runs.
    pub runs: Vec<usize>,
    /// Whether tests are made on this line (not on single seeds when there are several).
    pub decides: bool,
}

/// The seeds of a group and, if there are several, their mean.
pub fn views(group: &Group) -> Vec<View> {
    let k = group.runs.len();
    let one = |(i, run): (usize, &Run)| View { seed: run.seed(), runs: vec![i], decides: k == 1 };
    let mut views: Vec<View> = group.runs.iter().enumerate().map(one).collect();
    if k > 1 {
        views.push(View { seed: format!("mean of {k}"), runs: (0..k).collect(), decides: true });
    }
    views
}

/// The rows of a probe for each run of a group; `None` when no run has them.
pub fn rows<E: Example>(group: &Group) -> Result<Option<Vec<Vec<E>>>> {
    let all: Result<Vec<Option<Vec<E>>>> = group.runs.iter().map(Run::examples).collect();
    let all = all?;
    let some = all.iter().any(Option::is_some);
    Ok(some.then(|| all.into_iter().map(Option::unwrap_or_default).collect()))
}

/// No clips yet.
pub fn clips() -> Clips {
    Clips::new()
}

/// Modalities joined by `+` as tables name them: short where that names one modality only.
pub fn names(group: &Group, joined: &str) -> String {
    let declared = &group.runs[0].record.modalities;
    let name = |full: &str| {
        let short = short_names(full);
        match declared.iter().filter(|m| m.short == short).count() {
            0 | 1 => short,
            _ => full.to_string(),
        }
    };
    joined.split('+').map(name).collect::<Vec<_>>().join("+")
}

/// A direction `a+b->c` likewise: `a+b → c`.
pub fn direction(group: &Group, joined: &str) -> String {
    joined.split("->").map(|side| names(group, side)).collect::<Vec<_>>().join(" → ")
}

/// Adds to a clip's sum and weight.
pub fn add(clips: &mut Clips, clip: &str, sum: f64, weight: f64) {
    let entry = clips.entry(clip.to_string()).or_insert((0.0, 0.0));
    entry.0 += sum;
    entry.1 += weight;
}

/// The clips all maps have in common, sorted by name: one column per map.
fn aligned(maps: &[&Clips]) -> Vec<Vec<(f64, f64)>> {
    let Some(first) = maps.first() else { return vec![] };
    let names: Vec<&String> = first.keys().filter(|k| maps.iter().all(|m| m.contains_key(*k))).collect();
    maps.iter().map(|m| names.iter().map(|k| m[*k]).collect()).collect()
}

/// Number of clips that all maps have in common.
pub fn common_clips(maps: &[&Clips]) -> u64 {
    aligned(maps).first().map_or(0, Vec::len) as u64
}

/// Σ sum / Σ weight: over clips for one seed, over seeds and clips for several.
pub fn estimate(maps: &[&Clips], plan: &Plan) -> Estimable<Estimate> {
    match aligned(maps).as_slice() {
        [] => Err(NotEstimable::NoData),
        [one] => bootstrap::mean_interval(one, plan),
        several => hierarchical::mean_interval(several, plan),
    }
}

/// `a − b` on the same clips, likewise.
pub fn difference(a: &[&Clips], b: &[&Clips], plan: &Plan) -> Estimable<Estimate> {
    let (a, b) = paired(a, b)?;
    match (a.as_slice(), b.as_slice()) {
        ([a], [b]) => bootstrap::difference_interval(a, b, plan),
        (a, b) => hierarchical::difference_interval(a, b, plan),
    }
}

type Columns = Vec<Vec<(f64, f64)>>;

fn paired(a: &[&Clips], b: &[&Clips]) -> Estimable<(Columns, Columns)> {
    if a.len() != b.len() || a.is_empty() {
        return Err(NotEstimable::Unpaired);
    }
    let both: Vec<&Clips> = a.iter().chain(b).copied().collect();
    let mut columns = aligned(&both);
    let second = columns.split_off(a.len());
    Ok((columns, second))
}

/// Two-sided sign-flip test over clips; of several seeds the largest p (true of every seed), and 1
/// where they do not even agree in the sign.
pub fn paired_p(a: &[&Clips], b: &[&Clips], plan: &Plan) -> Estimable<f64> {
    let (a, b) = paired(a, b)?;
    let mut largest: Estimable<f64> = Err(NotEstimable::NoData);
    let all: Vec<Vec<f64>> = a.iter().zip(&b).map(|(a, b)| differences(a, b)).collect();
    let above: Vec<bool> = all.iter().map(|d| d.iter().sum::<f64>() > 0.0).collect();
    if above.iter().any(|up| *up != above[0]) {
        return Ok(1.0);
    }
    for d in all {
        let p = sign_flip::test(&d, Alternative::TwoSided, plan.seed, PERMUTATIONS)?;
        largest = Ok(largest.map_or(p, |q: f64| q.max(p)));
    }
    largest
}

/// Per clip, scaled so that their mean is the difference of the weighted means.
fn differences(a: &[(f64, f64)], b: &[(f64, f64)]) -> Vec<f64> {
    let scale = |x: &[(f64, f64)]| x.len() as f64 / x.iter().map(|c| c.1).sum::<f64>();
    let (scale_a, scale_b) = (scale(a), scale(b));
    a.iter().zip(b).map(|(x, y)| x.0 * scale_a - y.0 * scale_b).collect()
}

/// Smallest difference that would have been found; of several seeds, on the first.
pub fn paired_mde(a: &[&Clips], b: &[&Clips]) -> Estimable<f64> {
    let (a, b) = paired(a, b)?;
    detectable::paired_mean(&differences(&a[0], &b[0]), ALPHA, POWER)
}

/// A share of clips in percent: Clopper–Pearson for one seed, seeds × clips for several.
pub fn share(maps: &[&Clips], plan: &Plan) -> Estimable<Estimate> {
    if let [one] = maps {
        let (hits, n) = hits(one);
        if n == 0 {
            return Err(NotEstimable::NoData);
        }
        let interval = proportion::clopper_pearson(hits, n, plan.level);
        return Ok(percent(Estimate { value: hits as f64 / n as f64, n: n as usize, interval }));
    }
    estimate(maps, plan).map(share_percent)
}

/// Hits and trials of clips that are 0 or 1 each.
pub fn hits(clips: &Clips) -> (u64, u64) {
    (clips.values().filter(|c| c.0 > 0.5).count() as u64, clips.len() as u64)
}

/// Largest p over seeds of a test of hits in trials.
pub fn largest_p(maps: &[&Clips], test: impl Fn(u64, u64) -> Estimable<f64>) -> Estimable<f64> {
    let mut largest: Estimable<f64> = Err(NotEstimable::NoData);
    for map in maps {
        let (h, n) = hits(map);
        let p = test(h, n)?;
        largest = Ok(largest.map_or(p, |q: f64| q.max(p)));
    }
    largest
}

/// A fraction as percent.
pub fn percent(e: Estimate) -> Estimate {
    Estimate { value: 100.0 * e.value, n: e.n, interval: e.interval.map(percent_interval) }
}

/// The same for what cannot leave 0 to 100 %: the ends of its interval are cut there.
pub fn share_percent(e: Estimate) -> Estimate {
    let cut = |i: Interval| Interval { low: i.low.max(0.0), high: i.high.min(1.0) };
    percent(Estimate { interval: e.interval.map(cut), ..e })
}

/// An interval of fractions as percent.
pub fn percent_interval(i: Interval) -> Interval {
    Interval { low: 100.0 * i.low, high: 100.0 * i.high }
}

/// A row whose test is not corrected yet.
pub struct Draft {
    pub row: Row,
    /// The raw p-value; `None`: this row makes no test.
    pub p: Option<Estimable<f64>>,
    /// Shown when the corrected test finds nothing.
    pub mde: Estimable<f64>,
    /// After correction.
    pub adjusted: Option<f64>,
}

impl Draft {
    pub fn new(cells: Vec<Cell>) -> Draft {
        Draft { row: Row::new(cells), p: None, mde: Err(NotEstimable::NoData), adjusted: None }
    }

    /// Whether the corrected test finds something.
    pub fn significant(&self) -> bool {
        self.adjusted.is_some_and(|p| p <= ALPHA)
    }
}

/// Benjamini–Hochberg over all tests of a table; fills `p`, the adjusted p and, beside a null
/// result, the minimum detectable effect. Returns m.
pub fn correct(drafts: &mut [Draft], p: usize, adjusted: usize, mde: Option<usize>) -> usize {
    let raw: Vec<Option<f64>> = drafts.iter().map(|d| d.p.and_then(Estimable::ok)).collect();
    let corrected = multiple::benjamini_hochberg(&raw);
    for (draft, value) in drafts.iter_mut().zip(corrected.adjusted) {
        let Some(test) = draft.p else { continue };
        draft.adjusted = value;
        draft.row.cells[p] = Cell::p(test);
        draft.row.cells[adjusted] = value.map_or(Cell::Empty, Cell::P);
        if let (Some(mde), false) = (mde, draft.significant()) {
            draft.row.cells[mde] = draft.mde.map_or_else(Cell::Absent, Cell::Number);
        }
    }
    corrected.m
}

/// A number for the front page.
pub struct Headline {
    pub experiment: String,
    pub seed: String,
    pub quantity: String,
    pub unit: &'static str,
    pub better: Direction,
    pub digits: usize,
    pub value: Cell,
    /// What it is held against, and its value.
    pub against: String,
    pub against_value: Option<f64>,
    pub adjusted: Option<f64>,
    pub clips: u64,
    pub published: Option<&'static Published>,
}

/// "95 % intervals: …" for a mean over clips.
pub fn mean_note(plan: &Plan) -> String {
    let method = match plan.method {
        bootstrap::Method::Bca => "BCa",
        bootstrap::Method::Percentile => "percentile",
    };
    format!(
        "[low, high]: {} % intervals, {method} bootstrap over clips ({} replicates, seed {}); \
         a mean of seeds: hierarchical bootstrap over seeds × clips.",
        100.0 * plan.level,
        plan.replicates,
        plan.seed
    )
}

/// The same for shares of clips.
pub fn share_note(plan: &Plan) -> String {
    format!(
        "[low, high]: {} % intervals, Clopper–Pearson over clips; a mean of seeds: hierarchical bootstrap \
         over seeds × clips ({} replicates, seed {}).",
        100.0 * plan.level,
        plan.replicates,
        plan.seed
    )
}

/// "p adj.: …" for a table with `m` tests.
pub fn correction_note(test: &str, m: usize) -> String {
    format!(
        "p adj.: {test}; Benjamini–Hochberg over the m = {m} tests of this table. With several seeds \
         p is the largest of the seeds', and 1 where they disagree in the sign."
    )
}

/// The note on the minimum detectable effect.
pub const MDE_NOTE: &str =
    "MDE: the smallest effect a test at 5 % (uncorrected) finds with 80 % power, on the first seed; shown beside null results.";

/// The note on published numbers.
pub const PUBLISHED_NOTE: &str =
    "published: the reference's own model, data and number of clips; only where probe and tokenizer are the same quantity.";

#[cfg(test)]
mod tests {
    use super::*;

    fn clips(values: &[(&str, f64, f64)]) -> Clips {
        values.iter().map(|(n, s, w)| (n.to_string(), (*s, *w))).collect()
    }

    #[test]
    fn only_common_clips_are_compared() {
        let a = clips(&[("a", 1.0, 1.0), ("b", 2.0, 1.0), ("c", 3.0, 1.0)]);
        let b = clips(&[("c", 1.0, 1.0), ("b", 1.0, 1.0), ("d", 9.0, 1.0)]);
        assert_eq!(common_clips(&[&a, &b]), 2);
        let d = difference(&[&a], &[&b], &Plan::default()).unwrap();
        assert_eq!((d.value, d.n), (1.5, 2));
        assert_eq!(difference(&[&a, &a], &[&b], &Plan::default()), Err(NotEstimable::Unpaired));
    }

    #[test]
    fn several_seeds_must_all_agree() {
        let zero = clips(&[("a", 0.0, 1.0), ("b", 0.0, 1.0), ("c", 0.0, 1.0)]);
        let up = clips(&[("a", 1.0, 1.0), ("b", 1.0, 1.0), ("c", 1.0, 1.0)]);
        let mixed = clips(&[("a", 1.0, 1.0), ("b", -1.0, 1.0), ("c", 1.0, 1.0)]);
        let plan = Plan::default();
        let p = |x: &[&Clips], y: &[&Clips]| paired_p(x, y, &plan).unwrap();
        assert_eq!(p(&[&up], &[&zero]), 0.25);
        assert_eq!(p(&[&up, &mixed], &[&zero, &zero]), p(&[&mixed], &[&zero]));
        assert_eq!(p(&[&up, &zero], &[&zero, &up]), 1.0);
    }

    #[test]
    fn a_null_result_gets_its_mde() {
        let draft = |p, mde| Draft { p, mde, ..Draft::new(vec![Cell::Empty; 3]) };
        let mut drafts = [
            draft(Some(Ok(0.001)), Ok(0.1)),
            draft(Some(Ok(0.5)), Ok(0.2)),
            draft(Some(Err(NotEstimable::NoSpread)), Err(NotEstimable::NoSpread)),
            draft(None, Ok(0.3)),
        ];
        assert_eq!(correct(&mut drafts, 0, 1, Some(2)), 2);
        assert_eq!(drafts[0].row.cells, [Cell::P(0.001), Cell::P(0.002), Cell::Empty]);
        assert_eq!(drafts[1].row.cells, [Cell::P(0.5), Cell::P(0.5), Cell::Number(0.2)]);
        let absent = Cell::Absent(NotEstimable::NoSpread);
        assert_eq!(drafts[2].row.cells, [absent.clone(), Cell::Empty, absent]);
        assert_eq!(drafts[3].row.cells, vec![Cell::Empty; 3]);
    }
}
