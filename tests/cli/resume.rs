//! The same bits: for any number of threads, after any stop, signal or kill.

use crate::support::{self, assert_same, json, results, signal, Folder, LONG};
use std::time::{Duration, Instant};

fn undisturbed() -> Folder {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron"], 0);
    folder
}

#[test]
fn threads_do_not_change_a_bit() {
    let one = Folder::new();
    one.command(&["run", "small.ron"]).env("RAYON_NUM_THREADS", "1").assert().success();
    for threads in ["2", "4"] {
        let other = Folder::new();
        other.command(&["run", "small.ron"]).env("RAYON_NUM_THREADS", threads).assert().success();
        assert_same(&one.run(), &other.run());
    }
    let flag = Folder::new();
    flag.nano4m(&["--threads", "3", "run", "small.ron"], 0);
    assert_same(&one.run(), &flag.run());
}

/// A batch of 16 as 3 + 3 + 3 + 3 + 3 + 1 clips.
#[test]
fn a_step_in_parts_is_the_same_for_any_threads_and_after_a_stop() {
    let cut = ["run", "small.ron", "--set", "train.micro_batch=3"];
    let expected = Folder::new();
    expected.nano4m(&[&["--threads", "1"][..], &cut].concat(), 0);
    let folder = Folder::new();
    folder.nano4m(&[&["--threads", "4"][..], &cut, &["--stop-after", "17"]].concat(), 4);
    folder.nano4m(&["resume", "latest"], 0);
    assert_same(&expected.run(), &folder.run());

    let digests = |folder: &Folder| std::fs::read_to_string(folder.run().join("digests.csv")).unwrap();
    assert_ne!(digests(&undisturbed()), digests(&expected), "the steps were not cut");
}

#[test]
fn stopped_at_any_step_and_resumed() {
    let expected = undisturbed();
    for stops in [&["1"][..], &["7", "10"], &["39"], &["3", "1", "20", "9"]] {
        let folder = Folder::new();
        for stop in stops {
            folder.nano4m(&["run", "small.ron", "--stop-after", stop], 4);
            assert_eq!(json(&folder.run().join("status.json"))["state"], "stopped");
        }
        folder.nano4m(&["resume", "latest"], 0);
        assert_same(&expected.run(), &folder.run());
    }
}

#[test]
fn a_run_that_resumes_is_verified_against_one_that_did_not() {
    let folder = undisturbed();
    folder.nano4m(&["run", "small.ron", "--force", "--stop-after", "23"], 4);
    folder.nano4m(&["run", "small.ron"], 0);
    let id = json(&folder.path("runs").join(first_run(&folder)).join("record.json"))["id"].clone();
    let id = id.as_str().unwrap();
    let verdict = folder.nano4m(&["verify", id, &format!("{id}-a2")], 0);
    assert!(support::stdout(&verdict).contains("the same bits"));
    folder.nano4m(&["verify", id], 0);
}

fn first_run(folder: &Folder) -> std::ffi::OsString {
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path("runs")).unwrap().flatten().map(|e| e.file_name()).collect();
    names.sort();
    names.swap_remove(0)
}

/// SIGTERM and SIGINT end after a checkpoint with their codes; `kill -9` has no last word at all.
#[test]
fn signals_and_kills() {
    let expected = Folder::new();
    expected.nano4m(&[&["run", "small.ron"][..], &LONG].concat(), 0);

    let folder = Folder::new();
    let arguments = [&["run", "small.ron"][..], &LONG].concat();
    let mut rows = 0;
    for (number, code) in [(libc::SIGTERM, Some(143)), (libc::SIGINT, Some(130)), (libc::SIGKILL, None)] {
        let mut child = folder.spawn(&arguments);
        rows += 60;
        folder.wait_for_rows(rows);
        signal(&child, number);
        assert_eq!(child.wait().unwrap().code(), code);
        let status = json(&folder.run().join("status.json"));
        assert_eq!(status["state"], if code.is_some() { "stopped" } else { "running" });
        assert!(status["step"].as_u64().unwrap() < 1500, "it was stopped before its end");
        assert!(!folder.run().join("record.json").exists());
    }
    let listed = folder.nano4m(&["ls", "--json"], 0);
    let listed: serde_json::Value = serde_json::from_str(&support::stdout(&listed)).unwrap();
    assert_eq!(listed[0]["state"], "killed", "nobody holds its lock");
    folder.nano4m(&["resume", "small"], 0);
    assert_same(&expected.run(), &folder.run());
}

