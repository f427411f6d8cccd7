//! What `verify` calls intact is intact to the last byte: a finished run, one byte of every file changed, cut, added
//! or the whole file gone; and a record that was changed together with every digest of it.

use crate::support::{stderr, stdout, Folder};
use nano4m::record::{Record, Seal, SEAL};
use nano4m::store::{last_line, CellOf, RunDir};
use nano4m::verify::{intact, Findings};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Every probe, captions and two codebooks; 6 steps, stopped once, with an evaluation and digests in between.
const EVERY_PROBE: &str = r#"Experiment(
    schema: 1,
    name: "every",
    data: (synthetic: (classes: 3, clips: (12, 4, 6))),
    modalities: [
        (name: "a@8", length: 8, vocab: 16, codebooks: 2),
        (name: "b@6", length: 6, vocab: 12),
        (name: "c", length: 4, vocab: 9, text: Words),
    ],
    masking: (input_tokens: (2, 8), target_tokens: (2, 8)),
    model: (dim: 16, enc_depth: 1, dec_depth: 1, head_dim: 8),
    train: (batch: 4, tokens: 384, tokens_per_sample: 16, warmup_tokens: 64, lr: 3e-3,
            eval_every: 2, checkpoint_every: 3, digest_every: 2),
    probes: [
        CrossEntropy(masks: 2, directions: [(inputs: ["a@8"], targets: ["b@6", "c"])]),
        Classify(inputs: [["a@8"], ["b@6", "a@8"]]),
        Retrieval(pairs: [("a@8", "b@6")]),
        Retrieval(pairs: [("a@8", "b@6")], gallery: 4),
        Memorization(modality: "a@8", given: ["b@6"]),
        Directions([(inputs: ["a@8"], targets: ["b@6", "c"])]),
        ForwardVsAutoregressive(input: "a@8", target: "c"),
        Generation(inputs: ["b@6"], target: "a@8", clips: 4, decode: (steps: 2)),
        Generation(inputs: ["b@6"], target: "c", clips: 4, decode: (steps: 2)),
        LinearProbe(inputs: [["a@8"]]),
    ],
)
"#;

/// The same with two probes: what is tried on every file is tried often.
fn two_probes() -> String {
    let (before, _) = EVERY_PROBE.split_once("probes: [").unwrap();
    let probes = "probes: [CrossEntropy(masks: 1), Retrieval(pairs: [(\"a@8\", \"b@6\")])],";
    format!("{before}{probes}\n)\n").replace("\"every\"", "\"two\"")
}

/// A finished run that nothing happened to.
fn made(manifest: &str) -> Folder {
    let folder = Folder::new();
    folder.write("tampered.ron", manifest);
    folder.nano4m(&["run", "tampered.ron", "--stop-after", "4"], 4);
    folder.nano4m(&["resume", "latest"], 0);
    folder
}

/// Made once.
fn with_every_probe() -> &'static Folder {
    static FOLDER: OnceLock<Folder> = OnceLock::new();
    FOLDER.get_or_init(|| made(EVERY_PROBE))
}

/// Made once.
fn with_two_probes() -> &'static Folder {
    static FOLDER: OnceLock<Folder> = OnceLock::new();
    FOLDER.get_or_init(|| made(&two_probes()))
}

/// A copy of a run, to be changed.
struct Copy {
    _dir: tempfile::TempDir,
    run: RunDir,
}

fn copy_of(folder: &Folder) -> Copy {
    let dir = tempfile::tempdir().unwrap();
    let original = folder.run();
    let path = dir.path().join(original.file_name().unwrap());
    for file in files(&original) {
        let to = path.join(&file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(original.join(&file), to).unwrap();
    }
    let run = RunDir::open(&path).unwrap();
    Copy { _dir: dir, run }
}

fn copy() -> Copy {
    copy_of(with_two_probes())
}

/// Every file of a run, by its path inside.
fn files(run: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(run.join(&folder)).unwrap().flatten() {
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else {
                found.push(path.to_str().unwrap().to_string());
            }
        }
    }
    found.sort();
    found
}

fn lines(findings: &Findings) -> Vec<String> {
    findings.differences.iter().map(|d| d.to_string()).collect()
}

