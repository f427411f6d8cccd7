//! Ablations: every cell once, whatever happens on the way, and the same record in the end.

use crate::support::{self, json, signal, stderr, stdout, Folder};
use serde_json::Value;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Two cells × two seeds of the small experiment.
const TINY: &str = r#"Ablation(
    schema: 1,
    name: "tiny",
    base: "../small.ron",
    axes: [(name: "audio", options: [
        (label: "span"),
        (label: "random", set: {"modalities.tok_audio@16.masking": Random}),
    ])],
    seeds: [1, 2],
    metrics: ["cross_entropy/tok_audio@16"],
    claims: [(metric: "cross_entropy/tok_audio@16", a: "random", b: "span")],
)
"#;

/// With `ablations/tiny.ron`, perhaps changed.
fn folder(change: impl Fn(&str) -> String) -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("ablations")).unwrap();
    folder.write("ablations/tiny.ron", &change(TINY));
    folder
}

fn plain() -> Folder {
    folder(str::to_owned)
}

fn record(folder: &Folder) -> Vec<u8> {
    std::fs::read(folder.path("runs/ablations/tiny.json")).unwrap()
}

fn directories(folder: &Folder) -> Vec<PathBuf> {
    let record = json(&folder.path("runs/ablations/tiny.json"));
    let cells = record["cells"].as_array().unwrap().clone();
    let runs = cells.iter().flat_map(|c| c["runs"].as_array().unwrap().clone());
    runs.map(|r| folder.path("runs").join(r["directory"].as_str().unwrap())).collect()
}

/// What `ablate --json` says of every run.
fn states(text: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}:\n{text}"));
    value["runs"].as_array().unwrap().iter().map(|l| l["state"].as_str().unwrap().to_string()).collect()
}

fn modified(path: &std::path::Path) -> std::time::SystemTime {
    std::fs::metadata(path).unwrap().modified().unwrap()
}

