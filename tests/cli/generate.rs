//! `nano4m generate` through the binary: layout, ids, determinism, argmax, bad input.

use crate::support::*;
use nano4m::batch::Batch;
use nano4m::data::{synthetic, Part};
use nano4m::manifest;
use nano4m::masking;
use nano4m::model::network::{Config, Place, Softmax};
use nano4m::model::open;
use nano4m::store::tensors;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

const MANIFEST: &str = r#"Experiment(
    schema: 1,
    name: "small",
    data: (synthetic: (classes: 4, clips: (48, 8, 20))),
    modalities: [
        (name: "tok_rgb@16", length: 16, vocab: 64),
        (name: "tok_audio@16", length: 16, vocab: 32, codebooks: 2, masking: Span(stride: 2)),
        (name: "scene_desc", length: 5, vocab: 12, text: Words),
    ],
    masking: (input_tokens: (4, 16), target_tokens: (4, 16)),
    model: (dim: 32, enc_depth: 1, dec_depth: 1, head_dim: 16),
    train: (batch: 16, tokens: 7680, tokens_per_sample: 16, warmup_tokens: 1024, lr: 3e-3),
    probes: [
        Generation(inputs: ["scene_desc"], target: "tok_rgb@16", decode: (steps: 3)),
        Generation(inputs: ["tok_rgb@16"], target: "tok_audio@16", prefix: 0.8, decode: (steps: 2, scheme: Roar)),
        LinearProbe(inputs: [["tok_rgb@16"]]),
    ],
)
"#;

/// One trained run for all tests.
fn folder() -> &'static Folder {
    static FOLDER: OnceLock<Folder> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Folder::new();
        folder.write("small.ron", MANIFEST);
        folder.nano4m(&["run", "small.ron"], 0);
        folder
    })
}

fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(root).unwrap().display().to_string();
                    found.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
    }
    found
}

/// Shape and values of a file.
fn npy(bytes: &[u8]) -> (Vec<u64>, Vec<i32>) {
    let file = npyz::NpyFile::new(bytes).unwrap();
    (file.shape().to_vec(), file.into_vec().unwrap())
}

#[test]
fn tokens_in_the_published_layout_whatever_the_threads() {
    let f = folder();
    let made: Vec<BTreeMap<String, Vec<u8>>> = ["1", "2", "3"]
        .iter()
        .map(|threads| {
            let out = format!("rgb{threads}");
            let args = ["generate", "latest", &out, "--target", "tok_rgb@16", "--inputs"];
            let rest = ["tok_audio@16,scene_desc", "--steps", "4", "--clips", "13", "--threads", threads];
            f.nano4m(&[&args[..], &rest].concat(), 0);
            files(&f.path(&out))
        })
        .collect();
    assert!(made[0] == made[1] && made[0] == made[2]);
    let tokens: Vec<_> = made[0].iter().filter(|(name, _)| name.ends_with(".npy")).collect();
    assert_eq!(tokens.len(), 13);
    let mut distinct = std::collections::BTreeSet::new();
    for (name, bytes) in tokens {
        assert!(name.starts_with("test/tok_rgb@16/syn_0000"), "{name}");
        let (shape, ids) = npy(bytes);
        assert_eq!(shape, [1, 16]);
        assert!(ids.iter().all(|id| (0..64).contains(id)), "{ids:?}");
        distinct.extend(ids);
    }
    assert!(distinct.len() > 8);
    let how: serde_json::Value = serde_json::from_slice(&made[0]["generated.json"]).unwrap();
    assert_eq!((&how["clips"], &how["seed"]), (&serde_json::json!([["test", 13]]), &serde_json::json!(42)));
}

/// As the README prints it: the options between the run and the folder.
#[test]
fn options_may_stand_between_the_run_and_the_folder() {
    let f = folder();
    let made = |args: &[&str], out: &str| {
        f.nano4m(args, 0);
        files(&f.path(out))
    };
    let between =
        ["generate", "latest", "--target", "tok_rgb@16", "--inputs", "scene_desc,tok_audio@16", "between"];
    let before =
        ["generate", "--target", "tok_rgb@16", "--inputs", "scene_desc,tok_audio@16", "latest", "before"];
    assert_eq!(made(&between, "between"), made(&before, "before"));
    let alone = ["generate", "alone", "--target", "tok_rgb@16", "--inputs", "scene_desc"];
    assert!(stderr(&f.nano4m(&alone, 2)).contains("name a run before the output folder"));
    let both = [&alone[..], &["x", "--manifest", "small.ron", "--checkpoint", "x.safetensors"]].concat();
    assert!(stderr(&f.nano4m(&both, 2)).contains("both a run and a checkpoint"));
}

/// One ROAR step at temperature 0 against the network's argmax by the library.
#[test]
fn temperature_zero_is_the_argmax() {
    let f = folder();
    let files = std::fs::read_dir(f.run().join("checkpoints")).unwrap().map(|e| e.unwrap().path());
    let parameters = files.filter(|p| !p.display().to_string().contains("optimizer"));
    let file = parameters.max().unwrap();
    let path = file.display().to_string();
    let from = ["--manifest", "small.ron", "--checkpoint", &path, "--target", "tok_rgb@16"];
    let how = ["--inputs", "tok_audio@16", "--temperature", "0", "--scheme", "roar", "--steps", "1"];
    f.nano4m(&[&["generate", "argmax"], &from[..], &how].concat(), 0);
    let e = manifest::read(&f.path("small.ron"), &[]).unwrap().experiment;
    let data = synthetic::generate(e.data.synthetic.as_ref().unwrap(), &e.modalities).unwrap();
    let mut net = open(Place::CPU, Config::new(&e.modalities, &e.model), 0).unwrap();
    net.load_parameters(tensors::read(&file).unwrap().0).unwrap();
    let split = data.split(Part::Test);
    for clip in 0..split.len() {
        let mut batch = Batch::default();
        batch.push(&split.sample(clip, 0), &masking::direction(&e.modalities, &[1], &[0]));
        let expected: Vec<i32> =
            net.score(&batch, Softmax::Restricted).unwrap().iter().map(|s| s.argmax as i32).collect();
        let made =
            std::fs::read(f.path(&format!("argmax/test/tok_rgb@16/{}.npy", split.stem(clip)))).unwrap();
        assert_eq!(npy(&made).1, expected);
    }
}

