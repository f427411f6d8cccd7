//! `record.json`: the commit marker of a run, and everything it claims.

use crate::fault::{Fault, Result};
use crate::manifest::schema::Seeds;
use crate::metrics::catalogue::canonical;
use crate::metrics::Metric;
use crate::store::json::{self, Format};
use crate::store::last_line::{self, LastLine};
use crate::store::{CellOf, RunDir};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Version of `record.json`.
pub const SCHEMA: u32 = 2;

/// What to do about a run of another version.
pub const AGAIN: &str =
    "`nano4m run MANIFEST` makes the run again with this version, beside this one, which stays as it is: the program \
     that made it still reads it";

const FORMAT: Format = Format { what: "a record", short: "record", schema: SCHEMA, help: Some(AGAIN) };

/// Content of `record.json`, the commit marker of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Version of this format.
    pub schema: u32,
    /// Version of the program, e.g. `0.1.0`.
    pub program: String,
    /// Name of the experiment.
    pub name: String,
    /// Id of the run: 10 hex digits, `-a2` and so on for later attempts.
    pub id: String,
    /// Full identity: hash of parsed manifest, data and code, 64 hex digits.
    pub identity: String,
    /// The cell of an ablation it was begun for; absent for an experiment of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_for: Option<CellOf>,
    /// Hash of the program's sources, `sha256:…`.
    pub code_hash: String,
    /// Canonical hash of the dataset, hex.
    pub data_hash: String,
    /// Pins that did not match and were allowed to (`--allow-drift`), and what was made or measured on another machine,
    /// device or kernels; marks every table.
    pub drift: Vec<String>,
    /// Whether the manifest had pins.
    pub pinned: bool,
    /// `cpu` or `cuda:0`: where the training ended. A measurement on another one is in `drift`.
    pub device: String,
    /// Seeds of the named streams.
    pub seeds: Seeds,
    /// Trainable parameters.
    pub parameters: usize,
    /// Optimizer steps.
    pub steps: u64,
    /// Input and target tokens trained on.
    pub train_tokens: u64,
    /// Digest of the final parameters, hex.
    pub final_digest: String,
    /// Clips of the three splits.
    pub clips: Clips,
    /// The modalities, in the model's order.
    pub modalities: Vec<ModalityInfo>,
    /// What was measured, in the order of the probes.
    pub metrics: Vec<Metric>,
    /// Per-example files and their SHA-256, sorted by path.
    pub files: Vec<FileDigest>,
}

/// Number of clips in each split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clips {
    pub train: usize,
    pub eval: usize,
    pub test: usize,
}

/// A modality as tables name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModalityInfo {
    /// e.g. `tok_rgb@196`.
    pub name: String,
    /// e.g. `rgb`.
    pub short: String,
    /// Tokens per example.
    pub length: usize,
    /// Number of ids.
    pub vocab: usize,
}

/// A file of the run and the SHA-256 of its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// Relative to the run's directory.
    pub path: String,
    pub sha256: String,
}

impl Record {
    /// The metric called `key`, e.g. `cross_entropy/tok_rgb@64`, in any spelling a claim may have.
    pub fn metric(&self, key: &str) -> Option<&Metric> {
        let key = canonical(key);
        self.metrics.iter().find(|m| m.key == key)
    }

    /// `record.json` as bytes: what it says, the digest of that as its last line, a newline at the end.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        Ok(last_line::add(json::pretty(self)?))
    }

    /// Whether the run's record is of another version of the program, so that [`Record::read`] refuses it.
    pub fn of_another_version(run: &RunDir) -> bool {
        crate::store::regular::read_own(run.file("record.json"))
            .is_ok_and(|bytes| FORMAT.other_version(&bytes))
    }

    /// Whether the run's record is there and no record any more: empty, cut or garbage. It can be made again.
    pub fn destroyed(run: &RunDir) -> bool {
        let read = crate::store::regular::read_own(run.file("record.json"));
        read.is_ok_and(|bytes| FORMAT.parse::<Record>(&bytes).is_err() && !FORMAT.other_version(&bytes))
    }

    /// Reads `path`.
    ///
    /// # Errors
    /// If it is missing, is not a record, has another version or has changed since it was written.
    pub fn read(path: &Path) -> Result<Record> {
        let (record, last_line) = Record::as_it_stands(path)?;
        match changed(path, last_line) {
            Some(fault) => Err(fault),
            None => Ok(record),
        }
    }

    /// As [`Record::read`], also of one that has changed since it was written; with what its last line says
    /// of it ([`changed`] says that in words).
    ///
    /// # Errors
    /// If it is missing, is not a record or has another version.
    pub fn as_it_stands(path: &Path) -> Result<(Record, LastLine)> {
        let bytes = crate::store::regular::read_own(path).map_err(|e| Fault::io("read", path, &e))?;
        let record = FORMAT.parse(&bytes).map_err(|fault| {
            let fault = fault.at(path.display().to_string());
            if FORMAT.other_version(&bytes) {
                fault
            } else {
                fault.help("`nano4m resume RUN` measures the run again and writes it anew")
            }
        })?;
        let last_line = match last_line::check(&bytes) {
            // Before records had that line, the list of files came last.
            LastLine::Absent if !bytes.ends_with(b"]\n}\n") => {
                LastLine::Differs { found: "another last line".into(), expected: "a digest".into() }
            }
            last_line => last_line,
        };
        Ok((record, last_line))
    }
}