/// A signal during the probes: nothing of the training is lost, and the next start measures again.
#[test]
fn a_signal_while_measuring_stops_the_run() {
    let folder = Folder::new();
    let clips = "data.synthetic.clips=(64, 16, 512)";
    let arguments = ["run", "small.ron", "--set", "probes=[CrossEntropy(masks: 1000)]", "--set", clips];
    let child = folder.spawn(&arguments);
    let began = Instant::now();
    while !log(&folder).contains("checkpoint of step 40") {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", log(&folder));
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(&child, libc::SIGINT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("interrupted while measuring: training is complete; `nano4m resume "), "{said}");
    let status = json(&folder.run().join("status.json"));
    assert_eq!((status["state"].as_str(), status["step"].as_u64()), (Some("stopped"), Some(40)));
    assert_eq!(status["reason"], "interrupted while measuring");
    assert!(!folder.run().join("record.json").exists());
}

/// `log.txt` of the only run, once there is one.
fn log(folder: &Folder) -> String {
    let runs = std::fs::read_dir(folder.path("runs")).into_iter().flatten().flatten();
    runs.filter_map(|run| std::fs::read_to_string(run.path().join("log.txt")).ok()).collect()
}

#[test]
fn a_finished_run_is_reported_and_force_repeats_it() {
    let folder = undisturbed();
    let before = results(&folder.run());
    let again = folder.nano4m(&["run", "small.ron"], 0);
    assert!(support::stderr(&again).contains("already finished"));
    assert!(support::stdout(&again).contains("\n audio "), "its table is printed");
    assert_eq!(results(&folder.run()), before);
    // Another name, about and comment: the same identity.
    let renamed = support::SMALL.replace("\"small\"", "\"renamed\"") + "// a comment\n";
    folder.write("renamed.ron", &renamed);
    assert!(support::stderr(&folder.nano4m(&["run", "renamed.ron"], 0)).contains("already finished"));
    folder.nano4m(&["run", "small.ron", "--force", "--stop-after", "1"], 4);
    assert_eq!(std::fs::read_dir(folder.path("runs")).unwrap().count(), 2);
}

#[test]
fn runs_may_be_moved_and_named_by_path() {
    let expected = undisturbed();
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron", "--stop-after", "12"], 4);
    std::fs::rename(folder.path("runs"), folder.path("elsewhere")).unwrap();
    folder.nano4m(&["--runs", "elsewhere", "resume", "latest", "--stop-after", "3"], 4);
    std::fs::rename(folder.path("elsewhere"), folder.path("runs")).unwrap();
    let path = folder.run();
    folder.nano4m(&["resume", path.to_str().unwrap()], 0);
    assert_same(&expected.run(), &path);
    // A finished run, too: nothing in it says where it was made.
    std::fs::rename(folder.path("runs"), folder.path("moved")).unwrap();
    let moved = ["--runs", "moved"];
    let shown = folder.nano4m(&[&moved[..], &["show", "latest"]].concat(), 0);
    assert!(support::stdout(&shown).contains("moved/small-"));
    folder.nano4m(&[&moved[..], &["verify", "latest"]].concat(), 0);
    folder.nano4m(&[&moved[..], &["report"]].concat(), 0);
    folder.nano4m(&[&moved[..], &["report", "--check"]].concat(), 0);
    let again = folder.nano4m(&[&moved[..], &["run", "small.ron"]].concat(), 0);
    assert!(support::stderr(&again).contains("already finished"));
}