/// Puts the file's bytes back when it goes.
struct Restored {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Drop for Restored {
    fn drop(&mut self) {
        std::fs::write(&self.path, &self.bytes).unwrap();
    }
}

/// Changes every file, one after the other; `verify` names each.
#[track_caller]
fn each_is_named(what: &str, mut change: impl FnMut(&Path, &[u8])) {
    let copy = copy();
    let all = files(&copy.run.path);
    assert!(all.len() >= 16, "{all:?}");
    for file in all {
        let path = copy.run.file(&file);
        let bytes = std::fs::read(&path).unwrap();
        let restored = Restored { path: path.clone(), bytes };
        change(&path, &restored.bytes);
        match intact(&copy.run) {
            Ok(findings) => {
                let found = lines(&findings);
                assert!(found.iter().any(|line| line.starts_with(&file)), "{what}, {file}: {found:?}");
            }
            // Without a record the run is not a finished one; of another schema it is of another version.
            Err(fault) => {
                assert_eq!(file, "record.json", "{what}: {fault}");
                let another = fault.what.contains("another version");
                assert!(another || fault.what.contains("there is no record"), "{what}: {fault}");
            }
        }
    }
    assert_eq!(lines(&intact(&copy.run).unwrap()), [""; 0], "everything was put back");
}

#[test]
fn a_finished_run_is_intact_and_says_what_was_looked_at() {
    let said = stdout(&with_every_probe().nano4m(&["verify", "latest"], 0));
    for line in [
        ": intact\n",
        "checked: record.json against its last line",
        "files, every byte, against SHA256SUMS",
        "checked: identity, seeds, steps, parameters and modalities of record.json against resolved.ron",
        "metrics of record.json made again from their scores",
        "checked: every tensor of the checkpoints of step 3, 6 against digests.csv",
        "checked: final_digest and train_tokens of record.json against the last checkpoint",
        "by digest alone: manifest.ron, log.txt",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let record = Record::read(&with_every_probe().run().join("record.json")).unwrap();
    assert!(record.metrics.len() > 50);
    assert!(said.contains(&format!("{} metrics of record.json", record.metrics.len())), "{said}");
    assert!(!said.contains("not covered"), "{said}");
}

#[test]
fn sha256sum_reads_the_list() {
    let run = with_every_probe().run();
    let Ok(output) =
        std::process::Command::new("sha256sum").args(["--check", "--quiet", SEAL]).current_dir(&run).output()
    else {
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn one_changed_byte_of_any_file_is_named() {
    // xorshift: other places and bits in each of two rounds, the same in every run of the test.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n as u64) as usize
    };
    for round in 0..2 {
        each_is_named(&format!("flipped, round {round}"), |path, bytes| {
            let mut changed = bytes.to_vec();
            changed[draw(bytes.len())] ^= 1 << draw(8);
            std::fs::write(path, changed).unwrap();
        });
    }
}

#[test]
fn a_file_that_is_gone_cut_or_longer_is_named() {
    each_is_named("deleted", |path, _| std::fs::remove_file(path).unwrap());
    each_is_named("emptied", |path, _| std::fs::write(path, "").unwrap());
    each_is_named("cut", |path, bytes| std::fs::write(path, &bytes[..bytes.len() - 1]).unwrap());
    each_is_named("longer", |path, bytes| std::fs::write(path, [bytes, b"\n"].concat()).unwrap());
}

#[test]
fn a_checkpoint_bit_with_its_rows_deleted_is_named() {
    let copy = copy();
    let path = copy.run.checkpoint(6);
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let digests = copy.run.file("digests.csv");
    let text = std::fs::read_to_string(&digests).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("6,")).collect();
    std::fs::write(&digests, kept.join("\n") + "\n").unwrap();
    // Whoever does that lists it anew.
    Seal::now(&copy.run).unwrap().write(&copy.run).unwrap();
    let found = lines(&intact(&copy.run).unwrap());
    for file in
        ["digests.csv: rows of the steps 6 ≠ missing", "digests.csv, step 6", "checkpoints/step-00000006"]
    {
        assert!(found.iter().any(|line| line.starts_with(file)), "{file}: {found:?}");
    }
}

/// With the list written anew, whatever other checkpoints are there.
#[test]
fn the_last_checkpoint_that_is_gone_is_named() {
    let copy = copy();
    for step in [6, 3] {
        copy.run.remove_checkpoint(step).unwrap();
        Seal::now(&copy.run).unwrap().write(&copy.run).unwrap();
        let last = "checkpoints/step-00000006.safetensors, step 6: the last checkpoint ≠ missing";
        assert_eq!(lines(&intact(&copy.run).unwrap()), [last], "without that of step {step}");
    }
}

/// Another version may make other intervals, texts and numbers of clips of the same scores; a value it may not.
#[test]
fn of_a_run_of_another_version_only_values_are_held_against_what_this_one_makes() {
    let copy = copy();
    let path = copy.run.file("record.json");
    let mut record = Record::read(&path).unwrap();
    record.code_hash = format!("sha256:{}", "0".repeat(64));
    record.metrics[0].unit = "bits".into();
    let held = |record: &Record| {
        std::fs::write(&path, record.to_json().unwrap()).unwrap();
        Seal::now(&copy.run).unwrap().write(&copy.run).unwrap();
        let findings = intact(&copy.run).unwrap();
        let not_covered =
            findings.not_covered.iter().any(|line| line.starts_with("1 metrics of record.json"));
        (not_covered, lines(&findings).iter().any(|line| line.contains(&record.metrics[0].key)))
    };
    assert_eq!(held(&record), (true, false));
    *record.metrics[0].value.as_mut().unwrap() += 0.001;
    assert_eq!(held(&record), (false, true));
}

/// The record, its last line and the list changed together: what can be made again says otherwise.
#[test]
fn a_record_changed_with_all_its_digests_is_named_by_what_is_made_again() {
    type Change = fn(&mut Record);
    let cases: [(&str, Change); 23] = [
        ("value", |r| *r.metrics[0].value.as_mut().unwrap() += 0.001),
        ("low", |r| r.metrics[0].low = Some(r.metrics[0].low.unwrap_or(1.0) - 0.001)),
        (" p:", |r| r.metrics[1].p = Some(0.0123)),
        ("beside its value", |r| r.metrics[0].n += 1),
        ("beside its value", |r| r.metrics[0].unit = "bits".into()),
        ("missing", |r| drop(r.metrics.remove(3))),
        ("not made", |r| r.metrics[0].key = "cross_entropy/z".into()),
        ("identity", |r| r.identity = "0".repeat(64)),
        ("identity", |r| r.data_hash = "0".repeat(64)),
        ("identity", |r| r.code_hash = format!("sha256:{}", "0".repeat(64))),
        ("seeds", |r| r.seeds.init += 1),
        ("steps", |r| r.steps += 1),
        ("steps", |r| r.steps = u64::MAX),
        ("parameters", |r| r.parameters += 1),
        ("modalities", |r| r.modalities[0].vocab += 1),
        ("final_digest", |r| r.final_digest = "0".repeat(64)),
        ("train_tokens", |r| r.train_tokens += 1),
        ("device", |r| r.device = "cuda:0".into()),
        ("files", |r| r.files.clear()),
        ("id", |r| r.id = "0".repeat(10)),
        ("name", |r| r.name = "other".into()),
        ("there twice", |r| {
            let better = nano4m::metrics::Metric { value: Some(0.001), ..r.metrics[0].clone() };
            r.metrics.insert(0, better);
        }),
        ("made_for", |r| r.made_for = Some(CellOf { ablation: "x".into(), cell: "y".into() })),
    ];
    let copy = copy();
    let path = copy.run.file("record.json");
    let original = Record::read(&path).unwrap();
    for (word, change) in cases {
        let mut record = original.clone();
        change(&mut record);
        std::fs::write(&path, record.to_json().unwrap()).unwrap();
        Seal::now(&copy.run).unwrap().write(&copy.run).unwrap();
        let found = lines(&intact(&copy.run).unwrap());
        let named = |line: &String| line.starts_with("record.json") && line.contains(word);
        assert!(found.iter().any(named), "{word}: {found:?}");
    }
}

/// Status and provenance, their last lines and the list changed together: the record and the files say otherwise.
#[test]
fn a_status_or_provenance_changed_with_all_its_digests_is_named() {
    let copy = copy();
    for (file, from, to) in [
        ("status.json", "\"step\": 6,\n  \"total\"", "\"step\": 5,\n  \"total\""),
        ("status.json", "\"total\": 6", "\"total\": 7"),
        ("status.json", "\"finished\"", "\"stopped\""),
        ("status.json", "\"attempt\": 1", "\"attempt\": 2"),
        ("status.json", "\"resolved.ron\": \"", "\"resolved.ron\": \"0"),
        (
            "status.json",
            "\"step\": 6,\n      \"file\": \"metrics.csv\",\n      \"rows\": 6",
            "\"step\": 6,\n      \"file\": \"metrics.csv\",\n      \"rows\": 7",
        ),
        ("provenance.json", "\"probes\": 42", "\"probes\": 43"),
        ("provenance.json", "\"from_step\": 4", "\"from_step\": 7"),
    ] {
        let path = copy.run.file(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}: {text}");
        let (lines_before, _) = text.rsplit_once(",\n  \"digest\"").unwrap();
        let changed = lines_before.replacen(from, to, 1) + "\n}\n";
        std::fs::write(&path, last_line::add(changed.into_bytes())).unwrap();
        Seal::now(&copy.run).unwrap().write(&copy.run).unwrap();
        let found = lines(&intact(&copy.run).unwrap());
        assert!(found.iter().any(|line| line.starts_with(file)), "{from}: {found:?}");
        std::fs::write(&path, text).unwrap();
    }
    // The list alone written anew: the last line of the file says it.
    let path = copy.run.file("provenance.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"host\": \"", "\"host\": \"x", 1)).unwrap();
    Seal::now(&copy.run).unwrap().write(&copy.run).unwrap();
    assert_eq!(
        lines(&intact(&copy.run).unwrap()),
        ["provenance.json: its last line ≠ other lines before it"]
    );
}

/// Scores likewise: rows left out, and the list written anew.
#[test]
fn scores_changed_with_the_list_are_named_by_the_record() {
    let copy = copy_of(with_every_probe());
    let original = Record::read(&copy.run.file("record.json")).unwrap();
    assert_eq!(original.files.len(), 8, "every probe has a file");
    for file in &original.files {
        let path = copy.run.file(&file.path);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.lines().take(2).collect::<Vec<_>>().join("\n") + "\n").unwrap();
        Seal::now(&copy.run).unwrap().write(&copy.run).unwrap();
        let found = lines(&intact(&copy.run).unwrap());
        assert!(found.iter().any(|line| line.starts_with(&file.path)), "{}: {found:?}", file.path);
        std::fs::write(&path, text).unwrap();
    }
}

