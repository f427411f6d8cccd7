//! Manifests, ablations and command lines with mistakes: all of them told at once, where they are, before
//! anything is made.

use crate::support::{stderr, stdout, Folder, SMALL};
use std::time::{Duration, Instant};

const EIGHT: [(&str, &str); 8] = [
    ("schema: 1", "schema: 1, horizon: 3"),
    ("name: \"small\"", "nme: \"small\""),
    ("vocab: 64", "vocab: 1"),
    ("length: 16, vocab: 32", "length: 16, vocab: \"many\""),
    ("Span(stride: 2)", "Sapn(stride: 2)"),
    ("lr: 3e-3", "lr: -1.0"),
    ("target_tokens: (4, 16)", "target_tokens: [4, 16]"),
    ("CrossEntropy(masks: 2)", "CrossEntropy(masks: 2), LinearProbe()"),
];

#[test]
fn eight_mistakes_take_one_round() {
    let folder = Folder::new();
    folder.write("bad.ron", &EIGHT.iter().fold(SMALL.to_owned(), |text, (a, b)| text.replacen(a, b, 1)));
    for command in ["check", "run", "pin"] {
        let told = stderr(&folder.nano4m(&[command, "bad.ron"], 2));
        assert!(told.ends_with("\nerror: the manifest is invalid: 8 errors\n"), "{told}");
        for part in [
            "horizon",
            "did you mean `name`?",
            "modalities[0].vocab",
            "many",
            "`Span`",
            "train.lr",
            "[4, 16]",
            "`inputs`",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
        assert_eq!(told.matches("--> bad.ron:").count(), 8);
        assert_eq!(told.matches(" ^").count(), 8, "{told}");
        assert!(told.lines().all(|line| line.chars().count() <= 100 && !line.contains('\x1b')), "{told}");
    }
    let json = stdout(&folder.nano4m(&["check", "bad.ron", "--json"], 2));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let problems = json["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 8);
    for problem in problems {
        for field in ["severity", "file", "line", "column", "path", "what", "found", "expected", "help"] {
            assert!(problem.get(field).is_some(), "{field}");
        }
    }
    assert!(!folder.path("runs").exists());
}

#[test]
fn an_override_is_shown_with_its_mistakes() {
    let folder = Folder::new();
    let told = stderr(&folder.nano4m(
        &[
            "check",
            "small.ron",
            "--set",
            "train.lrr=1",
            "--set",
            "probes=[CrossEntropy(maks: 2), Retrieval()]",
        ],
        2,
    ));
    for part in [
        "train.lrr=1\n  | ^^^^^^^^^",
        "probes=[CrossEntropy(maks: 2), Retrieval()]\n  |                      ^^^^",
        "did you mean `masks`?",
        "missing field `pairs`",
        "3 errors",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}

#[test]
fn a_message_has_one_prefix() {
    let folder = Folder::new();
    folder.write("mine.ron", &SMALL.replace("lr: 3e-3", "lr: fast"));
    folder.write(
        "x.ron",
        "Ablation(schema: 1, nme: \"x\", base: \"mine.ron\", axes: [], metrics: [], seeds: 3)",
    );
    for arguments in
        [&["run", "mine.ron"][..], &["check", "mine.ron"], &["pin", "mine.ron"], &["ablate", "x.ron"]]
    {
        let told = stderr(&folder.nano4m(arguments, 2));
        for line in told.lines() {
            assert!(line.matches("error:").count() <= 1, "{line}");
        }
        assert!(told.contains("--> mine.ron:11:87"), "{told}");
    }
    let told = stderr(&folder.nano4m(&["ablate", "x.ron"], 2));
    for part in
        ["did you mean `name`?", "`seeds` cannot hold", "nothing varies", "the ablation is invalid: 5 errors"]
    {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}

#[test]
fn a_file_of_another_kind_is_named() {
    let folder = Folder::new();
    folder.write("x.ron", "Ablation(schema: 1, name: \"x\", base: \"small.ron\", axes: [], metrics: [])");
    let told = |arguments: &[&str]| stderr(&folder.nano4m(arguments, 2));
    assert_eq!(
        told(&["check", "x.ron"]),
        "error: the file is an ablation, not a manifest\n        at: x.ron\n      help: `nano4m ablate FILE` checks and runs it\n"
    );
    assert!(told(&["ablate", "small.ron"]).starts_with("error: the file is a manifest, not an ablation"));
    assert!(told(&["check", "nowhere.ron"]).starts_with("error: cannot read the manifest: No such file"));
}

#[test]
fn an_override_that_is_none_is_not_blamed_for_others() {
    let folder = Folder::new();
    let told = stderr(&folder.nano4m(&["check", "small.ron", "--set", "model.dim=33", "--set", "foo"], 2));
    assert!(told.contains("model.dim=33\n  |           ^^"), "{told}");
    assert_eq!(told.matches("foo\n").count(), 1, "{told}");
}

#[test]
fn no_far_word_leads_to_a_command_that_writes() {
    let folder = Folder::new();
    let told = stderr(&folder.nano4m(&["init"], 2));
    assert!(!told.contains("pin") && told.contains("experiments/"), "{told}");
    assert!(stderr(&folder.nano4m(&["rum", "small.ron"], 2)).contains("'run'"));
    assert!(!stderr(&folder.nano4m(&["\x1b[31mx"], 2)).contains('\x1b'));
    assert!(stdout(&folder.nano4m(&["--help"], 0)).contains("Usage"));
}

/// In the manifest or as an override, with `check` and with what would allocate.
#[test]
fn no_size_crashes() {
    let folder = Folder::new();
    for setting in [
        "model.mlp_ratio=1e30",
        "model.enc_depth=1000000000",
        "model.dim=1000000000",
        "train.batch=1000000000",
        "data.synthetic.rows=1000000000",
        "data.synthetic.clips=(100000000, 100000000, 100000000)",
        "modalities[0].length=9223372036854775808",
        "modalities[0].vocab=1000000000000",
        "probes=[CrossEntropy(masks: 1000000000)]",
        "train.tokens=18446744073709551615",
    ] {
        for command in ["check", "run"] {
            let assert = folder.nano4m(&[command, "small.ron", "--set", setting], 2);
            let told = stderr(&assert);
            assert!(told.contains("error:") && !told.contains("panicked"), "{setting}: {told}");
        }
    }
    let text = SMALL
        .replace("masking: Span(stride: 2)", "text: Words")
        .replace("length: 16, vocab: 32", "length: 9223372036854775808, vocab: 32");
    folder.write("long.ron", &text);
    let told = stderr(&folder.nano4m(&["pin", "long.ron"], 2));
    assert!(told.contains("modalities[1].length"), "{told}");
    assert!(!folder.path("runs").exists());
    for arguments in [["--threads", "100000000"], ["--threads", "0"]] {
        folder.nano4m(&[&arguments[..], &["check", "small.ron"]].concat(), 2);
    }
}

#[test]
fn what_needs_more_memory_than_there_is_is_refused_before_it_is_taken() {
    let folder = Folder::new();
    let large = ["--set", "data.synthetic.clips=(100000000, 9, 9)", "--set", "data.synthetic.rows=1000000"];
    for command in ["check", "run"] {
        let told = stderr(&folder.nano4m(&[&[command, "small.ron"][..], &large].concat(), 2));
        for part in ["needs more memory than there is", "synthetic data", "--elsewhere"] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
    }
    let elsewhere = [&["check", "small.ron", "--elsewhere"][..], &large].concat();
    assert!(stdout(&folder.nano4m(&elsewhere, 0)).contains("is valid"));
}

#[test]
fn what_was_trained_elsewhere_is_measured_here() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron", "--stop-after", "2"], 4);
    let checkpoint = folder.run().join("checkpoints/step-00000002.safetensors");
    let large = SMALL.replace("batch: 16, tokens: 10240", "batch: 1048576, tokens: 671088640");
    folder.write("large.ron", &large);
    let told = stderr(&folder.nano4m(&["run", "large.ron"], 2));
    assert!(told.contains("needs more memory than there is") && told.contains("activations"), "{told}");
    folder.nano4m(&["eval", "--manifest", "large.ron", "--checkpoint", checkpoint.to_str().unwrap()], 0);
}

#[test]
fn an_ablation_of_which_a_cell_does_not_fit_is_refused_before_it_is_timed() {
    let folder = Folder::new();
    let text = "Ablation(schema: 1, name: \"wide\", base: \"small.ron\", axes: [(name: \"batch\", \
                path: \"train.batch\", values: [16, 1048576])], metrics: [\"cross_entropy/tok_rgb@16\"])";
    let large = text.replace("train.batch", "model.dim").replace("1048576", "65536");
    for text in [text, &large] {
        folder.write("wide.ron", text);
        for asked in [&["ablate", "wide.ron", "--plan"][..], &["ablate", "wide.ron"]] {
            let told = stderr(&folder.nano4m(asked, 2));
            assert!(told.contains("needs more memory than there is") && told.contains("cell `"), "{told}");
        }
    }
    assert!(!folder.path("runs").exists());
}

#[test]
fn what_would_end_a_run_after_its_training_is_found_before() {
    let folder = Folder::new();
    let pairs = "pairs: [(\"tok_rgb@16\", \"tok_audio@16\")]";
    let gallery = |n: usize| format!("probes=[Retrieval({pairs}, gallery: {n})]");
    let (large, drawn) = (gallery(33), gallery(8));
    for (set, said) in [
        (vec![&*large], "larger than the test split"),
        (vec![&*drawn, "seeds.probes=4294967296"], "below 2^32"),
        (vec!["train.eps=1e-60"], "`train.eps` is out of range"),
    ] {
        let set: Vec<&str> = set.into_iter().flat_map(|s| ["--set", s]).collect();
        for command in ["check", "run"] {
            let told = stderr(&folder.nano4m(&[&[command, "small.ron"], &*set].concat(), 2));
            assert!(told.contains(said), "{said} is not in\n{told}");
        }
    }
    assert!(!folder.path("runs").exists());
    // Of data that are read, when they are opened; of every cell of an ablation.
    folder.nano4m(&["data", "synth", "small.ron", "data"], 0);
    let read = SMALL.replace("synthetic: (classes: 4, clips: (64, 16, 32))", "path: \"data\"");
    folder.write("read.ron", &read);
    let told = stderr(&folder.nano4m(&["check", "read.ron", "--set", &large], 2));
    assert!(told.contains("larger than the test split"), "{told}");
    let cells = format!("[(label: \"as it is\"), (label: \"large\", set: {{\"probes\": [CrossEntropy(), Retrieval({pairs}, gallery: 33)]}})]");
    let ablation = format!("Ablation(schema: 1, name: \"two\", base: \"read.ron\", axes: [(name: \"probes\", options: {cells})], metrics: [\"cross_entropy/tok_rgb@16\"])");
    folder.write("two.ron", &ablation);
    let told = stderr(&folder.nano4m(&["ablate", "two.ron", "--plan"], 2));
    assert!(told.contains("larger than the test split"), "{told}");
}

#[test]
fn check_says_whether_the_data_are_here() {
    let folder = Folder::new();
    let here = stdout(&folder.nano4m(&["check", "small.ron"], 0));
    assert!(here.contains("data: 64 + 16 + 32 clips, 4 classes"), "{here}");
    let gone = SMALL.replace(
        "(synthetic: (classes: 4, clips: (64, 16, 32)))",
        "(path: \"nowhere\", obtain: \"ask Ada\")",
    );
    folder.write("gone.ron", &gone);
    let missing = stdout(&folder.nano4m(&["check", "gone.ron"], 0));
    for part in ["its data are not here", "nowhere", "ask Ada"] {
        assert!(missing.contains(part), "{part} is not in\n{missing}");
    }
    let json = stdout(&folder.nano4m(&["check", "gone.ron", "--json"], 0));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["data"].is_null() && json["data_missing"].as_str().unwrap().contains("nowhere"));
    std::fs::create_dir(folder.path("nowhere")).unwrap();
    folder.nano4m(&["check", "gone.ron"], 2);
}

#[test]
fn a_manifest_of_any_size_is_checked_or_refused_in_seconds() {
    let folder = Folder::new();
    let many: String = (0..100_000).map(|i| format!("(name: \"m{i}\", length: 4, vocab: 8),")).collect();
    folder.write("many.ron", &SMALL.replace("modalities: [", &format!("modalities: [{many}")));
    folder.write(
        "probes.ron",
        &SMALL.replace("probes: [", &format!("probes: [{}", "CrossEntropy(),".repeat(100_000))),
    );
    folder.write("name.ron", &SMALL.replace("\"small\"", &format!("\"{}\"", "x".repeat(100_000_000))));
    folder.write("escape.ron", &SMALL.replace("tok_rgb@16", "\x1b[31mtok\x07"));
    let begun = Instant::now();
    for file in ["many.ron", "probes.ron", "name.ron", "escape.ron"] {
        let told = stderr(&folder.nano4m(&["check", file], 2));
        assert!(told.len() < 3000 && !told.contains(['\x1b', '\x07']), "{told}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn an_ablation_has_no_more_cells_than_can_be_made() {
    let folder = Folder::new();
    let values: Vec<String> = (0..200).map(|i| format!("{}.0", i + 1)).collect();
    let axes: String = (0..9)
        .map(|i| format!("(name: \"a{i}\", path: \"{}\", values: [{}]),", PATHS[i], values.join(", ")))
        .collect();
    let text = format!("Ablation(schema: 1, name: \"grid\", base: \"small.ron\", axes: [{axes}], metrics: [\"cross_entropy/tok_rgb@16\"])");
    folder.write("grid.ron", &text);
    let told = stderr(&folder.nano4m(&["ablate", "grid.ron", "--plan"], 2));
    for part in ["too many combinations", "more than can be counted", "at most 1000 cells"] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}

const PATHS: [&str; 9] = [
    "train.lr",
    "train.min_lr",
    "train.eps",
    "train.weight_decay",
    "train.clip",
    "model.mlp_ratio",
    "model.init_std",
    "model.logits_std",
    "masking.input_alphas",
];
