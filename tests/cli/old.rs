//! Runs of another version of the program: they end nothing but what is asked of them.

use crate::support::{json, stderr, stdout, Folder};
use serde_json::Value;

/// `record.json` as the version before wrote it: metrics without keys.
const SCHEMA_1: &str = r#"{
  "schema": 1, "program": "0.1.0", "name": "old", "id": "0123456789", "identity": "01", "code_hash": "sha256:0",
  "data_hash": "0", "drift": [], "pinned": false, "device": "cpu",
  "seeds": {"init": 1, "data": 1, "masking": 1, "probes": 1}, "parameters": 1, "steps": 40, "train_tokens": 10240,
  "final_digest": "0", "clips": {"train": 64, "eval": 16, "test": 32}, "modalities": [],
  "metrics": [{"name": "cross_entropy/tok_rgb@16", "value": 1.0, "n": 32, "unit": "nats/token", "better": "lower"}],
  "files": []
}
"#;

/// Two finished runs and one of another version.
fn three() -> (Folder, String) {
    let folder = Folder::new();
    for (name, lr) in [("small", "3e-3"), ("other", "2e-3"), ("old", "1e-3")] {
        let (name, lr) = (format!("name={name}"), format!("train.lr={lr}"));
        folder.nano4m(&["run", "small.ron", "--set", &name, "--set", &lr], 0);
    }
    let old = folder.run_named("old");
    std::fs::write(old.join("record.json"), SCHEMA_1).unwrap();
    (folder, old.file_name().unwrap().to_str().unwrap().to_string())
}

#[test]
fn other_runs_are_listed_reported_and_compared() {
    let (folder, old) = three();
    let line = format!("1 run of another version of nano4m is left out: {old}");
    let listed = folder.nano4m(&["ls", "--where", "cross_entropy/tok_rgb@16>0"], 0);
    assert_eq!(stderr(&listed).matches("another version").count(), 1, "{}", stderr(&listed));
    assert!(stdout(&listed).contains("small") && !stdout(&listed).contains("old"));
    let all: Value = serde_json::from_str(&stdout(&folder.nano4m(&["ls", "--json"], 0))).unwrap();
    assert_eq!(all.as_array().unwrap().len(), 3);

    let reported = folder.nano4m(&["report", "--json"], 0);
    assert!(stderr(&reported).contains(&line), "{}", stderr(&reported));
    let summary: Value = serde_json::from_str(&stdout(&reported)).unwrap();
    assert_eq!(
        (summary["runs"].as_array().unwrap().len(), summary["left_out"][0].as_str()),
        (2, Some(old.as_str()))
    );
    folder.nano4m(&["report", "--check"], 0);
    let compared = folder.nano4m(&["compare", "small", "other"], 0);
    assert!(stderr(&compared).contains(&line), "{}", stderr(&compared));
    folder.nano4m(&["gc"], 0);
}

#[test]
fn a_run_that_is_asked_for_is_refused() {
    let (folder, old) = three();
    let shown = folder.nano4m(&["show", &old], 0);
    assert!(stdout(&shown).contains("40 of 40"), "{}", stdout(&shown));
    assert!(stderr(&shown).contains("a record of another version of nano4m"), "{}", stderr(&shown));
    for asked in [
        &["report", "--only", &old][..],
        &["compare", "small", &old],
        &["verify", &old],
        &["eval", &old, "--allow-drift"],
    ] {
        let refused = stderr(&folder.nano4m(asked, 1));
        let sentence = "a record of another version of nano4m";
        assert!(
            refused.contains(sentence) && refused.contains("makes the run again"),
            "{asked:?}: {refused}"
        );
        assert!(!refused.contains("left out"), "{refused}");
    }
    let why = folder.nano4m(&["why", &old], 0);
    assert!(stdout(&why).contains("a record of this version of nano4m"), "{}", stdout(&why));
    assert!(!stdout(&why).contains("record.json"), "{}", stdout(&why));
}

/// A run that became one of another version is no longer the one the tables were made from.
#[test]
fn a_run_that_was_exchanged_is_named() {
    let (folder, old) = three();
    folder.nano4m(&["report"], 0);
    let other = folder.run_named("other");
    std::fs::write(other.join("record.json"), SCHEMA_1).unwrap();
    let name = other.file_name().unwrap().to_str().unwrap();
    let checked = folder.nano4m(&["report", "--check"], 1);
    let line = format!("scores/{name}.tar.gz: record.json: row `run {name}`");
    assert!(stdout(&checked).contains(&line), "{}", stdout(&checked));
    folder.nano4m(&["report"], 0);
    folder.nano4m(&["report", "--check"], 0);
    std::fs::write(folder.run_named("small").join("record.json"), SCHEMA_1).unwrap();
    let none = stderr(&folder.nano4m(&["report"], 2));
    assert!(none.contains("every finished run is of another version") && none.contains(&old), "{none}");
    assert_eq!(json(&other.join("record.json"))["schema"], 1);
}
