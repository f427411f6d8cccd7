//! Per-example scores: one CSV per probe under `probes/`, from which every table can be redone.
//!
//! Conventions shared by all files:
//! - one row per clip (and mask, direction, method, …); rows may stand in any order;
//! - `clip` is the stem; a set of input modalities is their names in the manifest's order joined by `+`;
//! - `*_nats` are **sums** over the row's `tokens`, in nats, and never rounded;
//! - `source` says what made the prediction (see [`source`]); absent means the model;
//! - what is undefined is an empty cell, never 0.

pub use super::scores::Score as CrossEntropy;
use crate::fault::{Fault, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Names for the column `source`.
pub mod source {
    /// The trained network.
    pub const MODEL: &str = "model";
    /// 1 / vocabulary.
    pub const UNIFORM: &str = "uniform";
    /// Train-fitted, add-one smoothed unigram of the modality.
    pub const UNIGRAM: &str = "unigram_marginal";
    /// The same for every position.
    pub const POSITION: &str = "position_marginal";
    /// The unigram of each codebook by itself (modalities with several).
    pub const CODEBOOK: &str = "codebook_marginal";
    /// The network before training.
    pub const UNTRAINED: &str = "untrained";
    /// The trained network given another clip's input.
    pub const SHUFFLED: &str = "shuffled_input";
    /// The trained network without the inputs of the other modalities.
    pub const UNCONDITIONAL: &str = "unconditional";
}

fn model() -> String {
    source::MODEL.into()
}

/// A row of one of the files.
pub trait Example: Serialize + DeserializeOwned {
    /// Path inside the run directory.
    const FILE: &'static str;
}

/// Class of one clip predicted in one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    pub clip: String,
    pub inputs: String,
    /// `logit_rank_as_trained`, `logit_rank_leading_space`, `caption_likelihood`,
    /// `caption_likelihood_minus_prior` or `sequence_decode`.
    pub method: String,
    #[serde(default = "model")]
    pub source: String,
    pub true_class: String,
    /// Empty when the decoded text names no class.
    pub predicted_class: String,
    /// 0-based, ties counted against the model; absent when the method does not rank.
    pub true_rank: Option<u32>,
    /// Log-probability or score of the true class; absent when the method has none.
    pub true_logp: Option<f64>,
    /// Classes that compete: chance is 1 / `classes`.
    pub classes: u32,
}

/// Place of the true partner among the gallery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retrieval {
    /// Query and true partner.
    pub clip: String,
    pub query_modality: String,
    pub gallery_modality: String,
    #[serde(default = "model")]
    pub source: String,
    /// 0-based; ties counted against the model.
    pub rank: u32,
    pub gallery_size: u32,
    /// The ten nearest clips of the gallery, nearest first, joined by `|`: enough to permute the
    /// pairing for R@1, 5 and 10. Empty: no permutation test, only the binomial one.
    #[serde(default)]
    pub nearest: String,
}

/// Token accuracy of one direction, single pass, logits restricted to the modality's vocabulary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Direction {
    pub clip: String,
    /// `inputs->targets`, e.g. `tok_rgb@196+scene_desc->tok_depth@196`.
    pub direction: String,
    /// Target modality of the row.
    pub modality: String,
    #[serde(default = "model")]
    pub source: String,
    pub tokens: u64,
    /// Tokens whose argmax is right.
    pub correct: u64,
    pub ce_nats: f64,
}

/// Continuation of a clip that was, or was not, in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memorization {
    pub clip: String,
    /// `train` or `test`.
    pub part: String,
    pub tokens: u64,
    pub correct: u64,
    pub ce_nats: f64,
}

/// Caption cross-entropy in one pass and position by position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForwardVsAutoregressive {
    pub clip: String,
    pub tokens: u64,
    pub single_ce_nats: f64,
    pub autoregressive_ce_nats: f64,
}