/// What is wrong with the record at `path`, if its last line says otherwise than the lines before it.
pub fn changed(path: &Path, last_line: LastLine) -> Option<Fault> {
    let LastLine::Differs { found, expected } = last_line else { return None };
    let fault = Fault::failed("the record has changed since it was written").at(path.display().to_string());
    Some(fault.found(found).expected(format!("{expected}, as its last line says")).help(
        "put the file back as it was; without it `nano4m resume RUN` measures the run again and writes it anew",
    ))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::metrics::catalogue::parse;

    /// A small complete record.
    pub(crate) fn sample() -> Record {
        Record {
            schema: SCHEMA,
            program: "0.1.0".into(),
            name: "x".into(),
            id: "0123456789".into(),
            identity: "0123456789abcdef".into(),
            made_for: None,
            code_hash: "sha256:00".into(),
            data_hash: "11".into(),
            drift: vec![],
            pinned: false,
            device: "cpu".into(),
            seeds: Seeds::default(),
            parameters: 10,
            steps: 5,
            train_tokens: 100,
            final_digest: "22".into(),
            clips: Clips { train: 3, eval: 2, test: 1 },
            modalities: vec![],
            metrics: vec![Metric::new(&parse("cross_entropy/rgb").unwrap(), Some(1.5), 3)],
            files: vec![],
        }
    }

    #[test]
    fn round_trip_lookup_and_other_versions() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record.json");
        let mut record = sample();
        std::fs::write(&path, record.to_json().unwrap()).unwrap();
        assert_eq!(Record::read(&path).unwrap(), record);
        assert_eq!(record.metric("cross_entropy/rgb").unwrap().value, Some(1.5));
        assert!(record.metric("cross_entropy/rgb/gain").is_none());
        record.schema = 7;
        std::fs::write(&path, record.to_json().unwrap()).unwrap();
        assert_eq!(Record::read(&path).unwrap_err().found.as_deref(), Some("record schema 7"));
    }

    #[test]
    fn one_changed_byte_of_a_record_is_noticed_wherever_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record.json");
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Record::read(&path).is_err()
        };
        let bytes = sample().to_json().unwrap();
        assert!(!refused(&bytes));
        for i in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[i] ^= 1;
            assert!(refused(&changed), "byte {i}");
            assert!(refused(&bytes[..i]), "{i} bytes");
        }
        for more in [&b"\n"[..], b" ", b"}"] {
            assert!(refused(&[&bytes[..], more].concat()));
        }
    }

    #[test]
    fn a_record_of_before_there_was_a_last_line_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record.json");
        let mut record = sample();
        for files in [vec![], vec![FileDigest { path: "probes/x.csv".into(), sha256: "00".into() }]] {
            record.files = files;
            std::fs::write(&path, json::pretty(&record).unwrap()).unwrap();
            assert_eq!(Record::as_it_stands(&path), Ok((record.clone(), LastLine::Absent)));
            assert_eq!(Record::read(&path), Ok(record.clone()));
        }
    }

    #[test]
    fn a_record_that_was_changed_is_refused_and_can_be_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record.json");
        let text = String::from_utf8(sample().to_json().unwrap()).unwrap();
        std::fs::write(&path, text.replace("\"value\": 1.5", "\"value\": 1.4")).unwrap();
        let fault = Record::read(&path).unwrap_err();
        assert_eq!(fault.what, "the record has changed since it was written");
        assert_eq!(fault.place.as_deref(), Some(path.to_str().unwrap()));
        assert!(fault.help.unwrap().contains("`nano4m resume RUN` measures the run again"));
        let (record, last_line) = Record::as_it_stands(&path).unwrap();
        assert_eq!(record.metrics[0].value, Some(1.4));
        assert!(changed(&path, last_line).is_some());
    }

    /// Before schema 2 a metric had a name and a modality: it is not damaged, it is of another version.
    #[test]
    fn a_record_of_schema_1_is_refused_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record.json");
        let old = r#"{"schema": 1, "metrics": [{"name": "cross_entropy", "modality": "rgb", "value": 1.5}]}"#;
        std::fs::write(&path, old).unwrap();
        let fault = Record::read(&path).unwrap_err();
        assert_eq!(fault.what, "a record of another version of nano4m");
        assert!(fault.help.unwrap().contains("`nano4m run MANIFEST` makes the run again"));
    }
}