/// Cells of the tables, with the list written anew: every row is held by the last checkpoint.
#[test]
fn a_table_changed_with_the_list_is_named_by_the_checkpoint() {
    let copy = copy();
    for (file, from, to) in [
        ("metrics.csv", "\n1,", "\n1,1"),
        ("eval.csv", "\n2,a@8,", "\n2,a@8,1"),
        ("digests.csv", "\n2,", "\n2,x"),
    ] {
        let path = copy.run.file(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {text}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        Seal::now(&copy.run).unwrap().write(&copy.run).unwrap();
        let found = lines(&intact(&copy.run).unwrap());
        assert!(found.iter().any(|line| line.starts_with(file)), "{file}: {found:?}");
        std::fs::write(&path, text).unwrap();
    }
}

#[test]
fn a_file_that_nobody_knows_is_named_and_no_damage() {
    let copy = copy();
    std::fs::write(copy.run.file("notes.md"), "mine").unwrap();
    let findings = intact(&copy.run).unwrap();
    assert_eq!(lines(&findings), [""; 0]);
    assert!(
        findings.not_covered.contains(&"notes.md: no file of a run".to_string()),
        "{:?}",
        findings.not_covered
    );
    // One that a run has is damage: nobody made it.
    std::fs::write(copy.run.file("probes/more.csv"), "clip\n").unwrap();
    std::fs::copy(copy.run.checkpoint(6), copy.run.checkpoint(5)).unwrap();
    let found = lines(&intact(&copy.run).unwrap());
    for file in ["probes/more.csv", "checkpoints/step-00000005.safetensors"] {
        assert!(found.contains(&format!("{file}: not in SHA256SUMS ≠ there")), "{found:?}");
    }
}

/// What may change after a run is finished: it is measured again, `gc` removes a checkpoint, `run` and `resume` look.
#[test]
fn what_the_program_does_to_a_finished_run_leaves_it_intact() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron"], 0);
    let intact = |line: &str| {
        let said = stdout(&folder.nano4m(&["verify", "latest"], 0));
        assert!(said.contains(line), "{said}");
    };
    folder.nano4m(&["run", "small.ron"], 0);
    folder.nano4m(&["resume", "latest"], 0);
    intact(": intact");
    folder.nano4m(&["eval", "latest"], 0);
    intact(": intact");
    folder.nano4m(&["gc", "--yes"], 0);
    intact("checkpoints/step-00000030.safetensors: removed by gc");
    // Made again from the start; the list says so.
    for half in ["step-00000040.safetensors", "step-00000040.optimizer.safetensors"] {
        std::fs::remove_file(folder.run().join("checkpoints").join(half)).unwrap();
    }
    folder.nano4m(&["verify", "latest"], 1);
    folder.nano4m(&["run", "small.ron"], 0);
    intact("every tensor of the checkpoints of step 30, 40 against digests.csv");
    // The list itself.
    std::fs::remove_file(folder.run().join(SEAL)).unwrap();
    let said = stdout(&folder.nano4m(&["verify", "latest"], 1));
    assert!(said.contains("SHA256SUMS: a list of digests ≠ missing"), "{said}");
    folder.nano4m(&["resume", "latest"], 0);
    intact(": intact");
    // What was changed by another hand stays so, whatever the program does.
    let log = folder.run().join("log.txt");
    std::fs::write(&log, std::fs::read_to_string(&log).unwrap().replace("step", "stop")).unwrap();
    folder.nano4m(&["eval", "latest"], 0);
    let said = stdout(&folder.nano4m(&["verify", "latest"], 1));
    assert!(said.contains("\n  log.txt: "), "{said}");
}

