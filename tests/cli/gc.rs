//! `gc`: what goes and why; what never goes.

use crate::support::{self, stderr, stdout, Folder};
use nano4m::store::{Lock, State, Status};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Name of a run directory → its path.
fn runs(folder: &Folder) -> BTreeMap<String, PathBuf> {
    let entries = std::fs::read_dir(folder.path("runs")).unwrap().flatten().map(|e| e.path());
    entries
        .filter(|p| p.join("status.json").exists())
        .map(|p| (p.file_name().unwrap().to_str().unwrap().to_string(), p))
        .collect()
}

fn only(folder: &Folder, name: &str) -> PathBuf {
    let found: Vec<PathBuf> =
        runs(folder).into_iter().filter(|(n, _)| n.starts_with(name)).map(|(_, p)| p).collect();
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0].clone()
}

/// A run that stopped early, of its own learning rate, with this state in its status.
fn unfinished(folder: &Folder, name: &str, lr: &str, state: &str) -> PathBuf {
    let (name_set, lr) = (format!("name={name}"), format!("train.lr={lr}"));
    folder.nano4m(&["run", "small.ron", "--set", &name_set, "--set", &lr, "--stop-after", "1"], 4);
    let run = only(folder, name);
    let mut status = Status::read(&run.join("status.json")).unwrap();
    let states = [State::Running, State::Stopped, State::Failed, State::Finished];
    status.state = states.into_iter().find(|s| s.name() == state).unwrap();
    status.write(&run.join("status.json")).unwrap();
    run
}

/// `(reason, path)` of everything listed.
fn listed(folder: &Folder, args: &[&str]) -> Vec<(String, String)> {
    let out = folder.nano4m(&[&["gc", "--json"], args].concat(), 0);
    let out: Value = serde_json::from_str(&stdout(&out)).unwrap();
    let items = out["items"].as_array().unwrap().iter();
    items
        .map(|i| {
            assert!(i["bytes"].as_u64().is_some());
            let path = Path::new(i["path"].as_str().unwrap());
            let path = path.strip_prefix(folder.path("")).unwrap_or(path);
            (i["reason"].as_str().unwrap().to_string(), path.display().to_string())
        })
        .collect()
}

fn reasons(folder: &Folder, args: &[&str]) -> Vec<String> {
    let mut reasons: Vec<String> = listed(folder, args).into_iter().map(|(r, _)| r).collect();
    reasons.dedup();
    reasons
}

#[test]
fn each_reason_and_what_is_spared() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron"], 0);
    assert_eq!(reasons(&folder, &[]), ["intermediate-checkpoint"], "step 30 beside step 40");
    folder.nano4m(&["run", "small.ron", "--force"], 0);
    let failed = unfinished(&folder, "broken", "1e-2", "failed");
    let held = unfinished(&folder, "held", "2e-2", "failed");
    let stopped = unfinished(&folder, "paused", "3e-2", "stopped");
    let killed = unfinished(&folder, "killed", "4e-2", "running");
    let lock = Lock::acquire(&held).unwrap();
    std::fs::write(stopped.join(".tmp-abc"), "left").unwrap();
    std::fs::write(stopped.join("checkpoints/step-00000001.safetensors.damaged"), "left").unwrap();

    let before = runs(&folder);
    let found = listed(&folder, &["--min-age", "0"]);
    let reason = |r: &str| found.iter().filter(|(x, _)| x == r).map(|(_, p)| p.as_str()).collect::<Vec<_>>();
    assert_eq!(reason("failed-run").len(), 1);
    assert!(reason("failed-run")[0].contains("broken-"));
    assert_eq!(reason("superseded-attempt").len(), 1);
    assert!(!reason("superseded-attempt")[0].ends_with("-a2"), "the later attempt stays");
    assert_eq!(reason("intermediate-checkpoint").len(), 2, "two halves, of the attempt that stays");
    assert_eq!(reason("temporary-file").len(), 1);
    assert_eq!(reason("damaged-checkpoint").len(), 1);
    assert_eq!(found.len(), 6, "{found:?}");
    assert!(!reasons(&folder, &[]).contains(&"temporary-file".into()), "it is young");
    assert_eq!(runs(&folder), before, "nothing goes without --yes");

    let done = folder.nano4m(&["gc", "--yes", "--min-age", "0"], 0);
    assert!(stderr(&done).contains("removed 6 of 6 items"), "{}", stderr(&done));
    assert!(!failed.exists() && held.exists() && stopped.exists() && killed.exists());
    assert!(!stopped.join(".tmp-abc").exists() && !stopped.join("lock").exists());
    assert_eq!(runs(&folder).len(), 4);
    drop(lock);
    // What is left is whole.
    let last = only(&folder, "small");
    folder.nano4m(&["verify", last.to_str().unwrap()], 0);
    folder.nano4m(&["report"], 0);
    folder.nano4m(&["resume", "paused"], 0);
    assert_eq!(reasons(&folder, &["--min-age", "0"]), ["failed-run", "intermediate-checkpoint"]);
}

