//! `probes/classification.csv`: the class of a clip, by inputs, method and source.
//!
//! `classification/INPUTS/METHOD/top1`, `top3` and `top5` of methods that rank, `true_logp`: mean score of the
//! true class.

use super::estimate::chance;
use super::measured::{self, Rows};
use super::metric::Metric;
use super::quantity::{Better, Spec, Unit};
use super::rows::{Quantity, ScoreRow};
use super::source;
use crate::stats::Estimable;
use serde::{Deserialize, Serialize};

/// Class of one clip predicted in one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassificationRow {
    pub clip: String,
    pub inputs: String,
    /// One of [`METHODS`].
    pub method: String,
    #[serde(default = "source::model")]
    pub source: String,
    pub true_class: String,
    /// Empty when the decoded text names no class.
    pub predicted_class: String,
    /// 0-based, ties counted against the model; `classes` for a clip whose class does not compete; absent
    /// when the method does not rank.
    pub true_rank: Option<u32>,
    /// Log-probability or score of the true class; absent when the method has none.
    pub true_logp: Option<f64>,
    /// Classes that compete: chance is 1 / `classes`.
    pub classes: u32,
}

/// Every method there is, with whether it ranks.
pub const METHODS: [(&str, bool); 5] = [
    ("logit_rank_as_trained", true),
    (LEADING_SPACE, true),
    ("caption_likelihood", true),
    ("caption_likelihood_minus_prior", true),
    ("sequence_decode", false),
];

/// The method that only captions of byte pairs have.
pub const LEADING_SPACE: &str = "logit_rank_leading_space";

impl ClassificationRow {
    /// Whether the clip is right within the first `k`; `None` when the method does not rank that far.
    pub fn hit(&self, k: u32) -> Option<bool> {
        match self.true_rank {
            Some(rank) => Some(rank < k.min(self.classes)),
            None => (k == 1).then(|| self.predicted_class == self.true_class),
        }
    }

    fn chance(&self, k: u32) -> Estimable<f64> {
        chance(k, self.classes)
    }
}

/// Clips whose first answer is right.
pub const TOP1: Quantity<ClassificationRow> =
    Quantity::share("top1", |r: &ClassificationRow| r.hit(1)).within(1).chance(|r| r.chance(1)).compared();
/// Among the first three; of three classes that is all.
pub const TOP3: Quantity<ClassificationRow> = Quantity::share("top3", |r: &ClassificationRow| r.hit(3))
    .within(3)
    .chance(|r| r.chance(3))
    .compared_if(|r| r.classes > 3);
/// Among the first five.
pub const TOP5: Quantity<ClassificationRow> = Quantity::share("top5", |r: &ClassificationRow| r.hit(5))
    .within(5)
    .chance(|r| r.chance(5))
    .compared_if(|r| r.classes > 5);
/// Mean score of the true class.
pub const TRUE_LOGP: Quantity<ClassificationRow> =
    Quantity::mean("true_logp", Unit::Nats, Better::Higher, |r: &ClassificationRow| {
        Some((r.true_logp?, 1.0))
    });

impl ScoreRow for ClassificationRow {
    const PROBE: &'static str = "classification";
    const FILE: &'static str = "probes/classification.csv";
    const DECLARED: &'static str = "Classify";
    const QUANTITIES: &'static [Quantity<Self>] = &[TOP1, TOP3, TOP5, TRUE_LOGP];
    const SOURCES: &'static [&'static str] = &[source::SHUFFLED, source::MAJORITY];

    fn clip(&self) -> &str {
        &self.clip
    }

    fn source(&self) -> &str {
        &self.source
    }

    fn abouts(&self) -> Vec<String> {
        vec![format!("{}/{}", self.inputs, self.method)]
    }

    fn is_about(&self, about: &str) -> bool {
        about.split_once('/') == Some((self.inputs.as_str(), self.method.as_str()))
    }

    /// A method that does not rank knows of its first answer only.
    fn measures(about: &str, quantity: &Spec) -> bool {
        let ranks = METHODS.iter().any(|(method, ranks)| *ranks && about.ends_with(&format!("/{method}")));
        ranks || quantity.name == TOP1.spec.name
    }

    /// How often a class occurs is no likelihood of its captions: the largest class answers and ranks, and scores
    /// nothing.
    fn answers(source: &str, quantity: &Spec) -> bool {
        source != source::MAJORITY || quantity.right_or_wrong
    }
}

