//! Golden parity of the probes: every number of `expected.json` through the command line, on the fixture's
//! own data and checkpoint (dumped from the published PyTorch implementation; `tests/golden/README.md`).
//! Reads `tests/golden` and every folder in `NANO4M_GOLDEN` (colon-separated) that holds a checkpoint and
//! data; sizes come from the fixture. Integers, ranks and decoded texts exactly, means within 1e-4.

use crate::support::{self, Folder};
use nano4m::data::Vocabulary;
use nano4m::metrics::classification::ClassificationRow;
use nano4m::metrics::directions::DirectionRow;
use nano4m::metrics::forward_vs_autoregressive::ForwardVsAutoregressiveRow;
use nano4m::metrics::memorization::MemorizationRow;
use nano4m::metrics::retrieval::RetrievalRow;
use nano4m::metrics::rows;
use nano4m::metrics::ScoreRow;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Absolute, on means.
const MEAN: f64 = 1e-4;

struct Golden {
    expected: Value,
    out: Folder,
}

fn fixtures() -> Vec<PathBuf> {
    let mut roots = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")];
    if let Ok(list) = std::env::var("NANO4M_GOLDEN") {
        roots.extend(list.split(':').filter(|s| !s.is_empty()).map(PathBuf::from));
    }
    let mut found = Vec::new();
    for root in roots {
        let mut folders = vec![root.clone()];
        folders.extend(std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()));
        let complete = |f: &PathBuf| {
            f.join("expected.json").is_file()
                && checkpoint(f).is_some()
                && support::json(&f.join("expected.json")).get("retrieval").is_some()
        };
        found.extend(folders.into_iter().filter(complete));
    }
    found.sort();
    assert!(!found.is_empty(), "no probe fixtures found");
    found
}

fn checkpoint(folder: &Path) -> Option<PathBuf> {
    ["checkpoint.safetensors", "checkpoint.safetensors.zst"]
        .map(|n| folder.join(n))
        .into_iter()
        .find(|p| p.is_file())
}

fn data(folder: &Path) -> PathBuf {
    let names = ["data.tar.zst", "data.tar.gz", "data.tar", "data"];
    names.map(|n| folder.join(n)).into_iter().find(|p| p.exists()).expect("data of the fixture")
}

/// The names of the fixture's short forms: `audio` → `tok_audio@512`.
const SHORT: [(&str, &str); 6] = [
    ("audio", "tok_audio@512"),
    ("rgb", "tok_rgb@196"),
    ("depth", "tok_depth@196"),
    ("normal", "tok_normal@196"),
    ("cap", "scene_desc"),
    ("caption", "scene_desc"),
];

fn full(short: &str) -> &'static str {
    SHORT.iter().find(|(s, _)| *s == short).map(|(_, full)| *full).unwrap_or_else(|| panic!("{short}"))
}

/// Inputs of the fixture (`audio+rgb`) in the manifest's order, as our files name them.
fn inputs(expected: &Value, joined: &str) -> String {
    let named: Vec<&str> = joined.split('+').map(full).collect();
    let all = expected["config"]["modalities"].as_array().unwrap().iter().map(|m| m.as_str().unwrap());
    all.filter(|m| named.contains(m)).collect::<Vec<_>>().join("+")
}

const DIRECTIONS: [(&str, &str, &str); 3] = [
    ("RGB+cap->Depth", "rgb+cap", "depth"),
    ("RGB+cap->Normal", "rgb+cap", "normal"),
    ("D+N+cap->RGB", "depth+normal+cap", "rgb"),
];

fn quoted(joined: &str) -> String {
    joined.split('+').map(|m| format!("{m:?}")).collect::<Vec<_>>().join(", ")
}

