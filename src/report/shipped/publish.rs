//! Writes the scores that tables are made from beside them.

use super::needed::Needed;
use super::packed::{Packed, FOLDER};
use super::staged;
use crate::fault::{Fault, Result};
use crate::record::AblationRecord;
use crate::report::archive::versions::write_if_changed;
use crate::store::RunDir;
use std::path::Path;

/// What people find beside the archives.
const README: &str = "\
# Scores

The per-example scores that the tables beside this folder are made from: `nano4m report --check` computes every digit
from them again. One archive for each run, `<run>.tar.gz`:

| file | what it is |
|---|---|
| `record.json` | what the run says: metrics, seeds, hashes, the SHA-256 of its scores |
| `resolved.ron` | its manifest with every default |
| `probes/<probe>.csv` | one row per clip (and mask, direction, method …); `*_nats` are sums over the row's tokens |
| `metrics.csv`, `eval.csv` | training and validation curves, where a plot shows them |
| `machine.json` | the class of machine it was made on |

`ablations/<name>.json` says which runs are the cells of an ablation. From Python:

```python
import csv, io, tarfile
with tarfile.open(\"scores/RUN.tar.gz\") as archive:
    rows = list(csv.DictReader(io.TextIOWrapper(archive.extractfile(\"probes/cross_entropy.csv\"))))
```

`SHA256SUMS`, one folder up, has the digest of every file of the report: `sha256sum -c SHA256SUMS`.
";

/// What was written.
pub struct Published {
    /// Every file that belongs to this report, relative to its folder.
    pub files: Vec<String>,
    /// Runs whose scores are more than an archive may hold.
    pub too_large: Vec<String>,
}

/// Writes the archives of `needed` and the records of ablations where they changed.
///
/// # Errors
/// If a run or an archive cannot be read or written.
pub fn publish(
    runs_root: &Path,
    reports: &Path,
    needed: &[Needed],
    ablations: &[&AblationRecord],
) -> Result<Published> {
    let folder = reports.join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(|e| Fault::io("create", &folder, &e))?;
    let (mut files, mut too_large) = (Vec::new(), Vec::new());
    for needed in needed {
        if write(runs_root, reports, needed)? {
            files.push(format!("{FOLDER}/{}.tar.gz", needed.run));
        } else {
            too_large.push(needed.run.clone());
        }
    }
    for record in ablations {
        let text = String::from_utf8_lossy(&record.to_json()?).into_owned();
        write_if_changed(&AblationRecord::path(&folder, &record.name), &text)?;
        files.push(format!("{FOLDER}/ablations/{}.json", record.name));
    }
    write_if_changed(&folder.join("README.md"), README)?;
    files.push(format!("{FOLDER}/README.md"));
    Ok(Published { files, too_large })
}

/// One archive; what it had of the same run for other tables stays in it. `false`: the scores are too large for one.
fn write(runs_root: &Path, reports: &Path, needed: &Needed) -> Result<bool> {
    let Some(run) = RunDir::open(&runs_root.join(&needed.run)) else {
        return Err(Fault::failed("a run that was reported on is gone")
            .at(runs_root.join(&needed.run).display().to_string()));
    };
    let path = staged::path(reports, &needed.run);
    // What cannot be read is written anew.
    let old = Packed::read(&path).ok().flatten();
    let mut files = needed.files.clone();
    files.extend(old.iter().flat_map(Packed::names).cloned());
    match Packed::of_run(&run, &files)? {
        Some(new) if old.as_ref() == Some(&new) => Ok(true),
        Some(new) => new.write(&path),
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a test split of many clips leaves them: the run can be reported on, and its scores do not lie with it.
    #[test]
    fn scores_too_large_for_an_archive_end_no_report() {
        let folder = tempfile::tempdir().unwrap();
        let (runs, reports) = (folder.path().join("runs"), folder.path().join("reports"));
        for (run, size) in [("big-aaaa000000", 513 << 20), ("small-bbbb000000", 10)] {
            std::fs::create_dir_all(runs.join(run).join("probes")).unwrap();
            let file = std::fs::File::create(runs.join(run).join("probes/retrieval.csv")).unwrap();
            file.set_len(size).unwrap();
        }
        let needed = ["big-aaaa000000", "small-bbbb000000"].map(Needed::everything);
        let published = publish(&runs, &reports, &needed, &[]).unwrap();
        assert_eq!(published.too_large, ["big-aaaa000000"]);
        assert_eq!(published.files, ["scores/small-bbbb000000.tar.gz", "scores/README.md"]);
        assert!(published.files.iter().all(|file| reports.join(file).is_file()));
        assert!(!staged::path(&reports, "big-aaaa000000").exists());
    }
}
