//! What an estimate is, and why there may be none.

use std::fmt;

/// Why a number cannot be estimated; prints as a reason for a table's cell or note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotEstimable {
    /// There is nothing to average.
    NoData,
    /// One unit says nothing about the spread between units.
    OneUnit,
    /// Fewer than [`FEWEST`] clips: an interval would not cover what it says.
    TooFew,
    /// All units are equal (or no pair differs): the spread is unknown, not 0.
    NoSpread,
    /// An infinite or NaN score, a negative weight, or a level outside (0, 1).
    NotFinite,
    /// The two sides are not the same clips.
    Unpaired,
    /// Only a summary is known, not the scores of the units (published numbers).
    SummaryOnly,
}

impl fmt::Display for NotEstimable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotEstimable::NoData => "no data",
            NotEstimable::OneUnit => "one unit",
            NotEstimable::TooFew => return write!(f, "fewer than {FEWEST} clips"),
            NotEstimable::NoSpread => "no spread",
            NotEstimable::NotFinite => "not finite",
            NotEstimable::Unpaired => "not paired",
            NotEstimable::SummaryOnly => "summary only",
        })
    }
}

/// Clips without which there is no bootstrap interval, no interval of an area under a curve, and no smallest
/// detectable difference: below, they are too narrow.
///
/// Simulated coverage of intervals that say 95 % (`tests/statistics/few.rs`):
///
/// ```text
/// clips   normal   skewed   weighted   seeds × clips   AUC 0.50   AUC 0.76
///     3     0.74     0.67       0.68            0.82       0.90       0.73
///     5     0.83     0.79       0.82            0.90       0.98       0.91
///    10     0.90     0.88       0.88            0.93       0.97       0.96
///    15     0.92     0.90       0.89            0.95       0.97       0.96
///    20     0.93     0.91       0.92            0.96       0.96       0.96
///    40     0.94     0.93       0.92            0.97       0.95       0.95
/// ```
/// normal, skewed (exponential) and weighted (longer clips are harder) scores: BCa; two seeds whose clips differ
/// more than the seeds; two normal groups of that many clips each. Scores with tails as heavy as a cubed normal's
/// cover 0.80 at 20 clips and 0.84 at 40: no bootstrap of so few clips knows its tails.
///
/// Exact intervals (Clopper–Pearson) and exact tests (binomial, McNemar, sign flips, permutations) hold at any
/// number of clips and are given at any.
pub const FEWEST: usize = 20;

/// [`FEWEST`], as a reason not to give an interval.
pub(super) fn enough(clips: usize) -> Estimable<()> {
    match clips {
        0 => Err(NotEstimable::NoData),
        1 => Err(NotEstimable::OneUnit),
        few if few < FEWEST => Err(NotEstimable::TooFew),
        _ => Ok(()),
    }
}

/// A value, or the reason why there is none.
pub type Estimable<T> = Result<T, NotEstimable>;

/// Both ends of an interval; the level is that of the request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// Whether `x` lies inside, ends included.
    pub fn contains(&self, x: f64) -> bool {
        self.low <= x && x <= self.high
    }

    /// An interval of fractions in percent.
    pub fn percent(self) -> Interval {
        Interval { low: 100.0 * self.low, high: 100.0 * self.high }
    }
}

/// A point estimate over `n` units and its interval, when there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub value: f64,
    /// Units that carry information: clips, or seeds where seeds are resampled too.
    pub n: usize,
    pub interval: Estimable<Interval>,
}

impl Estimate {
    /// A fraction, or a difference of fractions, in percent.
    pub fn percent(self) -> Estimate {
        Estimate { value: 100.0 * self.value, n: self.n, interval: self.interval.map(Interval::percent) }
    }

    /// The same for what cannot leave 0 to 100 %: the ends of its interval are cut there.
    pub fn share_percent(self) -> Estimate {
        let cut = |i: Interval| Interval { low: i.low.max(0.0), high: i.high.min(1.0) };
        Estimate { interval: self.interval.map(cut), ..self }.percent()
    }
}

/// The direction a test looks in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alternative {
    TwoSided,
    Greater,
    Less,
}

/// Checks that a level or a significance is strictly between 0 and 1.
pub(super) fn check_level(level: f64) -> Estimable<()> {
    if level > 0.0 && level < 1.0 {
        Ok(())
    } else {
        Err(NotEstimable::NotFinite)
    }
}

/// Linear interpolation between order statistics (numpy's default), `p` in 0..=1.
pub(super) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let at = p.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64)
}

/// Whether values differ by no more than the rounding of their computation.
pub(super) fn all_equal(values: impl Iterator<Item = f64>) -> bool {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for v in values {
        low = low.min(v);
        high = high.max(v);
    }
    high - low <= 1e-12 * low.abs().max(high.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        let x = [1.0, 2.0, 4.0];
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(|p| quantile(&x, p)), [1.0, 1.5, 2.0, 3.0, 4.0]);
        assert_eq!(quantile(&[7.0], 0.3), 7.0);
    }

    #[test]
    fn rounding_is_not_a_difference() {
        assert!(all_equal([0.1 + 0.2, 0.3].into_iter()));
        assert!(!all_equal([0.3, 0.3 + 1e-9].into_iter()));
        assert!(all_equal([0.0, 0.0].into_iter()));
    }
}
