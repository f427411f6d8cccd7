//! Whose report goes where, and what `report --check` says of it.

use crate::support::{stderr, stdout, Folder};
use std::path::Path;

/// Every file under `folder` with its content.
fn bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path().is_dir() {
            true => files.extend(bytes(&entry.path())),
            false => files.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap())),
        }
    }
    files.sort();
    files
}

/// A clone whose shipped reports are of a run that is not in it.
fn clone() -> Folder {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron", "--set", "name=shipped", "--runs", "elsewhere"], 0);
    folder.nano4m(&["report", "--runs", "elsewhere", "--reports", "reports"], 0);
    std::fs::remove_dir_all(folder.path("elsewhere")).unwrap();
    folder
}

#[test]
fn a_fresh_clone_checks_what_it_ships() {
    let folder = clone();
    let checked = stdout(&folder.nano4m(&["report", "--check"], 0));
    assert!(
        checked.starts_with("reports: ") && checked.contains("recomputed from committed scores"),
        "{checked}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&folder.nano4m(&["report", "--check", "--json"], 0))).unwrap();
    assert!(json[0]["digits"].as_u64().unwrap() > 50, "{json}");
}

#[test]
fn ones_own_report_leaves_the_shipped_one_as_it_is() {
    let folder = clone();
    let shipped = bytes(&folder.path("reports"));
    folder.nano4m(&["run", "small.ron"], 0);
    let said = stdout(&folder.nano4m(&["report"], 0));
    assert!(said.contains("runs/reports/index.html"), "{said}");
    assert!(bytes(&folder.path("reports")) == shipped);
    let front = std::fs::read_to_string(folder.path("runs/reports/eval_results.md")).unwrap();
    assert!(front.contains("small-") && !front.contains("shipped-"), "{front}");
    let both = stdout(&folder.nano4m(&["report", "--check"], 0));
    assert!(both.contains("\nruns/reports: ") && both.starts_with("reports: "), "{both}");
    // A folder of reports is no run.
    assert_eq!(stdout(&folder.nano4m(&["ls"], 0)).matches("small").count(), 1);
    folder.nano4m(&["report", "diff", "v0001", "v0001"], 0);
}

#[test]
fn where_nothing_can_be_checked_it_is_no_success() {
    let folder = clone();
    let none = stderr(&Folder::new().nano4m(&["report", "--check"], 2));
    assert!(none.contains("no tables to check"), "{none}");
    std::fs::remove_dir_all(folder.path("reports/scores")).unwrap();
    std::fs::remove_file(folder.path("reports/SHA256SUMS")).unwrap();
    let out = folder.nano4m(&["report", "--check"], 1);
    assert!(stdout(&out).contains("tables not checkable here: run shipped-"), "{}", stdout(&out));
}
