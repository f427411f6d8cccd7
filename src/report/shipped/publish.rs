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

/// Writes the archives of `needed` and the records of ablations where they changed. Returns every file that belongs
/// to this report, relative to `reports`.
///
/// # Errors
/// If a run or an archive cannot be read or written.
pub fn publish(
    runs_root: &Path,
    reports: &Path,
    needed: &[Needed],
    ablations: &[&AblationRecord],
) -> Result<Vec<String>> {
    let folder = reports.join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(|e| Fault::io("create", &folder, &e))?;
    let mut files = Vec::new();
    for needed in needed {
        write(runs_root, reports, needed)?;
        files.push(format!("{FOLDER}/{}.tar.gz", needed.run));
    }
    for record in ablations {
        let text = String::from_utf8_lossy(&record.to_json()?).into_owned();
        write_if_changed(&AblationRecord::path(&folder, &record.name), &text)?;
        files.push(format!("{FOLDER}/ablations/{}.json", record.name));
    }
    write_if_changed(&folder.join("README.md"), README)?;
    files.push(format!("{FOLDER}/README.md"));
    Ok(files)
}

/// One archive; what it had of the same run for other tables stays in it.
fn write(runs_root: &Path, reports: &Path, needed: &Needed) -> Result<()> {
    let Some(run) = RunDir::open(&runs_root.join(&needed.run)) else {
        return Err(Fault::failed("a run that was reported on is gone")
            .at(runs_root.join(&needed.run).display().to_string()));
    };
    let path = staged::path(reports, &needed.run);
    // What cannot be read is written anew.
    let old = Packed::read(&path).ok().flatten();
    let mut files = needed.files.clone();
    files.extend(old.iter().flat_map(Packed::names).cloned());
    let new = Packed::of_run(&run, &files)?;
    if old.as_ref() == Some(&new) {
        return Ok(());
    }
    new.write(&path)
}
