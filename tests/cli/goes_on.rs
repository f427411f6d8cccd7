//! A run that goes on after somebody or something has been at its files: named, made again or refused, and the
//! same bits in the end.

use crate::support::{assert_same, json, stderr, stdout, Folder};
use std::path::Path;
use std::sync::OnceLock;

/// The run that nothing happened to, made once.
fn undisturbed() -> &'static Path {
    static FOLDER: OnceLock<Folder> = OnceLock::new();
    static RUN: OnceLock<std::path::PathBuf> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = FOLDER.get_or_init(Folder::new);
        folder.nano4m(&["run", "small.ron"], 0);
        folder.run()
    })
}

fn stopped(at: &str) -> Folder {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron", "--stop-after", at], 4);
    folder
}

fn edit(path: &Path, change: impl Fn(&str) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed, "{}", path.display());
    std::fs::write(path, changed).unwrap();
}

fn line(text: &str, number: usize, change: impl Fn(&str) -> String) -> String {
    let lines = text.lines().enumerate().map(|(n, l)| if n == number { change(l) } else { l.into() });
    lines.map(|l| l + "\n").collect()
}

/// Stopped at step 35, row 10 damaged: no row is lost, whichever table and whatever cell.
#[test]
fn a_damaged_row_of_a_stopped_run_is_named_and_made_again() {
    let another = |cell: &str| if cell.ends_with('1') { "2" } else { "1" }.to_string();
    for (table, column) in [
        ("metrics.csv", 0),
        ("eval.csv", 0),
        ("digests.csv", 0),
        ("metrics.csv", 4),
        ("metrics.csv", usize::MAX),
    ] {
        let folder = stopped("35");
        edit(&folder.run().join(table), |text| {
            line(text, 3, |row| {
                let mut cells: Vec<String> = row.split(',').map(String::from).collect();
                let at = column.min(cells.len() - 1);
                cells[at] = if column == 0 { "x".into() } else { another(&cells[at]) };
                cells.join(",")
            })
        });
        let said = stderr(&folder.nano4m(&["run", "small.ron"], 0));
        assert!(said.contains(table) && said.contains("made again from an earlier step"), "{table}: {said}");
        assert_same(undisturbed(), &folder.run());
        folder.nano4m(&["verify", "latest"], 0);
    }
}

#[test]
fn a_cut_or_deleted_table_of_a_stopped_run_is_named_and_made_again() {
    for (n, table) in ["metrics.csv", "eval.csv", "digests.csv"].into_iter().enumerate() {
        let folder = stopped("35");
        let path = folder.run().join(table);
        match n {
            0 => std::fs::remove_file(&path).unwrap(),
            _ => edit(&path, |text| text[..text.len() / 2].into()),
        }
        let said = stderr(&folder.nano4m(&["resume", "latest"], 0));
        assert!(said.contains(&format!("{table} has ")), "{said}");
        assert_same(undisturbed(), &folder.run());
    }
}

/// `resume` has nothing else to go by and refuses; `run` has the manifest and writes it again.
#[test]
fn a_changed_resolved_manifest_never_ends_in_a_finished_run() {
    type Change = fn(&str) -> String;
    let changes: [Change; 4] = [
        |text| text.replace("lr: 0.003", "lr: 0.004"),
        |text| text.replace("name: \"small\"", "name: \"smell\""),
        |text| text[..text.len() / 2].into(),
        |_| String::new(),
    ];
    let original = std::fs::read(undisturbed().join("resolved.ron")).unwrap();
    for change in changes {
        let folder = stopped("5");
        edit(&folder.run().join("resolved.ron"), change);
        for arguments in
            [&["resume", "latest"][..], &["resume", "latest", "--allow-drift"], &["eval", "latest"]]
        {
            let refused = stderr(&folder.nano4m(arguments, 1));
            assert!(refused.contains("resolved.ron has changed since the run was started"), "{refused}");
            assert!(refused.contains("nano4m run ") && refused.contains("small.ron"), "{refused}");
        }
        let said = stderr(&folder.nano4m(&["run", "small.ron"], 0));
        assert!(said.contains("resolved.ron has changed since the run was started: written again"), "{said}");
        assert_eq!(std::fs::read(folder.run().join("resolved.ron")).unwrap(), original);
        assert_same(undisturbed(), &folder.run());
    }
}

#[test]
fn a_changed_manifest_of_a_stopped_run_is_taken_again_from_its_source_or_refused() {
    let folder = stopped("5");
    let manifest = folder.run().join("manifest.ron");
    edit(&manifest, |text| text.replace("3e-3", "4e-3"));
    let said = stderr(&folder.nano4m(&["resume", "latest", "--stop-after", "5"], 4));
    assert!(said.contains("manifest.ron has changed since the run was started: taken again from"), "{said}");
    assert_eq!(std::fs::read_to_string(&manifest).unwrap(), crate::support::SMALL);
    std::fs::remove_file(&manifest).unwrap();
    std::fs::remove_file(folder.path("small.ron")).unwrap();
    let refused = stderr(&folder.nano4m(&["resume", "latest"], 1));
    assert!(refused.contains("manifest.ron has changed since the run was started"), "{refused}");
    folder.write("small.ron", crate::support::SMALL);
    folder.nano4m(&["run", "small.ron"], 0);
    assert_eq!(std::fs::read_to_string(&manifest).unwrap(), crate::support::SMALL);
}