#[test]
fn a_changed_record_is_shown_with_a_warning_and_not_called_finished() {
    let folder = Folder::new();
    folder.nano4m(&["run", "small.ron"], 0);
    let path = folder.run().join("record.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"value\": ", "\"value\": 1", 1)).unwrap();
    let shown = folder.nano4m(&["show", "latest"], 0);
    assert!(
        stderr(&shown).contains("warning: the record has changed since it was written"),
        "{}",
        stderr(&shown)
    );
    for command in [&["run", "small.ron"][..], &["resume", "latest"], &["eval", "latest"]] {
        let refused = folder.nano4m(command, 1);
        assert!(
            stderr(&refused).contains("the record has changed since it was written"),
            "{}",
            stderr(&refused)
        );
        assert_eq!(stdout(&refused), "", "no number of it is printed");
    }
    let said = stdout(&folder.nano4m(&["verify", "latest"], 1));
    assert!(said.contains("record.json, column digest: "), "{said}");
    // As the help says.
    std::fs::remove_file(&path).unwrap();
    folder.nano4m(&["resume", "latest"], 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    folder.nano4m(&["verify", "latest"], 0);
}

/// A run of before records had a last line, and runs a list.
#[test]
fn a_run_of_before_there_were_digests_is_held_against_what_can_be_made_again() {
    let copy = copy();
    let path = copy.run.file("record.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, _) = text.split_once(",\n  \"digest\"").unwrap();
    std::fs::write(&path, format!("{before}\n}}\n")).unwrap();
    std::fs::remove_file(copy.run.file(SEAL)).unwrap();
    let findings = intact(&copy.run).unwrap();
    assert_eq!(lines(&findings), [""; 0]);
    assert!(findings.not_covered.iter().any(|line| line.contains("of before there was a SHA256SUMS")));
    let scores = copy.run.file("probes/retrieval.csv");
    std::fs::write(&scores, std::fs::read_to_string(&scores).unwrap().replacen(",0,", ",1,", 1)).unwrap();
    assert!(lines(&intact(&copy.run).unwrap())[0].starts_with("probes/retrieval.csv"));
}

#[test]
fn two_runs_that_differ_in_what_is_there_are_not_the_same() {
    let (whole, part) = (copy_of(with_every_probe()), copy_of(with_every_probe()));
    let compared = || lines(&nano4m::verify::compare(&whole.run, &part.run).unwrap());
    assert_eq!(compared(), [""; 0]);
    part.run.remove_checkpoint(3).unwrap();
    std::fs::remove_file(part.run.file("probes/generation.csv")).unwrap();
    assert_eq!(
        compared(),
        [
            "checkpoints/: 1 checkpoint (step 3) ≠ missing",
            "probes/: 1 file (probes/generation.csv) ≠ missing"
        ]
    );
}
