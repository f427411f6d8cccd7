//! What a comparison says of two sides: of the trained models that were compared, or, with several seeds, of the
//! recipes they were trained by.

use crate::metrics::Standing;
use crate::report::tables::verdict::ONE_SEED;

/// A verdict in words. With one seed a side it speaks of two trained models, and of the recipes nothing is known: a
/// model of the same recipe and another seed is as different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub verdict: String,
    pub recipes: String,
}

impl Words {
    /// Of a side that is held against the reference; `several`: effects average over pairs of models.
    pub fn of_side(standing: Standing, seeds: u64, several: bool) -> Words {
        let models = if several { "models" } else { "model" };
        Words::new(standing, seeds, |word| format!("{models} {word}"), |word| word.into())
    }

    /// Of the pair `a` and `b`; the standing is that of `a`.
    pub fn of_pair(standing: Standing, seeds: u64) -> Words {
        // "b better", never "a worse".
        let ahead = |prefix: &str, word: &str| {
            if standing.ahead() {
                format!("{prefix}a {word}")
            } else {
                format!("{prefix}b {}", standing.turned().word())
            }
        };
        Words::new(standing, seeds, |word| ahead("model ", word), |word| ahead("", word))
    }

    /// Of the reference itself.
    pub fn of_reference() -> Words {
        Words { verdict: "reference".into(), recipes: "reference".into() }
    }

    fn new(
        standing: Standing,
        seeds: u64,
        of_models: impl Fn(&str) -> String,
        of_recipes: impl Fn(&str) -> String,
    ) -> Words {
        let one = seeds == 1;
        let verdict = match standing {
            Standing::NotEstimable => standing.word().to_string(),
            Standing::NotDistinguishable if one => format!("models {}", standing.word()),
            Standing::NotDistinguishable => standing.word().to_string(),
            _ if one => of_models(standing.word()),
            _ => of_recipes(standing.word()),
        };
        let recipes = if one { ONE_SEED.to_string() } else { verdict.clone() };
        Words { verdict, recipes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_speaks_of_two_models() {
        let pair = |standing, seeds| Words::of_pair(standing, seeds);
        assert_eq!(pair(Standing::Better, 1).verdict, "model a better");
        assert_eq!(pair(Standing::Worse, 1).verdict, "model b better");
        assert_eq!(pair(Standing::Smaller, 1).verdict, "model b larger");
        assert_eq!(pair(Standing::NotDistinguishable, 1).verdict, "models not distinguishable");
        assert_eq!(pair(Standing::Better, 1).recipes, "one seed: not estimable");
        assert_eq!(Words::of_side(Standing::Worse, 1, false).verdict, "model worse");
        assert_eq!(Words::of_side(Standing::Worse, 1, true).verdict, "models worse");
    }

    #[test]
    fn several_seeds_speak_of_the_recipes() {
        for seeds in [2, 3, 5] {
            let words = Words::of_pair(Standing::Worse, seeds);
            assert_eq!((words.verdict.as_str(), words.recipes.as_str()), ("b better", "b better"));
            let words = Words::of_side(Standing::NotDistinguishable, seeds, false);
            assert_eq!(words.verdict, "not distinguishable");
            assert_eq!(words.recipes, words.verdict);
        }
        assert_eq!(Words::of_pair(Standing::NotEstimable, 0).recipes, "not estimable");
    }
}