#[test]
fn run_again_and_only_what_is_missing_is_made() {
    let folder = plain();
    let said = stderr(&folder.nano4m(&["ablate", "tiny", "--collect"], 1));
    assert!(
        said.contains("4 of 4 runs are not finished here") && said.contains("nano4m ablate tiny"),
        "{said}"
    );
    let first = folder.nano4m(&["ablate", "tiny", "--json"], 0);
    assert_eq!(states(&stdout(&first)), ["finished"; 4]);
    let written = record(&folder);
    let runs = directories(&folder);
    assert_eq!(runs.len(), 4);
    let names: Vec<String> =
        runs.iter().map(|r| r.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert!(names[0].starts_with("tiny-span-s1-") && names[3].starts_with("tiny-random-s2-"), "{names:?}");

    let report = folder.path("runs/reports/ablation_tiny/v0001.csv");
    let table = std::fs::read_to_string(&report).unwrap();
    assert!(table.contains("cross_entropy/tok_audio@16"), "{table}");
    on_the_pages_of_a_report(&folder);

    // Again: nothing is touched.
    let before: Vec<_> = runs.iter().map(|r| modified(&r.join("status.json"))).collect();
    let again = folder.nano4m(&["ablate", "tiny", "--json"], 0);
    assert_eq!(states(&stdout(&again)), ["cached"; 4]);
    assert_eq!(before, runs.iter().map(|r| modified(&r.join("status.json"))).collect::<Vec<_>>());

    // The record of one, the scores of another, the last checkpoint of a third.
    let kept: Vec<_> = runs.iter().map(|r| support::results(r)).collect();
    let scores = modified(&runs[2].join("probes/cross_entropy.csv"));
    std::fs::remove_file(runs[0].join("record.json")).unwrap();
    std::fs::remove_file(runs[1].join("probes/cross_entropy.csv")).unwrap();
    std::fs::remove_file(runs[2].join("checkpoints/step-00000040.safetensors")).unwrap();
    let repaired = folder.nano4m(&["ablate", "tiny", "--json", "-j", "1"], 0);
    assert_eq!(states(&stdout(&repaired)), ["finished", "finished", "finished", "cached"]);
    assert_eq!(record(&folder), written);
    assert_eq!(std::fs::read_to_string(&report).unwrap(), table);
    assert!(!folder.path("runs/reports/ablation_tiny/v0002.csv").exists());
    for (run, kept) in runs.iter().zip(&kept) {
        assert_eq!(&support::results(run), kept);
    }
    // Two were only measured again, one trained from step 30 and not measured.
    let log = |i: usize| std::fs::read_to_string(runs[i].join("log.txt")).unwrap();
    assert!(log(0).contains("training from step 40 of 40") && log(1).contains("training from step 40 of 40"));
    assert!(log(2).contains("training from step 30 of 40"), "{}", log(2));
    assert_eq!(modified(&runs[2].join("probes/cross_entropy.csv")), scores);
}

/// The ablation has its article; its runs are no experiments of their own.
fn on_the_pages_of_a_report(folder: &Folder) {
    let page = |name: &str| std::fs::read_to_string(folder.path("runs/reports").join(name)).unwrap();
    let ablated = (page("index.html"), page("eval_results.md"));
    assert!(
        ablated.0.contains("<article id=\"article_ablation_tiny\">") && ablated.0.contains("pareto_tiny_")
    );
    assert!(ablated.1.contains("No run outside an ablation"), "{}", ablated.1);
    folder.nano4m(&["report"], 0);
    assert_eq!((page("index.html"), page("eval_results.md")), ablated);

    folder.nano4m(&["run", "small.ron"], 0);
    folder.nano4m(&["report"], 0);
    let (index, front) = (page("index.html"), page("eval_results.md"));
    assert!(index.contains("article_runs") && index.contains("article_ablation_tiny"));
    assert!(front.contains("small-") && !front.contains("tiny-span"), "{front}");
    folder.nano4m(&["report", "--check"], 0);
}

#[test]
fn a_run_made_elsewhere_counts() {
    let folder = plain();
    let seeds = ["--set", "seeds=(init: 1, data: 1, masking: 1)", "--set", "name=by_hand"];
    folder.nano4m(&[&["run", "small.ron"][..], &seeds].concat(), 0);
    let ablated = folder.nano4m(&["ablate", "tiny", "--json"], 0);
    assert_eq!(states(&stdout(&ablated)), ["cached", "finished", "finished", "finished"]);
    let runs = directories(&folder);
    assert!(runs[0].to_string_lossy().contains("by_hand-"));
    // It stays an experiment of its own, though a cell; what was begun for a cell stays that cell's.
    let made_for = |i: usize, file: &str| json(&runs[i].join(file))["made_for"].clone();
    let first = serde_json::json!({ "ablation": "tiny", "cell": "span" });
    for file in ["status.json", "record.json"] {
        assert_eq!((made_for(0, file), made_for(1, file)), (Value::Null, first.clone()), "{file}");
    }
    folder.nano4m(&["report"], 0);
    let front = std::fs::read_to_string(folder.path("runs/reports/eval_results.md")).unwrap();
    assert!(front.contains("by_hand-") && !front.contains("tiny-"), "{front}");
    std::fs::remove_file(runs[1].join("record.json")).unwrap();
    let seeds = ["--set", "seeds=(init: 2, data: 2, masking: 2)", "--set", "about=mine"];
    folder.nano4m(&[&["run", "small.ron"][..], &seeds].concat(), 0);
    assert_eq!(made_for(1, "record.json"), first);
}

#[test]
fn a_cell_that_fails_leaves_the_others() {
    let failing = |text: &str| {
        let wild = r#"(label: "wild", set: {"train.lr": 1e30, "train.clip": None}),
        (label: "span"),"#;
        text.replace("(label: \"span\"),", wild)
    };
    let folder = folder(failing);
    let ablated = folder.nano4m(&["ablate", "tiny", "--json"], 1);
    let found = states(&stdout(&ablated));
    assert_eq!(found, ["failed", "failed", "finished", "finished", "finished", "finished"]);
    assert!(stderr(&ablated).contains("not finite"), "{}", stderr(&ablated));
    let cells = json(&folder.path("runs/ablations/tiny.json"))["cells"].clone();
    assert_eq!(cells[0]["runs"], serde_json::json!([]), "what failed is not in the record");
    assert_eq!(cells[1]["runs"].as_array().unwrap().len(), 2);

    let fast = self::folder(failing);
    let ablated = fast.nano4m(&["ablate", "tiny", "--json", "--fail-fast", "-j", "1"], 1);
    assert_eq!(states(&stdout(&ablated)), ["failed", "waiting", "waiting", "waiting", "waiting", "waiting"]);
}

/// Long enough to be killed: 600 steps each.
fn long() -> Folder {
    let folder = plain();
    let text = support::SMALL.replace("tokens: 10240", "tokens: 153600");
    folder.write("small.ron", &text.replace("digest_every: 5", "digest_every: 200"));
    folder
}

/// Processes that work in the folder, by what their `/proc` entries say.
fn alive(folder: &Folder) -> Vec<u32> {
    let place = folder.path("").canonicalize().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == place)).collect()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn killed_again_and_again_the_record_is_the_same() {
    let expected = long();
    expected.nano4m(&["ablate", "tiny"], 0);

    let folder = long();
    // Moments spread over starting up, training and measuring.
    for (i, delay) in [10, 60, 150, 400, 700, 250, 30, 320, 550, 90].into_iter().enumerate() {
        let mut child = folder.spawn(&["ablate", "tiny"]);
        std::thread::sleep(Duration::from_millis(delay));
        match i % 2 {
            // The tree at once, and the head alone.
            0 => alive(&folder).into_iter().for_each(|pid| {
                // SAFETY: these processes work in a folder that only this test knows.
                unsafe { libc::kill(pid as libc::pid_t, libc::SIGKILL) };
            }),
            _ => signal(&child, libc::SIGKILL),
        }
        child.wait().unwrap();
        wait_until("nothing may be left running", || alive(&folder).is_empty());
    }
    folder.nano4m(&["ablate", "tiny"], 0);
    assert_eq!(record(&folder), record(&expected));
    let table = |f: &Folder, name: &str| std::fs::read(f.path("runs/reports").join(name)).unwrap();
    for name in ["ablation_tiny/v0001.csv", "ablation_tiny/v0001.md", "ablation_tiny_claims/v0001.csv"] {
        assert!(table(&folder, name) == table(&expected, name), "{name}");
    }
    for (a, b) in directories(&folder).iter().zip(&directories(&expected)) {
        support::assert_same(a, b);
    }
}

