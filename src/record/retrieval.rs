//! From `probes/retrieval.csv` to metrics.
//!
//! ```text
//! retrieval.r1/QUERY->GALLERY            % of queries whose partner is nearest; .r5, .r10
//! retrieval.median_rank/QUERY->GALLERY   1 is best
//! retrieval.mrr/QUERY->GALLERY           mean reciprocal rank
//! ```
//! A drawn gallery of n clips adds `/gallery{n}`; `.untrained` behind the quantity: the initial weights.

use super::examples::{source, Example, Retrieval};
use super::measured::{add, name, Clips, Maker, Unit};
use super::{Direction, Metric};

/// Metrics of the pairs, in their order, of one probe; `gallery` 0 is the whole split. Those of the model are
/// always there, without a value where no query has a rank.
pub fn metrics(rows: &[Retrieval], pairs: &[(String, String)], gallery: usize, seed: u64) -> Vec<Metric> {
    let maker = Maker { file: Retrieval::FILE, seed };
    let mut all = Vec::new();
    for (query, partner) in pairs {
        let subject = match gallery {
            0 => format!("{query}->{partner}"),
            n => format!("{query}->{partner}/gallery{n}"),
        };
        for by in [source::MODEL, source::UNTRAINED] {
            let of: Vec<&Retrieval> = rows
                .iter()
                .filter(|r| (&r.query_modality, &r.gallery_modality) == (query, partner) && r.source == by)
                .collect();
            if !of.is_empty() || by == source::MODEL {
                all.extend(one(&maker, &of, &subject, by));
            }
        }
    }
    all
}

fn one(maker: &Maker, of: &[&Retrieval], subject: &str, by: &str) -> Vec<Metric> {
    let found = |k: u32| -> Vec<bool> { of.iter().map(|r| r.rank < k).collect() };
    let share = |k: u32| maker.share(&name(&format!("retrieval.r{k}"), by), subject, &found(k));
    let mut reciprocal = Clips::new();
    of.iter().for_each(|r| add(&mut reciprocal, &r.clip, 1.0 / (1.0 + f64::from(r.rank)), 1.0));
    let median = Metric::new(
        &name("retrieval.median_rank", by),
        Some(subject),
        median(of.iter().map(|r| r.rank + 1).collect()),
        of.len(),
        "1",
        Direction::Lower,
    );
    let mrr = name("retrieval.mrr", by);
    vec![
        share(1),
        share(5),
        share(10),
        median.with_file(maker.file),
        maker.mean(&mrr, Some(subject), &reciprocal, Unit::Plain(Direction::Higher)),
    ]
}

fn median(mut ranks: Vec<u32>) -> Option<f64> {
    ranks.sort_unstable();
    let n = ranks.len();
    (n > 0).then(|| f64::from(ranks[(n - 1) / 2] + ranks[n / 2]) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_become_recalls() {
        let row = |(i, rank): (usize, &u32)| Retrieval {
            clip: format!("c{i}"),
            query_modality: "a".into(),
            gallery_modality: "b".into(),
            source: "model".into(),
            rank: *rank,
            gallery_size: 20,
            nearest: String::new(),
        };
        let rows: Vec<Retrieval> = [0, 1, 4, 19].iter().enumerate().map(row).collect();
        let all = metrics(&rows, &[("a".into(), "b".into())], 20, 1);
        let values: Vec<(String, Option<f64>)> = all.iter().map(|m| (m.key(), m.value)).collect();
        assert_eq!(values[0], ("retrieval.r1/a->b/gallery20".into(), Some(25.0)));
        assert_eq!((values[1].1, values[2].1, values[3].1), (Some(75.0), Some(75.0), Some(3.5)));
        assert_eq!(values[4].1, Some((1.0 + 0.5 + 0.2 + 0.05) / 4.0));
        let none = metrics(&[], &[("a".into(), "b".into())], 0, 1);
        assert!(none.len() == 5 && none.iter().all(|m| m.value.is_none()));
    }
}
