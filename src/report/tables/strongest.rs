//! The strongest of what a number is held against, and how it stands to it.

use super::built::Against;
use crate::metrics::{source, Better, Standing};

/// Whether a source counts as a baseline: it answers without a trained network that sees the clip's input.
pub fn is_baseline(source: &str) -> bool {
    source::BASELINES.contains(&source)
}

/// The best of several; of equals the first.
pub fn strongest(candidates: impl IntoIterator<Item = Against>, better: Better) -> Option<Against> {
    let numbered = candidates.into_iter().filter_map(|c| Some((c.value.filter(|v| v.is_finite())?, c)));
    let best = numbered.reduce(|best, other| if better.stronger(other.0, best.0) { other } else { best });
    best.map(|(_, against)| against)
}

/// What a table says of a number: how it stands, and to what.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub standing: Standing,
    /// The strongest baseline; absent on the line of what the number is held against, which says how the number
    /// stands to it.
    pub against: Option<String>,
}

impl Verdict {
    /// Of the number itself.
    pub fn of(better: Better, value: Option<f64>, against: &Against) -> Verdict {
        let standing = against.standing(better, value);
        Verdict { standing, against: Some(against.name.clone()) }
    }

    /// `better than unigram_marginal`; on the other lines `model better`, with who is meant by `subject`.
    pub fn text(&self, subject: &str) -> String {
        let word = self.standing.word();
        match (&self.against, self.standing) {
            (_, Standing::NotEstimable) => word.into(),
            (Some(name), Standing::NotDistinguishable) => format!("{word} from {name}"),
            (Some(name), _) => format!("{word} than {name}"),
            (None, Standing::NotDistinguishable) => word.into(),
            (None, _) => format!("{subject} {word}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn against(name: &str, value: f64, p: f64) -> Against {
        Against { name: name.into(), value: Some(value), adjusted: Some(p) }
    }

    #[test]
    fn the_strongest_is_the_best_of_them() {
        let all = || [against("a", 3.0, 0.001), against("b", 1.0, 0.2), against("c", 1.0, 0.001)];
        assert_eq!(strongest(all(), Better::Lower).unwrap().name, "b");
        assert_eq!(strongest(all(), Better::Higher).unwrap().name, "a");
        assert!(strongest([], Better::Higher).is_none());
    }

    #[test]
    fn a_verdict_says_to_what() {
        let of = |value, p| Verdict::of(Better::Lower, Some(value), &against("unigram_marginal", 2.0, p));
        assert_eq!(of(1.0, 0.001).text("model"), "better than unigram_marginal");
        assert_eq!(of(3.0, 0.001).text("model"), "worse than unigram_marginal");
        assert_eq!(of(1.0, 0.2).text("model"), "not distinguishable from unigram_marginal");
        let other = Verdict { against: None, ..of(3.0, 0.001) };
        assert_eq!(other.text("model"), "model worse");
        let none = Against { adjusted: None, ..against("x", 2.0, 1.0) };
        assert_eq!(Verdict::of(Better::Lower, Some(1.0), &none).text("model"), "not estimable");
    }
}
