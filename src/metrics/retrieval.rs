//! `probes/retrieval.csv`: the place of a query's partner in the gallery.
//!
//! `retrieval/QUERY->GALLERY/r1`, `r5`, `r10`, `median_rank` (1 is best) and `mrr`, the mean reciprocal rank. A
//! gallery of n drawn clips, not the whole test split, says so: `…/gallery{n}`.

use super::estimate::{chance, PERMUTATIONS};
use super::key::Key;
use super::measured::{metric, Rows};
use super::metric::Metric;
use super::quantity::{Better, Unit};
use super::rows::{Quantity, ScoreRow};
use super::source;
use crate::stats::{pairing, Alternative, Estimable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Place of the true partner among the gallery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetrievalRow {
    /// Query and true partner.
    pub clip: String,
    pub query_modality: String,
    pub gallery_modality: String,
    #[serde(default = "source::model")]
    pub source: String,
    /// 0-based; ties counted against the model.
    pub rank: u32,
    pub gallery_size: u32,
    /// The ten nearest clips of the gallery, nearest first, joined by `|`: enough to permute the
    /// pairing for R@1, 5 and 10. Empty: no permutation test, only the binomial one.
    #[serde(default)]
    pub nearest: String,
}

impl RetrievalRow {
    fn chance(&self, k: u32) -> Estimable<f64> {
        chance(k, self.gallery_size)
    }
}

const fn recall(
    name: &'static str,
    right: fn(&RetrievalRow) -> Option<bool>,
    (k, chance): (u64, fn(&RetrievalRow) -> Estimable<f64>),
) -> Quantity<RetrievalRow> {
    Quantity::share(name, right).within(k).chance(chance).compared()
}

/// Queries whose partner is nearest.
pub const R1: Quantity<RetrievalRow> = recall("r1", |r| Some(r.rank < 1), (1, |r| r.chance(1)));
/// Among the five nearest.
pub const R5: Quantity<RetrievalRow> = recall("r5", |r| Some(r.rank < 5), (5, |r| r.chance(5)));
/// Among the ten nearest.
pub const R10: Quantity<RetrievalRow> = recall("r10", |r| Some(r.rank < 10), (10, |r| r.chance(10)));
/// Half of the partners stand at this place or before.
pub const MEDIAN_RANK: Quantity<RetrievalRow> =
    Quantity::whole("median_rank", Unit::Plain, Better::Lower).digits(1);
/// Mean reciprocal rank.
pub const MRR: Quantity<RetrievalRow> =
    Quantity::mean("mrr", Unit::Plain, Better::Higher, |r: &RetrievalRow| {
        Some((1.0 / (1.0 + f64::from(r.rank)), 1.0))
    });

impl ScoreRow for RetrievalRow {
    const PROBE: &'static str = "retrieval";
    const FILE: &'static str = "probes/retrieval.csv";
    const DECLARED: &'static str = "Retrieval";
    const QUANTITIES: &'static [Quantity<Self>] = &[R1, R5, R10, MEDIAN_RANK, MRR];
    const SOURCES: &'static [&'static str] = &[source::UNTRAINED];
    const VARIANT: Option<&'static str> = Some("gallery");

    fn clip(&self) -> &str {
        &self.clip
    }

    fn source(&self) -> &str {
        &self.source
    }

    fn abouts(&self) -> Vec<String> {
        vec![format!("{}->{}", self.query_modality, self.gallery_modality)]
    }

    fn is_about(&self, about: &str) -> bool {
        about.split_once("->") == Some((self.query_modality.as_str(), self.gallery_modality.as_str()))
    }

    fn variant(&self) -> u64 {
        u64::from(self.gallery_size)
    }

    fn plain_variant(test_clips: usize) -> u64 {
        test_clips as u64
    }
}

/// Metrics of the pairs, in their order, of one probe; a `gallery` of 0, or of all `test_clips`, is the whole
/// split. Those of the model are always there, without a value where no query has a rank.
pub fn metrics(
    rows: &[RetrievalRow],
    pairs: &[(String, String)],
    (gallery, test_clips): (usize, usize),
    seed: u64,
) -> Vec<Metric> {
    let size = rows.first().map_or(gallery as u64, RetrievalRow::variant);
    let whole = [0, RetrievalRow::plain_variant(test_clips)].contains(&size);
    let mut all = Vec::new();
    for (query, partner) in pairs {
        let of = |by: &str| -> Vec<&RetrievalRow> {
            let own = |r: &&RetrievalRow| {
                (&r.query_modality, &r.gallery_modality, r.source.as_str()) == (query, partner, by)
            };
            rows.iter().filter(own).collect()
        };
        let model = of(source::MODEL);
        for by in std::iter::once(&source::MODEL).chain(RetrievalRow::SOURCES).copied() {
            let rows = of(by);
            if !rows.is_empty() || by == source::MODEL {
                let key = |q: &Quantity<RetrievalRow>| {
                    let key = Key::new(q, &format!("{query}->{partner}")).by(by);
                    if whole {
                        key
                    } else {
                        key.under::<RetrievalRow>(size)
                    }
                };
                all.extend(RetrievalRow::QUANTITIES.iter().map(|q| {
                    let both = Rows { own: &rows, model: &model };
                    let Some(metric) = metric(q, &key(q), both, seed) else {
                        let median = median_rank(rows.iter().copied());
                        return Metric::new(&key(q), median, rows.len()).with_file(RetrievalRow::FILE);
                    };
                    match q.spec.within.filter(|_| metric.chance.is_some() && permutable(&rows)) {
                        Some(k) => metric.with_p(permutation_p(&rows, k as usize, seed)),
                        None => metric,
                    }
                }));
            }
        }
    }
    all
}