/// One segment for each start; another class of machine is warned of, shown, and kept.
#[test]
fn a_run_that_goes_on_on_another_class_of_machine_says_so() {
    let folder = stopped("5");
    let path = folder.run().join("provenance.json");
    let class = json(&path)["segments"][0]["machine"]["class"].as_str().unwrap().to_string();
    folder.nano4m(&["resume", "latest", "--stop-after", "5"], 4);
    edit(&path, |text| text.replace(&class, "x86_64 avx1024"));
    let said = stderr(&folder.command(&["--threads", "1", "resume", "latest"]).assert().code(0));
    assert!(said.contains("another class of machine than before: x86_64 avx1024 → "), "{said}");
    assert!(said.contains("provenance.json has changed since it was written"), "{said}");
    let provenance = json(&path);
    let segments = provenance["segments"].as_array().unwrap();
    let from: Vec<u64> = segments.iter().map(|s| s["from_step"].as_u64().unwrap()).collect();
    assert_eq!(from, [0, 5, 10]);
    assert_eq!(
        (segments[2]["machine"]["class"].as_str(), segments[2]["threads"].as_u64()),
        (Some(&*class), Some(1))
    );
    assert_eq!((&segments[0]["changed"], &segments[2]["changed"]), (&true.into(), &serde_json::Value::Null));
    let shown = stdout(&folder.nano4m(&["show", "latest"], 0));
    assert!(
        shown.contains("from step 0: cpu, ") && shown.contains("from step 10: cpu, 1 threads"),
        "{shown}"
    );
    assert!(shown.contains("x86_64 avx1024"), "{shown}");
    // The record says so, and with it every table that is made from it.
    let record = json(&folder.run().join("record.json"));
    let drift = format!("class of machine from step 10: x86_64 avx1024 → {class}");
    assert_eq!(record["drift"], serde_json::json!([drift]));
    for table in ["metrics.csv", "eval.csv", "digests.csv", "probes/cross_entropy.csv"] {
        let rows = |run: &Path| -> Vec<String> {
            let text = std::fs::read_to_string(run.join(table)).unwrap();
            let timed = table == "metrics.csv";
            let cut = |l: &str| if timed { l.rsplit_once(',').unwrap().0.into() } else { l.to_string() };
            text.lines().map(cut).collect()
        };
        assert_eq!(rows(&folder.run()), rows(undisturbed()), "{table}");
    }
}

/// A start that had to pass over a checkpoint began before it.
#[test]
fn a_segment_begins_at_the_checkpoint_that_was_used() {
    let folder = stopped("25");
    let file = folder.run().join("checkpoints/step-00000025.safetensors");
    std::fs::write(&file, b"damaged").unwrap();
    folder.nano4m(&["resume", "latest"], 0);
    assert_eq!(json(&folder.run().join("provenance.json"))["segments"][1]["from_step"], 20);
    std::fs::write(folder.run().join("provenance.json"), "{").unwrap();
    assert!(stdout(&folder.nano4m(&["show", "latest"], 0)).contains("finished"));
}

#[test]
fn a_damaged_provenance_is_set_aside_and_never_a_dead_end() {
    let folder = stopped("5");
    let path = folder.run().join("provenance.json");
    for damage in ["", "{", "garbage"] {
        std::fs::write(&path, damage).unwrap();
        let said = stderr(&folder.nano4m(&["run", "small.ron", "--stop-after", "1"], 4));
        assert!(said.contains("provenance.json is damaged and set aside as"), "{said}");
        assert_eq!(std::fs::read_to_string(path.with_extension("json.damaged")).unwrap(), damage);
    }
    assert_eq!(json(&path)["segments"][0]["from_step"], 7);
    std::fs::remove_file(&path).unwrap();
    let said = stderr(&folder.nano4m(&["resume", "latest"], 0));
    assert!(
        said.contains("provenance.json is missing: where the steps so far were made is not known"),
        "{said}"
    );
    assert_same(undisturbed(), &folder.run());
}

fn seconds_apart(a: &serde_json::Value, b: &serde_json::Value) -> i64 {
    let time = |value: &serde_json::Value| {
        chrono::DateTime::parse_from_rfc3339(value.as_str().expect("a time")).expect("RFC 3339")
    };
    (time(a) - time(b)).num_seconds().abs()
}