/// Rows of all metrics so far.
fn rows(folder: &Folder) -> usize {
    let runs = std::fs::read_dir(folder.path("runs")).into_iter().flatten().flatten();
    let texts = runs.filter_map(|e| std::fs::read_to_string(e.path().join("metrics.csv")).ok());
    texts.map(|text| text.lines().count()).sum()
}

#[test]
fn a_signal_reaches_the_runs_which_checkpoint() {
    let folder = long();
    for (number, code) in [(libc::SIGTERM, 143), (libc::SIGINT, 130)] {
        let before = rows(&folder);
        let mut child = folder.spawn(&["ablate", "tiny", "-j", "2"]);
        wait_until("a run must train", || rows(&folder) > before + 5);
        signal(&child, number);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(alive(&folder).is_empty());
        assert!(!folder.path("runs/ablations/tiny.json").exists());
    }
    let stopped = folder.nano4m(&["ablate", "tiny", "--max-time", "0.3s", "--json"], 4);
    assert!(states(&stdout(&stopped)).iter().any(|s| s == "stopped"));
    folder.nano4m(&["ablate", "tiny"], 0);
}

#[test]
fn two_at_once_wait_for_each_other() {
    let folder = long();
    let mut first = folder.spawn(&["ablate", "tiny", "-j", "1"]);
    wait_until("a run must start", || {
        std::fs::read_dir(folder.path("runs"))
            .is_ok_and(|d| d.flatten().any(|e| e.path().join("lock").exists()))
    });
    let second = folder.nano4m(&["ablate", "tiny", "-j", "4", "--json"], 0);
    assert!(first.wait().unwrap().success());
    assert!(stderr(&second).contains("works on this run"), "{}", stderr(&second));
    assert!(states(&stdout(&second)).iter().all(|s| s == "finished"));
}

#[test]
fn every_problem_is_told_with_its_place() {
    let broken = TINY
        .replace("seeds: [1, 2]", "seeds: [1, 1]")
        .replace("\"modalities.tok_audio@16.masking\": Random", "\"train.lrr\": 1.0")
        .replace("a: \"random\"", "a: \"randon\"")
        .replace("metrics: [\"cross_entropy/tok_audio@16\"]", "metrics: [\"cross_entropy/audio\"]");
    let folder = folder(|_| broken.clone());
    let checked = folder.nano4m(&["ablate", "tiny"], 2);
    insta::assert_snapshot!("ablate_problems", stderr(&checked));
    let typo = folder.nano4m(&["ablate", "tinny"], 2);
    assert!(stderr(&typo).contains("did you mean `tiny`?"), "{}", stderr(&typo));
}