/// Diversity of the tokens generated for one clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    pub clip: String,
    pub inputs: String,
    pub target: String,
    /// Tokens at the target's start that were given.
    #[serde(default)]
    pub given: u64,
    /// Generated tokens.
    pub tokens: u64,
    /// Different ids among the generated tokens.
    pub distinct: u64,
    /// Entropy of the generated ids' frequencies in this clip, nats (not a sum).
    pub entropy_nats: f64,
    /// The same of the real tokens at the generated positions.
    pub real_entropy_nats: f64,
    /// Share of positions with the same id as what was generated from another clip's inputs.
    pub agreement: Option<f64>,
    /// Share of positions at which the real tokens of the same two clips agree.
    #[serde(default)]
    pub real_agreement: Option<f64>,
}

/// Class of one clip by a linear classifier on mean encoder outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearProbe {
    pub clip: String,
    pub inputs: String,
    /// `none`, `shuffled_labels` or `random_weights`.
    pub control: String,
    pub true_class: String,
    pub predicted_class: String,
    /// Classes that compete: chance is 1 / `classes`.
    pub classes: u32,
}

macro_rules! file {
    ($($row:ty = $name:literal),* $(,)?) => {
        $(impl Example for $row {
            const FILE: &'static str = concat!("probes/", $name, ".csv");
        })*
    };
}

file! {
    CrossEntropy = "cross_entropy",
    Classification = "classification",
    Retrieval = "retrieval",
    Direction = "directions",
    Memorization = "memorization",
    ForwardVsAutoregressive = "forward_vs_autoregressive",
    Generation = "generation",
    LinearProbe = "linear_probe",
}

/// The rows of a run's file; `None` when the probe was not run.
///
/// # Errors
/// With file and line when a row cannot be read.
pub fn read<E: Example>(run: &Path) -> Result<Option<Vec<E>>> {
    let path = run.join(E::FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Fault::io("read", &path, &e)),
    };
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let rows: std::result::Result<Vec<E>, csv::Error> = reader.deserialize().collect();
    rows.map(Some).map_err(|e| {
        let line = e.position().map(|p| format!(":{}", p.line())).unwrap_or_default();
        Fault::failed(format!("cannot read per-example scores: {e}"))
            .at(format!("{}{line}", path.display()))
            .help("the file is written by `nano4m run` and `nano4m eval`; evaluate the run again")
    })
}

/// The bytes of a run's file.
pub fn to_csv<E: Example>(rows: &[E]) -> Result<Vec<u8>> {
    let failed = |e: String| Fault::failed(format!("cannot format per-example scores: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|e| failed(e.to_string()))?;
    }
    writer.into_inner().map_err(|e| failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rank: Option<u32>) -> Classification {
        Classification {
            clip: "a".into(),
            inputs: "tok_audio@512+tok_rgb@196".into(),
            method: "sequence_decode".into(),
            source: source::MODEL.into(),
            true_class: "dog, barking".into(),
            predicted_class: String::new(),
            true_rank: rank,
            true_logp: rank.map(|_| -0.1 - 0.2),
            classes: 11,
        }
    }

    #[test]
    fn rows_come_back_bit_for_bit() {
        let dir = tempfile::tempdir().unwrap();
        let rows = [row(None), row(Some(3))];
        assert_eq!(read::<Classification>(dir.path()), Ok(None));
        std::fs::create_dir(dir.path().join("probes")).unwrap();
        std::fs::write(dir.path().join(Classification::FILE), to_csv(&rows).unwrap()).unwrap();
        assert_eq!(read(dir.path()), Ok(Some(rows.to_vec())));
    }

    #[test]
    fn older_files_and_bad_lines() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("probes")).unwrap();
        let path = dir.path().join(Retrieval::FILE);
        std::fs::write(&path, "clip,query_modality,gallery_modality,rank,gallery_size\na,x,y,3,10\n")
            .unwrap();
        let rows = read::<Retrieval>(dir.path()).unwrap().unwrap();
        assert_eq!((rows[0].source.as_str(), rows[0].nearest.as_str()), ("model", ""));
        std::fs::write(&path, "clip,query_modality,gallery_modality,rank,gallery_size\na,x,y,-3,10\n")
            .unwrap();
        let fault = read::<Retrieval>(dir.path()).unwrap_err();
        assert!(fault.place.unwrap().ends_with("retrieval.csv:2"));
    }
}
