//! `probes/cross_entropy.csv`: summed token cross-entropy per clip, mask, modality and source.

use crate::fault::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Stem of the clip.
    pub clip: String,
    /// Number of the fixed mask, from 0.
    pub mask: u32,
    /// Name of the modality.
    pub modality: String,
    /// `model` or the name of a baseline (`uniform`, `unigram_marginal`, …).
    pub source: String,
    /// Target tokens.
    pub tokens: u64,
    /// Sum of their cross-entropies, nats.
    pub ce_nats: f64,
}

/// The file as bytes.
pub fn write_scores(scores: &[Score]) -> Result<Vec<u8>> {
    let failed = |e: String| Fault::failed(format!("cannot format the scores: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for score in scores {
        writer.serialize(score).map_err(|e| failed(e.to_string()))?;
    }
    writer.into_inner().map_err(|e| failed(e.to_string()))
}

/// Reads the file.
///
/// # Errors
/// If it is missing or a line is not a score (names the line).
pub fn read_scores(path: &Path) -> Result<Vec<Score>> {
    let bytes = std::fs::read(path).map_err(|e| Fault::io("read", path, &e))?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    reader
        .deserialize()
        .collect::<std::result::Result<_, _>>()
        .map_err(|e| Fault::failed(format!("not a file of scores: {e}")).at(path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_survives() {
        let score = |ce_nats| Score {
            clip: "as_x_000001".into(),
            mask: 1,
            modality: "tok_rgb@196".into(),
            source: "model".into(),
            tokens: 7,
            ce_nats,
        };
        let scores = vec![score(0.1 + 0.2), score(1e-300), score(12345.678901234567)];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cross_entropy.csv");
        std::fs::write(&path, write_scores(&scores).unwrap()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("clip,mask,modality,source,tokens,ce_nats\nas_x_000001,1,tok_rgb@196,model,7,0.30000000000000004\n"));
        assert_eq!(read_scores(&path).unwrap(), scores);
        std::fs::write(&path, text + "a,b\n").unwrap();
        assert!(read_scores(&path).unwrap_err().what.contains("line: 5"));
    }
}
