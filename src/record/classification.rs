//! From `probes/classification.csv` to metrics.
//!
//! ```text
//! classification.top1/INPUTS/METHOD       % of clips, higher is better; .top3 and .top5 of methods that rank
//! classification.true_logp/INPUTS/METHOD  mean score of the true class, nats
//! ```
//! `.shuffled_input` behind the quantity: the same with another clip's input.

use super::examples::{source, Classification, Example};
use super::measured::{add, name, Clips, Maker, Unit};
use super::{Direction, Metric};

/// Every method there is, with whether it ranks.
pub const METHODS: [(&str, bool); 5] = [
    ("logit_rank_as_trained", true),
    ("logit_rank_leading_space", true),
    ("caption_likelihood", true),
    ("caption_likelihood_minus_prior", true),
    ("sequence_decode", false),
];

/// Metrics of the input sets in `inputs`, in their order. The caption likelihood is always there, without a
/// value where no clip could be ranked; other methods where they have rows.
pub fn metrics(rows: &[Classification], inputs: &[String], seed: u64) -> Vec<Metric> {
    let maker = Maker { file: Classification::FILE, seed };
    let mut all = Vec::new();
    for set in inputs {
        for (method, ranks) in METHODS {
            for by in [source::MODEL, source::SHUFFLED] {
                let of: Vec<&Classification> = rows
                    .iter()
                    .filter(|r| {
                        (r.inputs.as_str(), r.method.as_str(), r.source.as_str()) == (set, method, by)
                    })
                    .collect();
                let always = method == "caption_likelihood" && by == source::MODEL;
                if !of.is_empty() || always {
                    all.extend(one(&maker, &of, &format!("{set}/{method}"), by, ranks));
                }
            }
        }
    }
    all
}

fn one(maker: &Maker, of: &[&Classification], subject: &str, by: &str, ranks: bool) -> Vec<Metric> {
    let top = |k: u32| -> Vec<bool> {
        let right = |r: &&Classification| match r.true_rank {
            Some(rank) => rank < k,
            None => r.predicted_class == r.true_class,
        };
        of.iter().map(right).collect()
    };
    let mut all = vec![maker.share(&name("classification.top1", by), subject, &top(1))];
    if ranks {
        all.push(maker.share(&name("classification.top3", by), subject, &top(3)));
        all.push(maker.share(&name("classification.top5", by), subject, &top(5)));
        let mut scores = Clips::new();
        for r in of {
            if let Some(logp) = r.true_logp {
                add(&mut scores, &r.clip, logp, 1.0);
            }
        }
        let unit = Unit::Plain(Direction::Higher);
        all.push(maker.mean(&name("classification.true_logp", by), Some(subject), &scores, unit));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(clip: usize, rank: Option<u32>) -> Classification {
        Classification {
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
        let of = |key: &str| all.iter().find(|m| m.key() == key).unwrap().value;
        assert_eq!(of("classification.top1/a/caption_likelihood"), Some(25.0));
        assert_eq!(of("classification.top3/a/caption_likelihood"), Some(50.0));
        assert_eq!(of("classification.top5/a/caption_likelihood"), Some(100.0));
        assert_eq!(of("classification.true_logp/a/caption_likelihood"), Some(-2.5));
        assert_eq!(of("classification.top1/a/sequence_decode"), Some(50.0));
        assert_eq!(all.len(), 5);
    }

    #[test]
    fn nobody_ranked_is_not_estimable() {
        let all = metrics(&[], &["a".into()], 1);
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|m| m.value.is_none() && m.n == 0), "{all:?}");
    }
}