#[test]
fn the_shipped_ablations_are_valid() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("ablations");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten().filter(|e| e.path().is_file()) {
        let loaded = nano4m::ablation::read(&entry.path()).unwrap_or_else(|e| panic!("{e}"));
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        names.push(format!("{} {}", loaded.ablation.name, loaded.cells.len() * loaded.ablation.seeds.len()));
    }
    names.sort();
    let expected = [
        "audio_window 6",
        "direction_mix 9",
        "keyframes 6",
        "loss 6",
        "masking 21",
        "masking_quick 18",
        "model_size 9",
        "vocabulary 6",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_plan_says_what_is_there_and_what_the_rest_takes() {
    let folder = plain();
    let planned = |args: &[&str]| folder.nano4m(&[&["ablate", "tiny", "--plan"][..], args].concat(), 0);
    let value = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let before = value(&stdout(&planned(&["--json", "-j", "2"])));
    assert!(before["seconds"].as_f64().unwrap() > 0.0 && before["bytes"].as_u64().unwrap() > 100_000);
    assert!(before["steps_measured"].as_u64().unwrap() >= 4);
    assert_eq!(
        (before["runs"][0]["state"].as_str(), before["detectable"].as_array().unwrap().len()),
        (Some("missing"), 0)
    );
    // (1.96 + 0.84) / √32
    assert!((before["detectable_in_deviations"].as_f64().unwrap() - 0.4953).abs() < 1e-3);
    assert!(!folder.path("runs").exists(), "a plan makes nothing");

    folder.nano4m(&["ablate", "tiny"], 0);
    let runs = directories(&folder);
    std::fs::remove_dir_all(&runs[0]).unwrap();
    std::fs::remove_file(runs[1].join("record.json")).unwrap();
    std::fs::remove_file(runs[1].join("checkpoints/step-00000040.safetensors")).unwrap();
    let after = value(&stdout(&planned(&["--json"])));
    let states: Vec<_> = after["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["state"].as_str().unwrap(), r["step"].as_u64().unwrap()))
        .collect();
    assert_eq!(states, [("missing", 0), ("partial", 30), ("cached", 40), ("cached", 40)]);
    let human = stdout(&planned(&[]));
    assert!(human.contains("step 30 of 40") && human.contains("2 of the runs are not complete"), "{human}");

    folder.nano4m(&["ablate", "tiny"], 0);
    let done = value(&stdout(&planned(&["--json"])));
    assert_eq!(done["seconds"], Value::Null);
    assert_eq!(done["detectable"][0]["seeds"], 2);
    assert!(done["detectable"][0]["value"].as_f64().unwrap() > 0.0);
    assert!(stdout(&planned(&[])).contains("nothing is missing"));
}

#[test]
fn why_names_what_differs() {
    let folder = plain();
    let why = |args: &[&str]| stdout(&folder.nano4m(&[&["why"][..], args].concat(), 0));
    assert!(why(&["tiny"]).contains("span, seed 1: miss: there is no run to compare with"));
    folder.nano4m(&["run", "small.ron"], 0);
    let text = why(&["small.ron", "--set", "train.lr=0.5"]);
    assert!(
        text.contains("small.ron: miss: nearest is small-")
            && text.contains("train.lr: 0.5 here, 0.003 there"),
        "{text}"
    );
    assert!(why(&["small.ron", "--set", "name=other"]).contains("hit: is small-"));
    let cells = why(&["tiny"]);
    assert!(
        cells.contains("random, seed 2: miss") && cells.contains("seeds.masking: 2 here, 42 there"),
        "{cells}"
    );
    assert!(cells.contains("modalities[1].masking: Random here, Span("), "{cells}");
    std::fs::remove_file(folder.run().join("record.json")).unwrap();
    assert!(
        why(&["small.ron"]).contains("partial: is small-")
            && why(&["small.ron"]).contains("which lacks record.json")
    );

    // Another program: the code hash differs.
    let provenance = folder.run().join("provenance.json");
    let text = std::fs::read_to_string(&provenance).unwrap();
    let hash = json(&provenance)["segments"][0]["code"]["hash"].as_str().unwrap().to_string();
    std::fs::write(&provenance, text.replace(&hash, &"0".repeat(hash.len()))).unwrap();
    let text = why(&["small"]);
    assert!(text.contains("with this program: miss") && text.contains("code hash: "), "{text}");
    let answers: Value = serde_json::from_str(&why(&["small", "--json"])).unwrap();
    assert_eq!(answers[0]["verdict"], "miss");

    // A run that cannot say what it was made of: which, and why, and for `gc` that it may use any dataset.
    std::fs::write(&provenance, text_of_version(&text_in(&provenance), 9)).unwrap();
    let name = folder.run().file_name().unwrap().to_str().unwrap().to_string();
    let reason = "a run's provenance of another version of nano4m";
    let said = stderr(&folder.nano4m(&["why", "small.ron"], 0));
    assert!(said.contains(&format!("not compared with: 1 run ({name}): {reason}")), "{said}");
    let refused = stderr(&folder.nano4m(&["why", "small"], 1));
    assert!(refused.contains("too little to be explained") && refused.contains(reason), "{refused}");
    let said = stderr(&folder.nano4m(&["gc"], 0));
    assert!(said.contains(&format!("1 run ({name}) may use it: {reason}")), "{said}");
}

fn text_in(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn text_of_version(text: &str, schema: u32) -> String {
    text.replacen("\"schema\": 2", &format!("\"schema\": {schema}"), 1)
}
