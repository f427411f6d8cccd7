//! How a declared claim is judged, in every table of claims: by Holm's procedure over all of them.

use crate::metrics::estimate::ALPHA;
use crate::report::table::Column;
use crate::stats::{multiple, Estimable};

/// A claim and how it was judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// In the metric's unit.
    pub margin: f64,
    /// One-sided, uncorrected.
    pub p: Estimable<f64>,
    /// After [`judge`]; absent where the claim could not be judged.
    pub adjusted: Option<f64>,
    /// Claims judged together.
    pub claims: usize,
}

impl Verdict {
    /// Before it is judged.
    pub fn new(margin: f64, p: Estimable<f64>) -> Verdict {
        Verdict { margin, p, adjusted: None, claims: 0 }
    }

    /// In words.
    pub fn word(&self) -> &'static str {
        match self.adjusted {
            Some(p) if p <= ALPHA => "supported",
            Some(_) => "not supported",
            None => "not judged",
        }
    }
}

/// Holm's procedure over claims that were declared together.
pub fn judge<'v>(verdicts: impl Iterator<Item = &'v mut Verdict>) {
    let mut verdicts: Vec<&mut Verdict> = verdicts.collect();
    let raw: Vec<Option<f64>> = verdicts.iter().map(|verdict| verdict.p.ok()).collect();
    let holm = multiple::holm(&raw);
    for (verdict, adjusted) in verdicts.iter_mut().zip(holm.adjusted) {
        (verdict.adjusted, verdict.claims) = (adjusted, holm.m);
    }
}

/// From the margin on: raw and adjusted p, the verdict, and the number of claims judged together.
pub fn columns<L>(of: impl Fn(&L) -> &Verdict + Copy + 'static) -> [Column<L>; 5] {
    [
        Column::number("margin", "margin", ("", 4), move |line| of(line).margin),
        Column::p("p", "p", move |line| of(line).p).csv_only(),
        Column::p("p_holm", "p Holm", move |line| of(line).adjusted),
        Column::text("verdict", "verdict", move |line| of(line).word().to_string()),
        Column::count("m", move |line| of(line).claims as u64),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::NotEstimable;

    #[test]
    fn a_claim_is_judged_by_its_adjusted_p() {
        let mut verdicts = [Ok(0.025), Ok(0.0501), Err(NotEstimable::NoData)].map(|p| Verdict::new(0.0, p));
        judge(verdicts.iter_mut());
        assert_eq!(verdicts.map(|v| v.word()), ["supported", "not supported", "not judged"]);
        assert_eq!(verdicts.map(|v| v.claims), [2, 2, 2]);
        let alone = Verdict { adjusted: Some(ALPHA), ..verdicts[0] };
        assert_eq!(alone.word(), "supported");
    }
}
