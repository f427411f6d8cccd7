//! What looking at runs, manifests and data prints.

use crate::support::{self, json, stdout, Folder};
use serde_json::Value;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}:\n{text}"))
}

#[test]
fn a_finished_run_is_listed_shown_and_complete() {
    let folder = Folder::new();
    let run = folder.nano4m(&["run", "small.ron"], 0);
    assert!(stdout(&run).contains("cross-entropy on the test split"), "the table is data");
    let path = folder.run();
    for file in [
        "manifest.ron",
        "resolved.ron",
        "provenance.json",
        "status.json",
        "metrics.csv",
        "eval.csv",
        "digests.csv",
        "log.txt",
        "record.json",
        "probes/cross_entropy.csv",
        "checkpoints/step-00000040.safetensors",
        "checkpoints/step-00000040.optimizer.safetensors",
    ] {
        assert!(path.join(file).is_file(), "{file}");
    }
    assert!(!path.join("lock").exists());
    assert_eq!(std::fs::read_to_string(path.join("manifest.ron")).unwrap(), support::SMALL);

    let listed = parsed(&stdout(&folder.nano4m(&["ls", "--json"], 0)));
    assert_eq!((&listed[0]["state"], &listed[0]["step"]), (&"finished".into(), &40.into()));
    let shown = parsed(&stdout(&folder.nano4m(&["show", "small", "--json"], 0)));
    let mut record = json(&path.join("record.json"));
    assert!(record.as_object_mut().unwrap().remove("digest").is_some(), "of the file, not of what it says");
    assert_eq!(shown["record"], record);
    let human = stdout(&folder.nano4m(&["show", "latest"], 0));
    for part in ["finished", "40 of 40", "30, 40", "34208", "not pinned", "\n rgb "] {
        assert!(human.contains(part), "`{part}` is not in:\n{human}");
    }
}

#[test]
fn a_record_holds_metrics_with_intervals_and_no_times() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron"], 0);
    let record = json(&folder.run().join("record.json"));
    assert_eq!(record["steps"], 40);
    assert_eq!(record["clips"]["test"], 32);
    let metrics = record["metrics"].as_array().unwrap();
    let find = |key: &str| metrics.iter().find(|m| m["key"] == key).unwrap();
    let (model, gain) = (find("cross_entropy/tok_rgb@16"), find("cross_entropy/tok_rgb@16/gain"));
    assert_eq!(model["about"], "tok_rgb@16");
    assert!(
        model["low"].as_f64() < model["value"].as_f64() && model["value"].as_f64() < model["high"].as_f64()
    );
    assert_eq!((&gain["better"], &gain["unit"]), (&"higher".into(), &"nats/token".into()));
    let uniform = find("cross_entropy/tok_rgb@16/uniform")["value"].as_f64().unwrap();
    assert!((uniform - 64f64.ln()).abs() < 1e-9);
    assert!(metrics.iter().any(|m| m["key"] == "cross_entropy/tok_audio@16/codebook_marginal"));
    assert!(!record.to_string().contains("seconds"));
}

#[test]
fn measuring_a_finished_run_again_changes_no_byte() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron"], 0);
    let before = support::results(&folder.run());
    folder.nano4m(&["eval", "latest"], 0);
    assert_eq!(support::results(&folder.run()), before);
}

#[test]
fn an_unfinished_run_is_measured_without_a_record() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron", "--stop-after", "20"], 4);
    let measured = folder.nano4m(&["eval", "latest"], 0);
    assert!(stdout(&measured).contains("\n rgb "));
    assert!(support::stderr(&measured).contains("measuring step 20"));
    assert!(!folder.run().join("record.json").exists());
}

#[test]
fn check_prints_a_complete_manifest_that_means_the_same() {
    let folder = Folder::new();
    assert!(stdout(&folder.nano4m(&["check", "small.ron"], 0))
        .contains("2 modalities, 34208 parameters, 40 steps"));
    let resolved = stdout(&folder.nano4m(&["check", "small.ron", "--resolved"], 0));
    folder.write("resolved.ron", &resolved);
    assert_eq!(stdout(&folder.nano4m(&["check", "resolved.ron", "--resolved"], 0)), resolved);
    folder.nano4m(&["run", "small.ron"], 0);
    let again = folder.nano4m(&["run", "resolved.ron"], 0);
    assert!(support::stderr(&again).contains("already finished"), "the same identity");
}

#[test]
fn data_is_inspected_and_hashed() {
    let folder = Folder::new();
    let hash = stdout(&folder.nano4m(&["data", "hash", "small.ron"], 0));
    assert_eq!(hash.trim().len(), 64);
    let facts = parsed(&stdout(&folder.nano4m(&["data", "inspect", "small.ron", "--json"], 0)));
    assert_eq!(facts["sha256"], hash.trim());
    assert_eq!(facts["splits"][2]["clips"], 32);
    assert_eq!(facts["modalities"][1]["vocab"], 32);
    let counted: u64 = facts["classes"].as_object().unwrap().values().map(|c| c[0].as_u64().unwrap()).sum();
    assert_eq!(counted, 64);
}

#[test]
fn verify_names_the_first_step_and_tensor_that_differ() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron"], 0);
    folder.nano4m(&["run", "small.ron", "--set", "seeds.masking=7", "--set", "train.warmup_tokens=1025"], 0);
    let runs = parsed(&stdout(&folder.nano4m(&["ls", "--json"], 0)));
    let (a, b) = (runs[0]["id"].as_str().unwrap(), runs[1]["id"].as_str().unwrap());
    let verdict = stdout(&folder.nano4m(&["verify", a, b], 1));
    assert!(verdict.contains("digests.csv, step 5, tensor enc_tok_emb.weight"), "{verdict}");
    assert!(verdict.contains("metrics.csv, step 1, column tokens"), "{verdict}");
}

#[test]
fn doctor_promises() {
    let folder = Folder::new();
    assert!(stdout(&folder.nano4m(&["doctor"], 0)).contains("same bits"));
    let report = parsed(&stdout(&folder.nano4m(&["doctor", "--json"], 0)));
    assert_eq!(report["code"]["hash"].as_str().unwrap().len(), 64);
    assert!(report["needs"].is_null());
}

#[test]
fn doctor_says_what_a_manifest_needs() {
    let folder = Folder::new();
    let said = stdout(&folder.nano4m(&["doctor", "small.ron", "--set", "train.batch=8"], 0));
    assert!(said.contains("on cpu  fits: at least") && said.contains("activations"), "{said}");
    let needs = |settings: &[&str]| {
        let asked = [&["doctor", "--json", "small.ron"][..], settings].concat();
        parsed(&stdout(&folder.nano4m(&asked, 0)))["needs"].clone()
    };
    let (small, large) = (needs(&[]), needs(&["--set", "train.batch=64"]));
    assert_eq!((small[0]["place"].as_str(), small[0]["verdict"].as_str()), (Some("cpu"), Some("fits")));
    let activations = |needs: &serde_json::Value| needs[1]["activations"].as_f64().unwrap();
    assert_eq!(activations(&large), 4.0 * activations(&small));
    let huge = needs(&["--set", "model.dim=65536", "--set", "model.enc_depth=24"]);
    assert_eq!(huge[0]["verdict"], "does not fit");
    folder.nano4m(&["doctor", "missing.ron"], 2);
}
