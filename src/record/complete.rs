//! What of a finished run is there: a run is complete with its record, its scores and its last checkpoint.

use super::parts::SEAL;
use super::run_record::{FileDigest, Record};
use super::seal::Seal;
use crate::digest::sha256_hex;
use crate::fault::Result;
use crate::store::last_line::LastLine;
use crate::store::RunDir;

/// What is missing of a run or is not as recorded, relative to its directory; empty when it is complete.
///
/// Of a run of another version only the record is missing: what it says is not known.
///
/// Whatever is missing is made again from what is there: scores and record from the last checkpoint,
/// a checkpoint from the one before it, the list of digests from the files.
///
/// # Errors
/// If there is a record that cannot be read, or a list of digests that has changed.
pub fn missing(run: &RunDir) -> Result<Vec<String>> {
    let mut missing = unmade(run)?;
    if missing.is_empty() {
        // A run of before there was a seal is complete without one.
        let (_, last_line) = Record::as_it_stands(&run.file("record.json"))?;
        let sealed = Seal::read(run)?.is_some_and(|seal| !seal.open);
        if !sealed && last_line == LastLine::Holds {
            missing.push(SEAL.into());
        }
    }
    Ok(missing)
}

/// As [`missing`], but for the seal: what has to be computed.
///
/// # Errors
/// If there is a record that cannot be read or has changed since it was written; one that is no record any more
/// is only missing.
pub fn unmade(run: &RunDir) -> Result<Vec<String>> {
    let path = run.file("record.json");
    if !path.exists() {
        return Ok(vec!["record.json".into()]);
    }
    if Record::of_another_version(run) {
        return Ok(vec!["a record of this version of nano4m".into()]);
    }
    if Record::destroyed(run) {
        return Ok(vec!["a record that can be read".into()]);
    }
    let record = Record::read(&path)?;
    let gone = record.files.iter().filter(|f| !intact(run, f));
    let mut missing: Vec<String> = gone.map(|f| f.path.clone()).collect();
    if run.checkpoints().last() != Some(&record.steps) {
        missing.push(format!("the checkpoint of step {}", record.steps));
    }
    Ok(missing)
}

fn intact(run: &RunDir, file: &FileDigest) -> bool {
    crate::store::regular::read_own(run.file(&file.path)).is_ok_and(|bytes| sha256_hex(&bytes) == file.sha256)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;
    use crate::store::RunId;

    #[test]
    fn every_part_counts() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDir::create(root.path(), RunId::new("x", "0123456789abcdef", 1)).unwrap();
        assert_eq!(missing(&run).unwrap(), ["record.json"]);
        let mut record = sample();
        record.files = vec![FileDigest { path: "probes/a.csv".into(), sha256: sha256_hex(b"1\n") }];
        run.write("record.json", &record.to_json().unwrap()).unwrap();
        assert_eq!(missing(&run).unwrap(), ["probes/a.csv", "the checkpoint of step 5"]);
        run.write("probes/a.csv", b"1\n").unwrap();
        for half in [run.optimizer(5), run.checkpoint(5)] {
            std::fs::write(half, b"x").unwrap();
        }
        assert_eq!((unmade(&run).unwrap(), missing(&run).unwrap()), (vec![], vec![SEAL.to_string()]));
        let seal = crate::record::open(&run).unwrap();
        seal.close().unwrap();
        assert_eq!(missing(&run).unwrap(), [""; 0]);
        // A process that was killed while it worked on the run leaves it open.
        drop(crate::record::open(&run).unwrap());
        assert_eq!(missing(&run).unwrap(), [SEAL]);
        std::fs::remove_file(run.file(SEAL)).unwrap();
        run.write("record.json", &crate::store::json::pretty(&record).unwrap()).unwrap();
        assert_eq!(missing(&run).unwrap(), [""; 0], "it is of before there was a seal");
        run.write("probes/a.csv", b"2\n").unwrap();
        assert_eq!(missing(&run).unwrap(), ["probes/a.csv"]);
        for destroyed in [&b""[..], b"{", b"garbage", b"{\"schema\": 2}"] {
            run.write("record.json", destroyed).unwrap();
            assert_eq!(missing(&run).unwrap(), ["a record that can be read"]);
        }
    }
}
