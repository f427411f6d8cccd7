//! Naming a run: a unique prefix of its id, its name, its path, or `latest`.

use super::run_dir::{RunDir, RunId};
use crate::fault::{Fault, Result};
use std::path::Path;

/// All runs under `root`, sorted by directory name. A missing root has none.
pub fn list(root: &Path) -> Result<Vec<RunDir>> {
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Fault::io("list", root, &e)),
    };
    let mut runs: Vec<RunDir> = entries.flatten().filter_map(|e| RunDir::open(&e.path())).collect();
    runs.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(runs)
}

/// All attempts at one identity (64 hex digits), the newest last.
pub fn attempts(root: &Path, identity: &str) -> Result<Vec<RunDir>> {
    let id = RunId::new("", identity, 1).id;
    let mut runs = list(root)?;
    runs.retain(|r| r.id.id == id);
    // Ten digits are a name; the whole identity decides.
    runs.retain(|r| !matches!(r.status(), Ok(Some(s)) if s.identity != identity));
    runs.sort_by_key(|r| r.id.attempt);
    Ok(runs)
}

/// The run that `what` names.
///
/// # Errors
/// Exit 2 if there is none (with the nearest name) or more than one (with their ids).
pub fn find(root: &Path, what: &str) -> Result<RunDir> {
    if let Some(run) = by_path(what) {
        return Ok(run);
    }
    let runs = list(root)?;
    if what == "latest" {
        return latest(runs).ok_or_else(|| none(root, what, &[]));
    }
    // From the most to the least exact: the first rule that matches anything decides.
    let rules: [&dyn Fn(&RunDir) -> bool; 4] =
        [&|r| r.id.directory() == what, &|r| r.id.short() == what, &|r| r.id.name == what, &|r| {
            !what.is_empty() && r.id.short().starts_with(what)
        }];
    for rule in rules {
        let matching: Vec<&RunDir> = runs.iter().filter(|r| rule(r)).collect();
        match matching.as_slice() {
            [] => {}
            [one] => return Ok((*one).clone()),
            // Attempts at the same thing: the newest.
            [first, ..] if what == first.id.name && matching.iter().all(|r| r.id.id == first.id.id) => {
                return newest(&matching).ok_or_else(|| none(root, what, &runs))
            }
            many => return Err(several(what, many)),
        }
    }
    Err(none(root, what, &runs))
}

/// A path is taken as one if it has a separator, so that a run's name never depends on the folder one is in.
fn by_path(what: &str) -> Option<RunDir> {
    let path = Path::new(what.trim_end_matches('/'));
    what.contains('/').then(|| path.canonicalize().ok()).flatten().and_then(|p| RunDir::open(&p))
}

/// The run started last; the directory's name decides between equals.
fn latest(runs: Vec<RunDir>) -> Option<RunDir> {
    let started = |r: &RunDir| r.status().ok().flatten().map(|s| s.started);
    runs.into_iter().max_by_key(|r| (started(r), r.path.clone()))
}

fn newest(runs: &[&RunDir]) -> Option<RunDir> {
    runs.iter().max_by_key(|r| r.id.attempt).map(|r| (*r).clone())
}

fn several(what: &str, runs: &[&RunDir]) -> Fault {
    let ids: Vec<String> = runs.iter().map(|r| r.id.directory()).collect();
    Fault::invalid(format!("`{what}` names {} runs", runs.len()))
        .found(ids.join(", "))
        .help("give more digits of the id, or `latest`")
}

fn none(root: &Path, what: &str, runs: &[RunDir]) -> Fault {
    let fault = Fault::invalid(format!("no run is called `{what}`")).at(root.display().to_string());
    let near = |r: &&RunDir| strsim::jaro_winkler(what, &r.id.name);
    match runs.iter().max_by(|a, b| near(a).total_cmp(&near(b))).filter(|r| near(r) > 0.8) {
        Some(run) => fault.help(format!("did you mean `{}`? (`nano4m ls` lists all runs)", run.id.name)),
        None => fault.help("`nano4m ls` lists all runs; --runs names another folder"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Status;

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, id, attempt, started) in [
            ("alpha", "aaaa000000", 1, "2026-01-03T00:00:00Z"),
            ("alpha", "aaaa111111", 1, "2026-01-01T00:00:00Z"),
            ("beta", "bbbb000000", 1, "2026-01-02T00:00:00Z"),
            ("beta", "bbbb000000", 2, "2026-01-04T00:00:00Z"),
            ("gamma", "cccc000000", 1, "2026-01-02T00:00:00Z"),
        ] {
            let run = RunDir::create(root.path(), RunId::new(name, id, attempt)).unwrap();
            run.set_status(&Status::new(name, id, attempt, 1, started)).unwrap();
        }
        std::fs::create_dir(root.path().join("not a run")).unwrap();
        root
    }

    #[test]
    fn names_prefixes_latest_and_paths() {
        let root = root();
        let found = |what: &str| find(root.path(), what).unwrap().id.directory();
        assert_eq!(found("latest"), "beta-bbbb000000-a2");
        assert_eq!(found("gamma"), "gamma-cccc000000");
        assert_eq!(found("aaaa1"), "alpha-aaaa111111");
        assert_eq!(found("bbbb000000"), "beta-bbbb000000", "a whole id is its own first attempt");
        assert_eq!(found("beta"), "beta-bbbb000000-a2", "the newest of two attempts at the same thing");
        assert_eq!(found("beta-bbbb000000-a2"), "beta-bbbb000000-a2");
        let path = root.path().join("gamma-cccc000000");
        assert_eq!(found(&format!("{}/", path.display())), "gamma-cccc000000");
    }

    #[test]
    fn none_and_several_say_what_to_do() {
        let root = root();
        let message = |what: &str| find(root.path(), what).unwrap_err().to_string();
        assert!(message("alpha").contains("alpha-aaaa000000, alpha-aaaa111111"));
        assert!(message("bbbb").contains("names 2 runs"));
        assert!(message("gama").contains("did you mean `gamma`"));
        assert!(find(&root.path().join("missing"), "latest").is_err());
    }
}
