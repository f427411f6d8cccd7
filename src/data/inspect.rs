//! What a dataset holds, in numbers.

use super::dataset::Dataset;
use super::part::Part;
use serde::Serialize;

/// Facts about a dataset; see the fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Canonical content hash, hex.
    pub hash: String,
    /// Train, eval and test.
    pub splits: Vec<SplitSummary>,
    pub modalities: Vec<ModalitySummary>,
    /// In the order of the dataset's classes; empty when it has no labels.
    pub classes: Vec<ClassSummary>,
    /// As [`Dataset::notes`].
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitSummary {
    /// `train`, `eval` or `test`.
    pub part: &'static str,
    pub clips: usize,
    /// Sum over clips.
    pub rows: usize,
    /// Fewest and most rows of a clip; absent when there is no clip.
    pub rows_per_clip: Option<(usize, usize)>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModalitySummary {
    pub name: String,
    /// Tokens per row.
    pub length: usize,
    /// Ids the manifest allows.
    pub vocab: usize,
    /// Tokens in all splits.
    pub tokens: u64,
    /// Different ids in all splits.
    pub used: usize,
    /// Smallest and largest id; absent when there is no token.
    pub range: Option<(u32, u32)>,
    /// Different ids in the training split.
    pub used_in_training: usize,
    /// Largest id in the training split; absent when it has no token.
    pub largest_in_training: Option<u32>,
    /// Ids in the validation or test split that training never shows.
    pub unseen: usize,
    /// Unigram entropy of the training split (plug-in estimate), nats per token; absent without tokens.
    pub entropy_nats: Option<f64>,
    /// The same for each codebook alone, when there are several.
    pub entropy_by_codebook_nats: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassSummary {
    pub class: String,
    /// Clips in train, eval and test.
    pub clips: [usize; 3],
}

impl Dataset {
    /// Counts everything once.
    pub fn summary(&self) -> Summary {
        Summary {
            hash: self.hash.clone(),
            splits: Part::ALL.iter().map(|&part| self.split_summary(part)).collect(),
            modalities: (0..self.modalities().len()).map(|m| self.modality_summary(m)).collect(),
            classes: self.classes().iter().map(|class| self.class_summary(class)).collect(),
            notes: self.notes().to_vec(),
        }
    }

    fn split_summary(&self, part: Part) -> SplitSummary {
        let split = self.split(part);
        let rows = || (0..split.len()).map(|clip| split.rows(clip));
        SplitSummary {
            part: part.name(),
            clips: split.len(),
            rows: rows().sum(),
            rows_per_clip: rows().min().zip(rows().max()),
        }
    }

    fn modality_summary(&self, m: usize) -> ModalitySummary {
        let modality = &self.modalities()[m];
        let codebooks = modality.codebooks.max(1);
        let train = self.counts(Part::Train, m, codebooks);
        let other = [Part::Eval, Part::Test].map(|part| sum(&self.counts(part, m, codebooks)));
        let (all_train, used) = (sum(&train), |id: &usize| other.iter().any(|c| c[*id] > 0));
        let ids: Vec<usize> = (0..modality.vocab).filter(|id| all_train[*id] > 0 || used(id)).collect();
        ModalitySummary {
            name: modality.name.clone(),
            length: modality.length,
            vocab: modality.vocab,
            tokens: all_train.iter().chain(other.iter().flatten()).sum(),
            used: ids.len(),
            range: ids.first().zip(ids.last()).map(|(&a, &b)| (a as u32, b as u32)),
            used_in_training: all_train.iter().filter(|&&n| n > 0).count(),
            largest_in_training: all_train.iter().rposition(|&n| n > 0).map(|id| id as u32),
            unseen: ids.iter().filter(|id| all_train[**id] == 0).count(),
            entropy_nats: entropy(&all_train),
            entropy_by_codebook_nats: match codebooks {
                1 => Vec::new(),
                _ => train.iter().filter_map(|counts| entropy(counts)).collect(),
            },
        }
    }

    /// How often each id occurs, `[codebooks][vocab]`.
    fn counts(&self, part: Part, m: usize, codebooks: usize) -> Vec<Vec<u64>> {
        let split = self.split(part);
        let mut counts = vec![vec![0; self.modalities()[m].vocab]; codebooks];
        for clip in 0..split.len() {
            for row in 0..split.rows(clip) {
                for (position, &id) in split.tokens(clip, m, row).iter().enumerate() {
                    counts[position % codebooks][id as usize] += 1;
                }
            }
        }
        counts
    }

    fn class_summary(&self, class: &str) -> ClassSummary {
        let count = |part| self.split(part).clips().iter().filter(|c| c.label == class).count();
        ClassSummary { class: class.into(), clips: Part::ALL.map(count) }
    }
}

fn sum(counts: &[Vec<u64>]) -> Vec<u64> {
    (0..counts[0].len()).map(|id| counts.iter().map(|c| c[id]).sum()).collect()
}

/// −Σ p ln p of the counts, nats; `None` when nothing was counted.
fn entropy(counts: &[u64]) -> Option<f64> {
    let n: u64 = counts.iter().sum();
    let term = |&c: &u64| {
        let p = c as f64 / n as f64;
        -p * p.ln()
    };
    (n > 0).then(|| counts.iter().filter(|c| **c > 0).map(term).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ClipData;
    use crate::modality::{Modality, Strategy};

    #[test]
    fn everything_is_counted() {
        let (grid, text, masking) = (None, None, Strategy::Random);
        let m = Modality { name: "a".into(), length: 2, vocab: 8, codebooks: 2, grid, text, masking };
        let clip = |stem: &str, label: &str, tokens: &[u32]| ClipData {
            stem: stem.into(),
            label: label.into(),
            captions: Vec::new(),
            tokens: vec![tokens.to_vec()],
        };
        let parts = [
            vec![clip("s1", "y", &[1, 4, 2, 4]), clip("s2", "x", &[1, 4])],
            vec![clip("s3", "x", &[1, 7])],
            vec![],
        ];
        let s = Dataset::from_parts(&[m], parts).unwrap().summary();
        let splits: Vec<_> = s.splits.iter().map(|s| (s.clips, s.rows, s.rows_per_clip)).collect();
        assert_eq!(splits, [(2, 3, Some((1, 2))), (1, 1, Some((1, 1))), (0, 0, None)]);
        let m = &s.modalities[0];
        assert_eq!((m.tokens, m.used, m.range, m.unseen), (8, 4, Some((1, 7)), 1));
        assert_eq!((m.used_in_training, m.largest_in_training), (3, Some(4)));
        let third = -(1.0f64 / 3.0) * (1.0f64 / 3.0).ln() - (2.0 / 3.0) * (2.0f64 / 3.0).ln();
        assert!(
            (m.entropy_by_codebook_nats[0] - third).abs() < 1e-12 && m.entropy_by_codebook_nats[1] == 0.0
        );
        let all = [0.5f64, 1.0 / 3.0, 1.0 / 6.0].iter().map(|p| -p * p.ln()).sum::<f64>();
        assert!((m.entropy_nats.unwrap() - all).abs() < 1e-12);
        let classes: Vec<_> = s.classes.iter().map(|c| (c.class.as_str(), c.clips)).collect();
        assert_eq!(classes, [("x", [1, 1, 0]), ("y", [1, 0, 0])]);
    }
}