/// Metrics of the input sets in `inputs`, in their order. The caption likelihood is always there, without a
/// value where no clip could be ranked; other methods where they have rows.
pub fn metrics(rows: &[ClassificationRow], inputs: &[String], seed: u64) -> Vec<Metric> {
    let mut all = Vec::new();
    for set in inputs {
        for (method, _) in METHODS {
            let of = |by: &str| -> Vec<&ClassificationRow> {
                let own = |r: &&ClassificationRow| {
                    (r.inputs.as_str(), r.method.as_str(), r.source.as_str()) == (set, method, by)
                };
                rows.iter().filter(own).collect()
            };
            let model = of(source::MODEL);
            for by in std::iter::once(&source::MODEL).chain(ClassificationRow::SOURCES).copied() {
                let own = of(by);
                let always = method == "caption_likelihood" && by == source::MODEL;
                if !own.is_empty() || always {
                    let rows = Rows { own: &own, model: &model };
                    all.extend(measured::metrics(rows, &format!("{set}/{method}"), by, seed));
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(clip: usize, rank: Option<u32>) -> ClassificationRow {
        ClassificationRow {
            clip: format!("c{clip}"),
            inputs: "a".into(),
            method: if rank.is_some() { "caption_likelihood" } else { "sequence_decode" }.into(),
            source: "model".into(),
            true_class: "cat".into(),
            predicted_class: if clip == 0 { "cat".into() } else { String::new() },
            true_rank: rank,
            true_logp: rank.map(|r| -f64::from(r)),
            classes: 5,
        }
    }

    #[test]
    fn ranks_become_shares() {
        let rows =
            [row(0, Some(0)), row(1, Some(2)), row(2, Some(4)), row(3, Some(4)), row(0, None), row(1, None)];
        let all = metrics(&rows, &["a".into()], 1);
        let of = |key: &str| all.iter().find(|m| m.key == key).unwrap().value;
        assert_eq!(of("classification/a/caption_likelihood/top1"), Some(25.0));
        assert_eq!(of("classification/a/caption_likelihood/top3"), Some(50.0));
        assert_eq!(of("classification/a/caption_likelihood/top5"), Some(100.0));
        assert_eq!(of("classification/a/caption_likelihood/true_logp"), Some(-2.5));
        assert_eq!(of("classification/a/sequence_decode/top1"), Some(50.0));
        assert_eq!(all.len(), 5);
    }

    /// Three of four clips are cats, and cats are what training had most of.
    #[test]
    fn the_largest_class_is_a_baseline() {
        let clip = |i: usize, by: &str, rank: u32| ClassificationRow {
            source: by.into(),
            true_class: if i < 3 { "cat" } else { "dog" }.into(),
            ..row(i, Some(rank))
        };
        let mut rows: Vec<ClassificationRow> =
            (0..4).map(|i| clip(i, source::MODEL, u32::from(i > 0))).collect();
        rows.extend((0..4).map(|i| clip(i, source::MAJORITY, u32::from(i == 3))));
        let all = metrics(&rows, &["a".into()], 1);
        let of = |key: &str| all.iter().find(|m| m.key == key).unwrap();
        let model = of("classification/a/caption_likelihood/top1");
        let largest = of("classification/a/caption_likelihood/top1/majority_class");
        assert_eq!((model.value, model.chance, largest.value), (Some(25.0), Some(20.0), Some(75.0)));
        assert!(all.iter().all(|m| !m.key.ends_with("true_logp/majority_class")), "a share is no likelihood");
        // One of four is what luck gives most often but none; the two differ on two clips, both one way.
        assert_eq!((model.p.map(|p| p > 0.5), largest.p), (Some(true), Some(0.5)));
    }

    #[test]
    fn nobody_ranked_is_not_estimable() {
        let all = metrics(&[], &["a".into()], 1);
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|m| m.value.is_none() && m.n == 0), "{all:?}");
    }

    #[test]
    fn a_class_that_does_not_compete_is_never_hit() {
        let unknown = ClassificationRow { classes: 3, ..row(1, Some(3)) };
        assert_eq!([1, 3, 5].map(|k| unknown.hit(k)), [Some(false); 3]);
    }

    #[test]
    fn a_method_without_ranks_has_no_top_3() {
        assert_eq!((row(1, Some(2)).hit(1), row(1, Some(2)).hit(3)), (Some(false), Some(true)));
        assert_eq!((row(0, None).hit(1), row(0, None).hit(3)), (Some(true), None));
        assert_eq!(row(1, None).hit(1), Some(false));
    }
}
