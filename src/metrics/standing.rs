//! How a number stands to another: the word of every verdict.

use super::estimate::ALPHA;
use super::quantity::Better;

/// How a number stands to what it is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Better,
    Worse,
    /// Of a quantity without a better side.
    Larger,
    Smaller,
    /// The corrected test finds no difference.
    NotDistinguishable,
    /// There is no test.
    NotEstimable,
}

impl Standing {
    /// From the difference (own − other) and its corrected p-value.
    pub fn new(better: Better, difference: Option<f64>, adjusted: Option<f64>) -> Standing {
        let Some(difference) = difference.filter(|d| !d.is_nan()) else { return Standing::NotEstimable };
        if difference == 0.0 {
            // Also where a test has nothing to go by, because the two are alike on every clip.
            return Standing::NotDistinguishable;
        }
        let Some(p) = adjusted else { return Standing::NotEstimable };
        match (p <= ALPHA, better, difference > 0.0) {
            (false, ..) => Standing::NotDistinguishable,
            (true, Better::Higher, true) | (true, Better::Lower, false) => Standing::Better,
            (true, Better::Higher, false) | (true, Better::Lower, true) => Standing::Worse,
            (true, Better::Neither, true) => Standing::Larger,
            (true, Better::Neither, false) => Standing::Smaller,
        }
    }

    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Better => "better",
            Standing::Worse => "worse",
            Standing::Larger => "larger",
            Standing::Smaller => "smaller",
            Standing::NotDistinguishable => "not distinguishable",
            Standing::NotEstimable => "not estimable",
        }
    }

    /// As the other number stands to this one.
    pub fn turned(self) -> Standing {
        match self {
            Standing::Better => Standing::Worse,
            Standing::Worse => Standing::Better,
            Standing::Larger => Standing::Smaller,
            Standing::Smaller => Standing::Larger,
            same => same,
        }
    }

    /// Whether a difference was found.
    pub fn decided(self) -> bool {
        !matches!(self, Standing::NotDistinguishable | Standing::NotEstimable)
    }

    /// Whether it was found that this number is ahead: better, or where neither side is, larger.
    pub fn ahead(self) -> bool {
        matches!(self, Standing::Better | Standing::Larger)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_is_never_lost() {
        let of = |better, difference| Standing::new(better, Some(difference), Some(0.001)).word();
        assert_eq!([of(Better::Lower, 0.1), of(Better::Lower, -0.1)], ["worse", "better"]);
        assert_eq!([of(Better::Higher, 0.1), of(Better::Higher, -0.1)], ["better", "worse"]);
        assert_eq!([of(Better::Neither, 0.1), of(Better::Neither, -0.1)], ["larger", "smaller"]);
        assert_eq!(of(Better::Higher, 0.0), "not distinguishable");
        let better = Standing::new(Better::Lower, Some(-0.1), Some(0.001));
        assert_eq!((better.turned(), better.turned().turned()), (Standing::Worse, better));
    }

    #[test]
    fn without_a_test_or_a_number_nothing_is_said() {
        let of = |difference, p| Standing::new(Better::Higher, difference, p);
        assert_eq!(of(Some(1.0), Some(0.0501)), Standing::NotDistinguishable);
        assert_eq!(of(Some(1.0), Some(ALPHA)), Standing::Better);
        assert_eq!(of(Some(0.0), None), Standing::NotDistinguishable, "alike on every clip");
        for none in [of(Some(1.0), None), of(None, Some(0.001)), of(Some(f64::NAN), Some(0.001))] {
            assert_eq!(none, Standing::NotEstimable);
        }
    }
}