#[test]
fn what_a_report_or_an_ablation_names_stays() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron"], 0);
    let first = folder.run();
    folder.nano4m(&["report"], 0);
    folder.nano4m(&["run", "small.ron", "--force"], 0);
    let failed = unfinished(&folder, "broken", "1e-2", "failed");
    let kept = folder.nano4m(&["gc"], 0);
    assert!(stderr(&kept).contains("1 run is kept only because"), "{}", stderr(&kept));
    let paths = |args: &[&str]| listed(&folder, args).into_iter().map(|(_, p)| p).collect::<Vec<_>>();
    let whole = |run: &Path, args: &[&str]| {
        paths(args).iter().any(|p| run.ends_with(Path::new(p).file_name().unwrap()))
    };
    assert!(!whole(&first, &[]), "superseded, but named");
    assert!(whole(&first, &["--reports", "elsewhere"]));
    assert!(whole(&failed, &[]));
    // An ablation's record names by identity or directory.
    std::fs::create_dir_all(folder.path("runs/ablations")).unwrap();
    let name = failed.file_name().unwrap().to_str().unwrap();
    folder.write(
        "runs/ablations/x.json",
        &format!("{{\"cells\": [{{\"runs\": [{{\"directory\": \"{name}\"}}]}}]}}"),
    );
    assert!(!whole(&failed, &[]));
    folder.nano4m(&["gc", "--yes"], 0);
    assert!(first.exists() && failed.exists());
    std::fs::remove_file(folder.path("runs/ablations/x.json")).unwrap();
    folder.nano4m(&["report", "--check"], 0);
    // A record that cannot be read might name anything.
    folder.write("runs/ablations/y.json", "{");
    insta::with_settings!({filters => vec![(r"(?m)at: .*y\.json", "at: […]/y.json")]}, {
        insta::assert_snapshot!("gc_unreadable_ablation", stderr(&folder.nano4m(&["gc", "--yes"], 1)));
    });
}

#[test]
fn caches_of_datasets_that_no_run_uses() {
    let folder = Folder::new();
    folder.nano4m(&["data", "synth", "small.ron", "used"], 0);
    folder.nano4m(&["data", "synth", "small.ron", "unused", "--set", "data.synthetic.seed=7"], 0);
    for name in ["used", "unused"] {
        let data = format!("data: (path: \"{name}\")");
        folder.write(
            &format!("{name}.ron"),
            &support::SMALL.replace("data: (synthetic: (classes: 4, clips: (64, 16, 32)))", &data),
        );
        folder.nano4m(&["data", "hash", &format!("{name}.ron")], 0);
    }
    folder.nano4m(&["run", "used.ron", "--stop-after", "1"], 4);
    folder.write("cache/.building-x", "");
    folder.write(&format!("cache/{}.index", "0".repeat(64)), "nowhere\n");
    folder.write("cache/somebody.elses", "");
    assert_eq!(listed(&folder, &[]), [], "all of it is young");
    let found = listed(&folder, &["--min-age", "0"]);
    let count = |r: &str| found.iter().filter(|(x, _)| x == r).count();
    assert_eq!((count("unknown-dataset"), count("broken-cache-entry"), count("temporary-file")), (2, 1, 1));
    assert_eq!(found.len(), 4);
    folder.nano4m(&["gc", "--yes", "--min-age", "0"], 0);
    let left: Vec<String> = std::fs::read_dir(folder.path("cache"))
        .unwrap()
        .flatten()
        .map(|e| e.path().extension().unwrap().to_str().unwrap().to_string())
        .collect();
    assert_eq!(left.len(), 3, "{left:?}");
    folder.nano4m(&["resume", "latest"], 0);
}

#[test]
fn the_listing() {
    let folder = Folder::new();
    assert!(stderr(&folder.nano4m(&["gc"], 0)).contains("nothing to remove"));
    unfinished(&folder, "broken", "1e-2", "failed");
    let out = folder.nano4m(&["gc"], 0);
    let sizes = vec![
        (r" +\d+(\.\d)? k?B *\n", " [size]\n"),
        (r" +\d+(\.\d)? k?B", " [size]"),
        (r"-[0-9a-f]{10}", "-[id]"),
        (r"-{3,}", "---"),
        (r" +size *\n", " size\n"),
    ];
    insta::with_settings!({filters => sizes}, { insta::assert_snapshot!("gc_listing", stdout(&out)) });
}
