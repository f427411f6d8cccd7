//! Which files of a run's folder are the run's.

use crate::fault::{Fault, Result};
use crate::store::RunDir;

/// Name of the list of all others' digests.
pub const SEAL: &str = "SHA256SUMS";

/// Files that may lie directly in the folder.
const TOP: [&str; 9] = [
    "manifest.ron",
    "resolved.ron",
    "provenance.json",
    "status.json",
    "metrics.csv",
    "eval.csv",
    "digests.csv",
    "log.txt",
    "record.json",
];

/// What lies in a run's folder, each by its path inside it, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Files that a run is made of.
    pub own: Vec<String>,
    /// Whatever else is there; of a folder only its name, with a `/` behind it.
    pub others: Vec<String>,
}

/// Looks into the folder, and into those of the checkpoints and scores.
///
/// # Errors
/// If a folder cannot be listed.
pub fn parts(run: &RunDir) -> Result<Parts> {
    let mut parts = Parts::default();
    list(run, "", &mut parts)?;
    for folder in ["checkpoints/", "probes/"] {
        if run.file(folder).is_dir() {
            list(run, folder, &mut parts)?;
        }
    }
    parts.own.sort();
    parts.others.sort();
    Ok(parts)
}

fn list(run: &RunDir, folder: &str, parts: &mut Parts) -> Result<()> {
    let path = run.file(folder);
    for entry in std::fs::read_dir(&path).map_err(|e| Fault::io("list", &path, &e))? {
        let entry = entry.map_err(|e| Fault::io("list", &path, &e))?;
        let name = format!("{folder}{}", entry.file_name().to_string_lossy());
        let is_folder = entry.file_type().is_ok_and(|t| t.is_dir());
        // A list has one file a line, by its name; a pipe would be waited for.
        let is_file = std::fs::metadata(entry.path()).is_ok_and(|m| m.is_file());
        let listed = is_own(&name) && is_file && entry.file_name().to_str().is_some();
        match (listed, is_folder) {
            (true, false) => parts.own.push(name),
            (_, true) if folder.is_empty() && ["checkpoints", "probes"].contains(&name.as_str()) => {}
            (_, true) => parts.others.push(format!("{name}/")),
            (false, false) if name == SEAL => {}
            (false, false) => parts.others.push(name),
        }
    }
    Ok(())
}

/// Whether a run has files of this path.
pub fn is_own(path: &str) -> bool {
    let hidden = |name: &str| name.starts_with('.');
    match path.split_once('/') {
        _ if path.contains(char::is_control) => false,
        None => TOP.contains(&path),
        Some(("probes", name)) => name.ends_with(".csv") && !hidden(name),
        Some(("checkpoints", name)) => name.starts_with("step-") && name.ends_with(".safetensors"),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RunId;

    #[test]
    fn own_files_and_others() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDir::create(root.path(), RunId::new("x", "0123456789abcdef", 1)).unwrap();
        std::fs::create_dir(run.file("failed")).unwrap();
        std::fs::create_dir(run.file("probes/b.csv")).unwrap();
        for name in [
            "record.json",
            "SHA256SUMS",
            "notes.md",
            "lock",
            "failed/x",
            "probes/a.csv",
            "probes/two\nlines.csv",
            "probes/.tmp-a",
            "checkpoints/step-00000001.safetensors",
            "checkpoints/step-00000001.safetensors.damaged",
        ] {
            std::fs::write(run.file(name), "").unwrap();
        }
        let found = parts(&run).unwrap();
        assert_eq!(found.own, ["checkpoints/step-00000001.safetensors", "probes/a.csv", "record.json"]);
        let others = [
            "checkpoints/step-00000001.safetensors.damaged",
            "failed/",
            "lock",
            "notes.md",
            "probes/.tmp-a",
            "probes/b.csv/",
            "probes/two\nlines.csv",
        ];
        assert_eq!(found.others, others);
    }
}