/// The status is made again from what the other files say.
#[test]
fn a_damaged_status_ends_nothing() {
    type Change = fn(&str) -> String;
    let changes: [Change; 4] = [
        |_| String::new(),
        |_| "garbage".into(),
        |text| text[..text.len() / 2].into(),
        |text| text.replace("\"step\": 5", "\"step\": 6"),
    ];
    let said_so = |text: &str| assert!(text.contains("status.json is damaged and made again"), "{text}");
    for (n, change) in changes.into_iter().enumerate() {
        let folder = stopped("5");
        let path = folder.run().join("status.json");
        let before = json(&path);
        edit(&path, change);
        assert!(stdout(&folder.nano4m(&["ls"], 0)).contains("small"));
        let shown = folder.nano4m(&["show", "small"], 0);
        assert!(
            stderr(&shown).contains("resume") && stdout(&shown).contains("made on"),
            "{}",
            stderr(&shown)
        );
        folder.nano4m(&["gc"], 0);
        let command: &[&str] = if n % 2 == 0 { &["run", "small.ron"] } else { &["resume", "small"] };
        said_so(&stderr(&folder.nano4m(command, 0)));
        let after = json(&path);
        for kept in ["identity", "name", "total", "attempt"] {
            assert_eq!(after[kept], before[kept], "{kept}");
        }
        assert!(
            seconds_apart(&after["started"], &before["started"]) <= 5,
            "from the provenance, written beside it"
        );
        assert_eq!((&after["state"], &after["step"]), (&"finished".into(), &40.into()));
        assert_same(undisturbed(), &folder.run());
        // Of the finished run, too.
        std::fs::write(&path, "").unwrap();
        folder.nano4m(&["report"], 0);
        let eval = stderr(&folder.nano4m(&["eval", "small"], 1));
        assert!(eval.contains("makes it again"), "{eval}");
        said_so(&stderr(&folder.nano4m(command, 0)));
        assert_eq!(json(&path)["identity"], before["identity"]);
        folder.nano4m(&["eval", "small"], 0);
    }
}

/// Without its last line nothing vouches for it, and nothing else is lost.
#[test]
fn a_lost_status_of_a_run_with_checkpoints_is_no_reason_to_remove_it() {
    let folder = stopped("5");
    std::fs::remove_file(folder.run().join("status.json")).unwrap();
    folder.nano4m(&["gc", "--yes", "--min-age", "0"], 0);
    folder.nano4m(&["resume", "small"], 0);
    assert_same(undisturbed(), &folder.run());
}

/// Refused as often as it is tried, with the way out.
#[test]
fn a_run_whose_checkpoints_are_all_damaged_never_starts_over_in_silence() {
    let folder = stopped("15");
    for entry in std::fs::read_dir(folder.run().join("checkpoints")).unwrap().flatten() {
        std::fs::write(entry.path(), b"").unwrap();
    }
    for arguments in [&["run", "small.ron"][..], &["resume", "small"], &["run", "small.ron"]] {
        let refused = stderr(&folder.nano4m(arguments, 1));
        assert!(
            refused.contains("no intact checkpoint is left; `nano4m run MANIFEST --force` starts over"),
            "{refused}"
        );
    }
    folder.nano4m(&["run", "small.ron", "--force"], 0);
}

/// What the checkpoint and the probes can make again is made again, whoever asks; and it ends nothing else.
#[test]
fn a_destroyed_record_is_made_again() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron"], 0);
    for (damage, command) in [("", &["run", "small.ron"][..]), ("garbage", &["resume", "small"])] {
        std::fs::write(folder.run().join("record.json"), damage).unwrap();
        folder.nano4m(&["ls"], 0);
        let said = stderr(&folder.nano4m(command, 0));
        assert!(said.contains("finished: "), "{said}");
        assert_same(undisturbed(), &folder.run());
        folder.nano4m(&["verify", "small"], 0);
    }
}

/// One damaged cell is made again or fails alone.
#[test]
fn a_damaged_run_ends_no_ablation() {
    let folder = Folder::new();
    folder.write(
        "tiny.ron",
        r#"Ablation(
            schema: 1,
            name: "tiny",
            base: "small.ron",
            axes: [(name: "audio", options: [
                (label: "span"),
                (label: "random", set: {"modalities.tok_audio@16.masking": Random}),
            ])],
            seeds: [1],
            metrics: ["cross_entropy/tok_audio@16"],
        )"#,
    );
    folder.nano4m(&["ablate", "tiny.ron"], 0);
    let runs: Vec<_> = std::fs::read_dir(folder.path("runs")).unwrap().flatten().map(|e| e.path()).collect();
    let runs: Vec<_> = runs.into_iter().filter(|p| p.join("record.json").exists()).collect();
    assert_eq!(runs.len(), 2);
    std::fs::write(runs[0].join("record.json"), "").unwrap();
    std::fs::write(runs[1].join("status.json"), "").unwrap();
    folder.nano4m(&["ablate", "tiny.ron"], 0);
    // Changed, and still a record: that run is refused with its reason, the other one stays.
    edit(&runs[0].join("record.json"), |text| text.replacen("\"steps\": 40", "\"steps\": 41", 1));
    std::fs::write(runs[1].join("record.json"), "{").unwrap();
    let ended = folder.nano4m(&["ablate", "tiny.ron"], 1);
    assert!(stderr(&ended).contains("the record has changed since it was written"), "{}", stderr(&ended));
    assert!(json(&runs[1].join("record.json"))["metrics"].is_array(), "the other was made again");
}