#[test]
fn captions_are_text_and_all_splits_are_a_dataset() {
    let f = folder();
    let what = ["--target", "scene_desc", "--inputs", "tok_rgb@16,tok_audio@16", "--split", "all"];
    let made =
        f.nano4m(&[&["generate", "latest", "captions", "--json", "--steps", "2"], &what[..]].concat(), 0);
    let how: serde_json::Value = serde_json::from_str(&stdout(&made)).unwrap();
    assert_eq!(how["clips"], serde_json::json!([["train", 48], ["val", 8], ["test", 20]]));
    let text = std::fs::read(f.path("captions/test/scene_desc/syn_000057.json")).unwrap();
    let text: Vec<String> = serde_json::from_slice(&text).unwrap();
    assert_eq!(text.len(), 1);
    let read = MANIFEST.replace(
        "synthetic: (classes: 4, clips: (48, 8, 20))",
        "path: \"captions\", labels: File(\"labels.csv\", \"label\")",
    );
    let from = read.find("        (name: \"tok_rgb").unwrap();
    let to = read.find("        (name: \"scene").unwrap();
    let probes = read.find("    probes").unwrap();
    let read = format!("{}{})\n", &read[..from], &read[to..probes]);
    f.write("captions.ron", &read.replace("vocab: 12", "vocab: 16"));
    let seen = f.nano4m(&["data", "inspect", "captions.ron", "--json"], 0);
    let seen: serde_json::Value = serde_json::from_str(&stdout(&seen)).unwrap();
    assert_eq!(seen["splits"][2]["clips"], 20);
    assert_eq!(seen["classes"].as_object().unwrap().len(), 4);
}

#[test]
fn bad_requests_are_refused_before_anything_is_written() {
    let f = folder();
    let refused = |args: &[&str], code: i32, parts: &[&str]| {
        let out = f.nano4m(&[&["generate", "latest"], args].concat(), code);
        let text = stderr(&out);
        parts.iter().for_each(|p| assert!(text.contains(p), "no {p:?} in {text}"));
    };
    f.write("taken", "");
    let rgb = ["--target", "tok_rgb@16", "--inputs", "tok_audio@16"];
    refused(&[&["taken"], &rgb[..]].concat(), 2, &["the target exists already"]);
    refused(
        &["o", "--target", "tok_rbg@16", "--inputs", "tok_audio@16"],
        2,
        &["did you mean `tok_rgb@16`?", "--target"],
    );
    refused(
        &["o", "--target", "tok_rgb@16", "--inputs", "audio"],
        2,
        &["--inputs[0]", "did you mean `tok_audio@16`?"],
    );
    refused(&["o", "--target", "tok_rgb@16", "--inputs", "tok_rgb@16"], 2, &["both input and target"]);
    refused(
        &[&["o", "--steps", "17"], &rgb[..]].concat(),
        2,
        &["--steps", "17", "1 to the number of tokens"],
    );
    refused(&[&["o", "--temperature", "-1"], &rgb[..]].concat(), 2, &["--temperature"]);
    refused(&[&["o", "--temperature=-1"], &rgb[..]].concat(), 2, &["--temperature", "0 (argmax) or more"]);
    refused(&[&["o", "--temperature=nan"], &rgb[..]].concat(), 2, &["a finite number"]);
    refused(&[&["o", "--top-k", "2.5"], &rgb[..]].concat(), 2, &["--top-k", "2.5"]);
    refused(&[&["o", "--top-p", "1.5"], &rgb[..]].concat(), 2, &["--top-p", "0 to 1"]);
    refused(&[&["o", "--prefix", "1"], &rgb[..]].concat(), 2, &["--prefix", "below 1"]);
    assert!(!f.path("o").exists());
}

#[test]
fn the_probes_of_a_manifest_leave_rows_and_metrics() {
    let run = folder().run();
    let record = json(&run.join("record.json"));
    let value = |key: &str| {
        let metrics = record["metrics"].as_array().unwrap();
        let found = metrics.iter().find(|m| m["key"] == key);
        found.unwrap_or_else(|| panic!("no {key}"))["value"].as_f64().unwrap()
    };
    assert!(value("generation/scene_desc->tok_rgb@16/entropy") > 0.0);
    assert!(value("generation/tok_rgb@16->tok_audio@16/agreement/given12") < 100.0);
    assert!(value("linear_probe/tok_rgb@16") > value("linear_probe/tok_rgb@16/shuffled_labels"));
    let rows = |name: &str| std::fs::read_to_string(run.join(name)).unwrap().lines().count();
    assert_eq!(rows("probes/generation.csv"), 1 + 2 * 20);
    assert_eq!(rows("probes/linear_probe.csv"), 1 + 4 * 20);
    folder().nano4m(&["report", "--reports", "reports"], 0);
    let table = std::fs::read_to_string(folder().path("reports/generation/v0001.md")).unwrap();
    assert!(table.contains("rgb + first 12 of audio"), "{table}");
    folder().nano4m(&["report", "--reports", "reports", "--check"], 0);
}
