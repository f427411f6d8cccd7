//! How a declared claim is judged, in every table of claims: by Holm's procedure over all of them.

use crate::metrics::estimate::ALPHA;
use crate::report::table::Column;
use crate::stats::{multiple, Estimable};

/// What a claim speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The trained model or models and what they are held against: chance or a baseline.
    Baseline,
    /// Two recipes, each trained with several seeds.
    Recipes,
    /// Two recipes of which one model each is there: all that can be judged is these two models.
    TwoModels,
}

impl Scope {
    /// Of recipes that were trained with that many seeds in common.
    pub fn of_recipes(seeds: usize) -> Scope {
        if seeds == 1 {
            Scope::TwoModels
        } else {
            Scope::Recipes
        }
    }
}

/// The verdict on recipes of which one model each is there.
pub const ONE_SEED: &str = "one seed: not estimable";

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
    pub scope: Scope,
}

impl Verdict {
    /// Before it is judged.
    pub fn new(margin: f64, p: Estimable<f64>, scope: Scope) -> Verdict {
        Verdict { margin, p, adjusted: None, claims: 0, scope }
    }

    /// In words.
    pub fn word(&self) -> &'static str {
        match (self.adjusted, self.scope) {
            (Some(p), Scope::TwoModels) if p <= ALPHA => "supported by the two models",
            (Some(_), Scope::TwoModels) => "not supported by the two models",
            (Some(p), _) if p <= ALPHA => "supported",
            (Some(_), _) => "not supported",
            (None, _) => "not judged",
        }
    }

    /// Of the recipes; absent where the claim is about none.
    pub fn recipes(&self) -> Option<&'static str> {
        match (self.scope, self.adjusted) {
            (Scope::Baseline, _) => None,
            (Scope::TwoModels, Some(_)) => Some(ONE_SEED),
            _ => Some(self.word()),
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

/// From the margin on: raw and adjusted p, the verdict, what it says of the recipes, and the number of claims judged
/// together.
pub fn columns<L>(of: impl Fn(&L) -> &Verdict + Copy + 'static) -> [Column<L>; 6] {
    [
        Column::number("margin", "margin", ("", 4), move |line| of(line).margin),
        Column::p("p", "p", move |line| of(line).p).csv_only(),
        Column::p("p_holm", "p Holm", move |line| of(line).adjusted),
        Column::text("verdict", "verdict", move |line| of(line).word().to_string()),
        Column::text("recipes", "of the recipes", move |line| of(line).recipes().map(String::from)),
        Column::count("m", move |line| of(line).claims as u64),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::NotEstimable;

    #[test]
    fn a_claim_is_judged_by_its_adjusted_p() {
        let mut verdicts =
            [Ok(0.025), Ok(0.0501), Err(NotEstimable::NoData)].map(|p| Verdict::new(0.0, p, Scope::Recipes));
        judge(verdicts.iter_mut());
        assert_eq!(verdicts.map(|v| v.word()), ["supported", "not supported", "not judged"]);
        assert_eq!(verdicts.map(|v| v.claims), [2, 2, 2]);
        let alone = Verdict { adjusted: Some(ALPHA), ..verdicts[0] };
        assert_eq!(alone.word(), "supported");
        let models = Verdict { scope: Scope::TwoModels, ..alone };
        assert_eq!((models.word(), models.recipes()), ("supported by the two models", Some(ONE_SEED)));
        let baseline = Verdict { scope: Scope::Baseline, ..alone };
        assert_eq!((baseline.word(), baseline.recipes()), ("supported", None));
    }
}
