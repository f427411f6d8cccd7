//! What somebody meets who uses the program for the first time, beside the way that the README shows.

use crate::support::{json, stderr, stdout, Folder};

/// A run that cannot be begun here leaves nothing: no failed run, no device in the provenance that made no step.
#[test]
fn a_device_that_is_not_there_begins_no_run() {
    let folder = Folder::new();
    for arguments in [&["run", "small.ron"][..], &["check", "small.ron"]] {
        let mut with = arguments.to_vec();
        with.extend(["--device", "cuda:0"]);
        let refused = stderr(&folder.nano4m(&with, 2));
        assert!(refused.contains("cuda:0 was asked for"), "{refused}");
        assert!(!folder.path("runs").exists());
    }
    folder.nano4m(&["check", "small.ron", "--elsewhere", "--device", "cuda:0"], 0);
    folder.nano4m(&["run", "small.ron", "--stop-after", "5"], 4);
    for arguments in [["run", "small.ron"], ["resume", "latest"]] {
        folder.nano4m(&[arguments[0], arguments[1], "--device", "cuda:0"], 2);
    }
    let said = stderr(&folder.nano4m(&["run", "small.ron"], 0));
    assert!(!said.contains("another device"), "{said}");
    assert_eq!(json(&folder.run().join("record.json"))["drift"], serde_json::json!([]));
    let provenance = json(&folder.run().join("provenance.json"));
    assert_eq!(provenance["segments"].as_array().unwrap().len(), 2);
}

/// Of a start on another machine that made no checkpoint nothing is left: no drift is told of it.
#[test]
fn a_start_that_made_no_step_is_no_drift() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron", "--stop-after", "0"], 4);
    let path = folder.run().join("provenance.json");
    let class = json(&path)["segments"][0]["machine"]["class"].as_str().unwrap().to_string();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(&class, "x86_64 avx1024")).unwrap();
    let said = stderr(&folder.nano4m(&["run", "small.ron"], 0));
    assert!(!said.contains("another class of machine"), "{said}");
    assert_eq!(json(&folder.run().join("record.json"))["drift"], serde_json::json!([]));
    let shown = stdout(&folder.nano4m(&["show", "latest"], 0));
    assert!(!shown.contains("avx1024") && shown.contains("starts  2"), "{shown}");
}

/// That a run equals itself proves nothing, and a run on both sides is no comparison.
#[test]
fn a_run_is_not_held_against_itself() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron"], 0);
    let refused = stderr(&folder.nano4m(&["verify", "small", "latest"], 2));
    assert!(refused.contains("both names mean one run"), "{refused}");
    let refused = stderr(&folder.nano4m(&["compare", "small", "latest"], 2));
    assert!(refused.contains("both sides have the run small-"), "{refused}");
    folder.nano4m(&["run", "small.ron", "--force"], 0);
    let ids: Vec<String> =
        serde_json::from_str::<serde_json::Value>(&stdout(&folder.nano4m(&["ls", "--json"], 0)))
            .unwrap()
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["path"].as_str().unwrap().to_string())
            .collect();
    folder.nano4m(&["verify", &ids[0], &ids[1]], 0);
}

/// Usage names the ways that there are, and only commands of that place.
#[test]
fn a_usage_is_one_that_the_program_takes() {
    let folder = Folder::new();
    for (arguments, expected, wrong) in [
        (&["eval"][..], "nano4m eval [OPTIONS] --manifest <MANIFEST> --checkpoint <FILE>\n", "<FILE> <RUN>"),
        (&["eval", "--manifest", "small.ron"], "nano4m eval [OPTIONS] <RUN>\n", "<FILE> <RUN>"),
        (&["compare", "a"], "nano4m compare [OPTIONS] --ablation <NAME>\n", "<A> [B]"),
        (&["report", "runs"], "unrecognized subcommand 'runs'", "'run'"),
        (&["data", "list"], "unrecognized subcommand 'list'", "nano4m ls"),
    ] {
        let said = stderr(&folder.nano4m(arguments, 2));
        assert!(said.contains(expected) && !said.contains(wrong), "{said}");
    }
}
