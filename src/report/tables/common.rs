//! What tables share: clips of a quantity, seeds and their mean, corrections, headlines.

use crate::fault::Result;
use crate::modality::short_names;
use crate::record::examples::Example;
use crate::record::Direction;
use crate::report::reference::Published;
use crate::report::runs::{Group, Run};
use crate::report::table::{Cell, Row};
use crate::stats::{bootstrap, multiple, Bootstrap, Estimable, Estimate, NotEstimable};

pub use crate::metrics::clips::{add, common_clips, hits, Clips};
pub use crate::metrics::estimate::{
    difference, estimate, largest_p, paired_mde, paired_p, share, ALPHA, PERMUTATIONS, POWER,
};

/// A fraction as percent.
pub fn percent(e: Estimate) -> Estimate {
    e.percent()
}

/// The same for what cannot leave 0 to 100 %.
pub fn share_percent(e: Estimate) -> Estimate {
    e.share_percent()
}

/// What a table is made from.
pub struct Context<'a> {
    pub groups: &'a [Group],
    pub plan: Bootstrap,
}

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
pub fn mean_note(plan: &Bootstrap) -> String {
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
pub fn share_note(plan: &Bootstrap) -> String {
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