/// Whether the pairing can be permuted: the gallery is the queries and the nearest are known.
pub fn permutable(rows: &[&RetrievalRow]) -> bool {
    rows.len() > 1 && rows.iter().all(|r| r.gallery_size as usize == rows.len() && !r.nearest.is_empty())
}

/// Permutation of the pairing with "among the k nearest" as score, two-sided; queries in the order of their names.
pub fn permutation_p(rows: &[&RetrievalRow], k: usize, seed: u64) -> Estimable<f64> {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| a.clip.cmp(&b.clip));
    let n = rows.len();
    let place: BTreeMap<&str, usize> = rows.iter().enumerate().map(|(i, r)| (r.clip.as_str(), i)).collect();
    let mut score = vec![0.0; n * n];
    for (i, r) in rows.iter().enumerate() {
        for near in r.nearest.split('|').take(k).filter_map(|c| place.get(c)) {
            score[i * n + near] = 1.0;
        }
        // Ties count against the model: its own rank decides for the true partner.
        score[i * n + i] = f64::from(u8::from((r.rank as usize) < k));
    }
    pairing::test(&score, n, Alternative::TwoSided, seed, PERMUTATIONS)
}

/// The middle of the ranks, counted from 1.
pub fn median_rank<'a>(rows: impl Iterator<Item = &'a RetrievalRow>) -> Option<f64> {
    let mut ranks: Vec<u32> = rows.map(|r| r.rank.saturating_add(1)).collect();
    ranks.sort_unstable();
    let n = ranks.len();
    (n > 0).then(|| (f64::from(ranks[(n - 1) / 2]) + f64::from(ranks[n / 2])) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_needs_the_nearest_and_finds_a_perfect_pairing() {
        let row = |clip: &str| RetrievalRow {
            clip: clip.into(),
            query_modality: "a".into(),
            gallery_modality: "b".into(),
            source: "model".into(),
            rank: 0,
            gallery_size: 4,
            nearest: clip.into(),
        };
        let rows: Vec<RetrievalRow> = ["a", "b", "c", "d"].map(row).to_vec();
        let rows: Vec<&RetrievalRow> = rows.iter().collect();
        assert!(permutable(&rows) && !permutable(&rows[..3]));
        // All four right: 1 of 24 assignments, twice.
        let p = permutation_p(&rows, 1, 42).unwrap();
        assert!((p - 2.0 / 24.0).abs() < 0.014, "{p}");
    }

    #[test]
    fn ranks_become_recalls() {
        let row = |(i, rank): (usize, &u32)| RetrievalRow {
            clip: format!("c{i}"),
            query_modality: "a".into(),
            gallery_modality: "b".into(),
            source: "model".into(),
            rank: *rank,
            gallery_size: 20,
            nearest: String::new(),
        };
        let rows: Vec<RetrievalRow> = [0, 1, 4, 19].iter().enumerate().map(row).collect();
        let pairs = [("a".to_string(), "b".to_string())];
        let all = metrics(&rows, &pairs, (20, 30), 1);
        let values: Vec<(&str, Option<f64>)> = all.iter().map(|m| (m.key.as_str(), m.value)).collect();
        assert_eq!(values[0], ("retrieval/a->b/r1/gallery20", Some(25.0)));
        assert_eq!((values[1].1, values[2].1, values[3].1), (Some(75.0), Some(75.0), Some(3.5)));
        assert_eq!(values[4].1, Some((1.0 + 0.5 + 0.2 + 0.05) / 4.0));
        // However the manifest asks for it, a gallery of all test clips is the whole split, as in comparisons.
        for gallery in [0, 20] {
            let compared = crate::metrics::scored::compared(&rows, 20);
            let key = &metrics(&rows, &pairs, (gallery, 20), 1)[0].key;
            assert!(key == "retrieval/a->b/r1" && compared.contains_key(key), "{gallery}: {key}");
        }
        let none = metrics(&[], &pairs, (0, 20), 1);
        assert!(none.len() == 5 && none.iter().all(|m| m.value.is_none()));
        assert_eq!(none[0].key, "retrieval/a->b/r1");
        assert_eq!(metrics(&[], &pairs, (8, 20), 1)[0].key, "retrieval/a->b/r1/gallery8");
    }
}
