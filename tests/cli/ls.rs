//! `ls`: which runs, in which order, with which columns.

use crate::support::{stderr, stdout, Folder};
use serde_json::{json, Value};

/// One finished run and two that stopped, with three learning rates.
fn three() -> Folder {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron"], 0);
    for (name, lr) in [("slow", "1e-4"), ("fast", "1e-2")] {
        let set = format!("train.lr={lr}");
        let name = format!("name={name}");
        folder.nano4m(&["run", "small.ron", "--set", &set, "--set", &name, "--stop-after", "2"], 4);
    }
    folder
}

/// Names of the runs listed with these arguments.
fn names(folder: &Folder, args: &[&str]) -> Vec<String> {
    let listed = folder.nano4m(&[&["ls", "--json"], args].concat(), 0);
    let listed: Vec<Value> = serde_json::from_str(&stdout(&listed)).unwrap();
    listed.iter().map(|l| l["name"].as_str().unwrap().to_string()).collect()
}

#[test]
fn filters_sort_and_columns() {
    let folder = three();
    let listed = |args: &[&str]| names(&folder, args);
    assert_eq!(listed(&["--where", "train.lr<1e-3"]), ["slow"]);
    assert_eq!(listed(&["--where", "train.lr>=0.003", "--where", "state=stopped"]), ["fast"]);
    assert_eq!(listed(&["--where", "train.lr!=0.003", "--sort", "train.lr"]), ["slow", "fast"]);
    assert_eq!(listed(&["--sort", "-train.lr"]), ["fast", "small", "slow"]);
    assert_eq!(listed(&["--where", "modalities.tok_audio@16.masking.stride=2", "--sort", "name"]).len(), 3);
    assert_eq!(listed(&["--where", "status.step<=2", "--sort=-name"]), ["slow", "fast"]);
    // Only the finished run has metrics; the others are last, whichever way it is sorted.
    assert_eq!(listed(&["--where", "cross_entropy/tok_rgb@16<100"]), ["small"]);
    for sort in ["cross_entropy/tok_rgb@16", "-cross_entropy/tok_rgb@16"] {
        assert_eq!(listed(&["--sort", sort])[0], "small");
    }
    assert_eq!(listed(&["--where", "name=nobody"]), [""; 0]);

    let columns = ["ls", "--json", "--columns", "name,train.lr,record.clips.test", "--sort", "train.lr"];
    let rows: Value = serde_json::from_str(&stdout(&folder.nano4m(&columns, 0))).unwrap();
    assert_eq!(rows[0], json!({"name": "slow", "train.lr": 1e-4, "record.clips.test": null}));
    assert_eq!(rows[1], json!({"name": "small", "train.lr": 3e-3, "record.clips.test": 32}));

    let table =
        folder.nano4m(&["ls", "--columns", "name,state,train.lr,parameters", "--sort", "-train.lr"], 0);
    insta::assert_snapshot!("ls_columns", stdout(&table));
    let none = folder.nano4m(&["ls", "--where", "name=nobody"], 0);
    assert_eq!((stdout(&none).as_str(), stderr(&none).trim()), ("", "none of 3 runs meets the filters"));
}

/// The arrow of a direction is no comparison.
#[test]
fn a_metric_with_an_arrow_filters() {
    let folder = Folder::new();
    let direction = "(inputs: [\"tok_rgb@16\"], targets: [\"tok_audio@16\"])";
    let probes = format!("probes=[CrossEntropy(masks: 1, directions: [{direction}])]");
    folder.nano4m(&["run", "small.ron", "--set", &probes], 0);
    let key = "cross_entropy/tok_rgb@16->tok_audio@16";
    assert_eq!(names(&folder, &["--where", &format!("{key}>0")]), ["small"]);
    assert_eq!(names(&folder, &["--where", &format!("{key}!=0")]), ["small"]);
    assert!(names(&folder, &["--where", &format!("{key}>100")]).is_empty());
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let folder = Folder::new();
    folder.nano4m(&["ls", "--where", "train.lr<1"], 0);
    folder.nano4m(&["run", "small.ron", "--stop-after", "1"], 4);
    let refused = |args: &[&str]| stderr(&folder.nano4m(&[&["ls"], args].concat(), 2));
    insta::assert_snapshot!("ls_unknown_field", refused(&["--where", "train.lrr<1e-3"]));
    assert!(refused(&["--sort", "-stat"]).contains("did you mean `state`?"));
    assert!(refused(&["--columns", "id,zzz"]).contains("no run has a field `zzz`"));
    insta::assert_snapshot!("ls_no_comparison", refused(&["--where", "train.lr"]));
}

#[test]
fn a_damaged_record_hides_no_other_run() {
    let folder = three();
    let run = std::fs::read_dir(folder.path("runs")).unwrap().flatten().map(|e| e.path());
    let finished = run.map(|r| r.join("record.json")).find(|r| r.exists()).unwrap();
    std::fs::write(&finished, "{").unwrap();
    let listed = folder.nano4m(&["ls", "--sort", "name"], 0);
    assert!(stderr(&listed).contains("warning: not a record"));
    assert_eq!(stdout(&listed).matches("stopped").count(), 2);
}