fn manifest(folder: &Path, e: &Value) -> String {
    let c = &e["config"];
    let (vocab, length) = (&c["vocab_sizes"], &c["max_seq_lens"]);
    let modality = |(i, name): (usize, &Value)| {
        let more = match name.as_str().unwrap() {
            n if n.starts_with("tok_audio") => ", codebooks: 2",
            "scene_desc" => ", text: Gpt2",
            _ => "",
        };
        format!("(name: {name}, length: {}, vocab: {}{more})", length[i], vocab[i])
    };
    let modalities: Vec<String> =
        c["modalities"].as_array().unwrap().iter().enumerate().map(modality).collect();
    let sets = e["classification_logit_rank"]["as_trained"].as_object().unwrap();
    let sets: Vec<String> = sets.keys().map(|k| format!("[{}]", quoted(&inputs(e, k)))).collect();
    let pair = |k: &String| {
        let (a, b) = k.split_once("->").unwrap();
        format!("({a:?}, {b:?})")
    };
    let pairs: Vec<String> = e["retrieval"].as_object().unwrap().keys().map(pair).collect();
    let directions = DIRECTIONS
        .map(|(_, i, t)| format!("(inputs: [{}], targets: [{:?}])", quoted(&inputs(e, i)), full(t)));
    format!(
        "Experiment(schema: 1, name: \"golden\", data: (path: {:?}, rows: {}), modalities: [{}],
        model: (dim: {}, enc_depth: {}, dec_depth: {}, head_dim: {}, mlp_ratio: {}),
        probes: [
            CrossEntropy(masks: 1, directions: [
                (inputs: [\"scene_desc\"], targets: [{}]), (inputs: [\"tok_audio@512\"], targets: [\"scene_desc\"]),
            ]),
            Classify(inputs: [{}]),
            Retrieval(pairs: [{}]),
            Directions([{}]),
            Memorization(modality: \"tok_audio@512\", given: [\"tok_rgb@196\", \"scene_desc\"], clips: {}),
            ForwardVsAutoregressive(input: \"tok_audio@512\", target: \"scene_desc\", clips: {}),
        ])",
        data(folder),
        e["augmentation"].as_u64().unwrap() + 1,
        modalities.join(", "),
        c["dim"],
        c["enc_depth"],
        c["dec_depth"],
        c["head_dim"],
        c["mlp_ratio"],
        quoted(&MARGINAL_TARGETS.join("+")),
        sets.join(", "),
        pairs.join(", "),
        directions.join(", "),
        e["memorization"]["n_test"],
        e["forward_vs_autoregressive"]["n"],
    )
}

/// Runs `nano4m eval` on a fixture.
fn evaluate(folder: &Path) -> Golden {
    let expected = support::json(&folder.join("expected.json"));
    let out = Folder::new();
    let given = checkpoint(folder).unwrap();
    let bytes = std::fs::read(&given).unwrap();
    let zipped = given.extension().is_some_and(|e| e == "zst");
    let bytes = if zipped { zstd::decode_all(bytes.as_slice()).unwrap() } else { bytes };
    std::fs::write(out.path("checkpoint.safetensors"), bytes).unwrap();
    out.write("golden.ron", &manifest(folder, &expected));
    out.nano4m(
        &["eval", "--manifest", "golden.ron", "--checkpoint", "checkpoint.safetensors", "--out", "out"],
        0,
    );
    Golden { expected, out }
}

impl Golden {
    fn rows<E: ScoreRow>(&self) -> Vec<E> {
        rows::read(&self.out.path("out")).unwrap().expect("the probe's file")
    }

    /// The metric called `key` in metrics.json.
    fn metric(&self, key: &str) -> f64 {
        let all = support::json(&self.out.path("out/metrics.json"));
        let all: Vec<nano4m::metrics::Metric> = serde_json::from_value(all).unwrap();
        let metric = all.iter().find(|m| m.key == key).unwrap_or_else(|| panic!("no metric {key}"));
        metric.value.unwrap_or_else(|| panic!("{key} has no value"))
    }

    /// A metric against a number of the fixture, scaled to its unit.
    fn close(&self, key: &str, expected: &Value, scale: f64) {
        let (got, want) = (self.metric(key) / scale, expected.as_f64().unwrap());
        assert!((got - want).abs() <= MEAN, "{key}: {got} instead of {want}");
    }

    /// The share of hits, exactly.
    fn hits(&self, what: &str, hits: usize, n: usize, expected: &Value) {
        let want = (expected.as_f64().unwrap() * n as f64).round() as usize;
        assert!(
            (want as f64 / n as f64 - expected.as_f64().unwrap()).abs() < 1e-9,
            "{what}: another n than {n}"
        );
        assert_eq!(hits, want, "{what}: hits of {n}");
    }
}

/// One evaluation per fixture serves all checks: the command line is the slow part.
#[test]
fn every_number_of_the_fixtures() {
    for folder in fixtures() {
        println!("{}", folder.display());
        let golden = evaluate(&folder);
        keys(&golden.expected);
        classification(&golden);
        decoding(&golden);
        retrieval(&golden);
        directions(&golden);
        memorization(&golden);
        forward(&golden);
        marginals(&golden);
    }
}

/// The key tokens themselves.
fn keys(e: &Value) {
    for (kind, prefix) in [("as_trained", ""), ("leading_space", " ")] {
        for (class, id) in e["class_key_tokens"][kind].as_object().unwrap() {
            let ours = nano4m::data::text::Gpt2.pieces(&format!("{prefix}{class}"))[0];
            assert_eq!(u64::from(ours), id.as_u64().unwrap(), "{kind} key of {class}");
        }
    }
}

fn classification(g: &Golden) {
    let rows = g.rows::<ClassificationRow>();
    for (kind, sets) in g.expected["classification_logit_rank"].as_object().unwrap() {
        for (set, numbers) in sets.as_object().unwrap() {
            let (name, method) = (inputs(&g.expected, set), format!("logit_rank_{kind}"));
            let ranks: Vec<u32> = rows
                .iter()
                .filter(|r| (&r.inputs, &r.method) == (&name, &method) && r.source == "model")
                .map(|r| r.true_rank.unwrap())
                .collect();
            for k in [1, 3, 5] {
                let hits = ranks.iter().filter(|r| **r < k).count();
                let what = format!("{kind}, {set}, top-{k}");
                g.hits(&what, hits, ranks.len(), &numbers[format!("top{k}")]);
            }
            g.close(&format!("classification/{name}/{method}/true_logp"), &numbers["mean_true_logp"], 1.0);
        }
    }
}

fn decoding(g: &Golden) {
    let rows = g.rows::<ClassificationRow>();
    let audio = inputs(&g.expected, "audio");
    let rows: Vec<&ClassificationRow> = rows
        .iter()
        .filter(|r| r.inputs == audio && r.method == "sequence_decode" && r.source == "model")
        .collect();
    let e = &g.expected["classification_sequence_decode"];
    let hits = rows.iter().filter(|r| r.predicted_class == r.true_class).count();
    g.hits("sequence decode", hits, rows.len(), &e["accuracy"]);
    for sample in e["samples"].as_array().unwrap() {
        let row = rows.iter().find(|r| sample["stem"] == r.clip.as_str()).unwrap();
        assert_eq!(sample["true"], row.true_class.as_str(), "{}", row.clip);
        assert_eq!(sample["pred"].as_str().unwrap_or(""), row.predicted_class, "{}", row.clip);
    }
}

fn retrieval(g: &Golden) {
    let rows = g.rows::<RetrievalRow>();
    for (pair, numbers) in g.expected["retrieval"].as_object().unwrap() {
        let mut own: Vec<&RetrievalRow> = rows
            .iter()
            .filter(|r| {
                format!("{}->{}", r.query_modality, r.gallery_modality) == *pair && r.source == "model"
            })
            .collect();
        own.sort_by(|a, b| a.clip.cmp(&b.clip));
        let ranks: Vec<u64> = own.iter().map(|r| u64::from(r.rank)).collect();
        let want: Vec<u64> =
            numbers["ranks"].as_array().unwrap().iter().map(|r| r.as_u64().unwrap()).collect();
        assert_eq!(ranks, want, "{pair}");
        for k in [1, 5, 10] {
            g.close(&format!("retrieval/{pair}/r{k}"), &numbers[format!("R{k}")], 100.0);
        }
    }
}

fn directions(g: &Golden) {
    let rows = g.rows::<DirectionRow>();
    for (name, from, to) in DIRECTIONS {
        let direction = format!("{}->{}", inputs(&g.expected, from), full(to));
        let own = rows.iter().filter(|r| r.direction == direction && r.source == "model");
        let (hits, n) = own.fold((0, 0), |(h, n), r| (h + r.correct, n + r.tokens));
        g.hits(name, hits as usize, n as usize, &g.expected["directions"][name]);
        g.close(&format!("directions/{direction}"), &g.expected["directions"][name], 100.0);
    }
}

fn memorization(g: &Golden) {
    let (rows, e) = (g.rows::<MemorizationRow>(), &g.expected["memorization"]);
    for part in ["train", "test"] {
        let own: Vec<&MemorizationRow> = rows.iter().filter(|r| r.part == part).collect();
        assert_eq!(own.len() as u64, e[format!("n_{part}")].as_u64().unwrap());
        let (hits, n) = own.iter().fold((0, 0), |(h, n), r| (h + r.correct, n + r.tokens));
        g.hits(&format!("memorization, {part}"), hits as usize, n as usize, &e[format!("{part}_acc")]);
        g.close(&format!("memorization/{part}/accuracy"), &e[format!("{part}_acc")], 100.0);
        g.close(&format!("memorization/{part}/cross_entropy"), &e[format!("{part}_ce")], 1.0);
    }
    for (gap, metric, scale) in [("gap_acc", "accuracy", 100.0), ("gap_ce", "cross_entropy", 1.0)] {
        let of = |part: &str| g.metric(&format!("memorization/{part}/{metric}")) / scale;
        let ours = if gap == "gap_acc" { of("train") - of("test") } else { of("test") - of("train") };
        assert!((ours - e[gap].as_f64().unwrap()).abs() <= MEAN, "{gap}: {ours}");
    }
}

fn forward(g: &Golden) {
    let e = &g.expected["forward_vs_autoregressive"];
    assert_eq!(g.rows::<ForwardVsAutoregressiveRow>().len() as u64, e["n"].as_u64().unwrap());
    g.close("forward_vs_autoregressive/scene_desc/single", &e["single"], 1.0);
    g.close("forward_vs_autoregressive/scene_desc/autoregressive", &e["autoregressive"], 1.0);
    let gap = -g.metric("forward_vs_autoregressive/scene_desc/gain");
    assert!((gap - e["gap"].as_f64().unwrap()).abs() <= MEAN, "gap: {gap}");
}

/// Everything but the caption; the caption has a direction of its own.
const MARGINAL_TARGETS: [&str; 4] = ["tok_rgb@196", "tok_audio@512", "tok_depth@196", "tok_normal@196"];

/// The baselines on whole modalities, as directions have them.
fn marginals(g: &Golden) {
    for (modality, e) in g.expected["marginal"].as_object().unwrap() {
        let input = if modality == "scene_desc" { "tok_audio@512" } else { "scene_desc" };
        let of = |source: &str| format!("cross_entropy/{input}->{modality}/{source}");
        g.close(&of("uniform"), &e["log_vocab"], 1.0);
        g.close(&of("unigram_marginal"), &e["unigram_ce_add_one"], 1.0);
    }
    // `data inspect` tells the entropy of the split that is trained on: here the test split's.
    let swapped = "data.splits=(train: \"test\", eval: \"val\", test: \"train\")";
    let printed = g.out.nano4m(&["data", "inspect", "golden.ron", "--set", swapped, "--json"], 0);
    let facts: Value = serde_json::from_str(&support::stdout(&printed)).unwrap();
    for m in facts["modalities"].as_array().unwrap() {
        let want = &g.expected["marginal"][m["name"].as_str().unwrap()]["test_entropy"];
        let (got, want) = (m["unigram_nats"].as_f64().unwrap(), want.as_f64().unwrap());
        assert!((got - want).abs() <= MEAN, "entropy of {}: {got} instead of {want}", m["name"]);
    }
}
