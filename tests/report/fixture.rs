//! Run directories made by hand: `alpha` with seeds 1, 2, 3 and `beta` with seed 7; or the cells of an
//! ablation.
//!
//! Scores are simple functions of (experiment, seed, clip) plus a fixed scramble, so that every
//! table has a clear effect, a null effect and something that cannot be estimated.

use nano4m::digest::sha256_hex;
use nano4m::manifest::schema::Seeds;
use nano4m::metrics::classification::ClassificationRow;
use nano4m::metrics::cross_entropy::CrossEntropyRow;
use nano4m::metrics::directions::DirectionRow;
use nano4m::metrics::forward_vs_autoregressive::ForwardVsAutoregressiveRow;
use nano4m::metrics::generation::GenerationRow;
use nano4m::metrics::linear_probe::LinearProbeRow;
use nano4m::metrics::memorization::MemorizationRow;
use nano4m::metrics::retrieval::RetrievalRow;
use nano4m::metrics::rows::to_csv;
use nano4m::metrics::ScoreRow;
use nano4m::record::ablation::{Axis, Cell, CellClaim, CellRun};
use nano4m::record::{AblationRecord, Clips, FileDigest, ModalityInfo, Record, SCHEMA};
use std::path::{Path, PathBuf};

const CLIPS: u64 = 24;
const CLASSES: [&str; 4] = ["cat", "cow", "dog", "duck"];

/// True, false, against chance, against another experiment, and about what was not measured.
const CLAIMS: &str = "\
    (metric: \"cross_entropy/tok_rgb@196\", against: \"unigram_marginal\", margin: 0.5), \
    (metric: \"cross_entropy/tok_audio@512\", against: \"shuffled_input\"), \
    (metric: \"classification/tok_audio@512/logit_rank_as_trained\", against: \"chance\"), \
    (metric: \"retrieval/tok_rgb@196->tok_audio@512/r5\", against: \"chance\", margin: 10), \
    (metric: \"cross_entropy/tok_rgb@196\", against: \"alpha\"), \
    (metric: \"cross_entropy/tok_rgb@196\", against: \"untrained\")";

pub struct Fixture {
    root: tempfile::TempDir,
    runs: PathBuf,
}

/// A fixed scramble into 0..1.
fn noise(parts: &[u64]) -> f64 {
    let mut x: u64 = 0x9e37_79b9_7f4a_7c15;
    for p in parts {
        x = (x ^ p).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^= x >> 29;
    }
    (x >> 11) as f64 / (1u64 << 53) as f64
}

#[allow(dead_code, reason = "each test uses its part")]
impl Fixture {
    pub fn full() -> Fixture {
        let fixture = Fixture::empty();
        for (i, id) in ["aaaa000000", "aaaa111111", "aaaa222222"].into_iter().enumerate() {
            fixture.write(&Fake {
                name: "alpha".into(),
                id: id.into(),
                seed: i as u64 + 1,
                ..Fake::default()
            });
        }
        fixture.write(&Fake { name: "beta".into(), id: "bbbb000000".into(), seed: 7, ..Fake::default() });
        fixture
    }

    pub fn only_cross_entropy() -> Fixture {
        let fixture = Fixture::empty();
        fixture.write(&Fake {
            name: "one".into(),
            id: "cccc000000".into(),
            clips: 1,
            all: false,
            ..Fake::default()
        });
        fixture
    }

    /// One run with every probe on few clips, whose record does not name its files: they may be changed.
    pub fn tiny() -> Fixture {
        let fixture = Fixture::empty();
        let fake = Fake { name: "tiny".into(), id: "dddd000000".into(), clips: 6, ..Fake::default() };
        let record = Record { files: vec![], ..fixture.write(&fake) };
        std::fs::write(fixture.run("tiny").join("record.json"), record.to_json().unwrap()).unwrap();
        fixture
    }

    pub fn replace_beta_with_other_data(&self) {
        std::fs::remove_dir_all(self.run("beta")).unwrap();
        self.write(&Fake {
            name: "beta".into(),
            id: "bbbb111111".into(),
            seed: 7,
            data: "d2",
            ..Fake::default()
        });
    }

    /// Two axes, three seeds: `span` is better than `random` for sure, `big` costs more and is
    /// indistinguishable from `small`. The record is written last, as `ablate` does.
    pub fn ablation() -> Fixture {
        let fixture = Fixture::empty();
        let mut cells = Vec::new();
        for (i, (masking, size)) in
            [("random", "small"), ("span", "small"), ("random", "big"), ("span", "big")]
                .into_iter()
                .enumerate()
        {
            let mut runs = Vec::new();
            for seed in [1, 2, 3] {
                let fake = Fake {
                    name: format!("grid.{masking}-{size}"),
                    id: format!("a{i}b{seed}000000"),
                    seed,
                    salt: i as u64 + 1,
                    shift: if masking == "span" { -0.2 } else { 0.0 },
                    masking: if masking == "span" { "Span(stride: 2)" } else { "Random" },
                    dim: if size == "big" { 128 } else { 64 },
                    all: false,
                    ..Fake::default()
                };
                let record = fixture.write(&fake);
                let directory = format!("{}-{}", fake.name, fake.id);
                runs.push(CellRun { seed, directory, identity: record.identity });
            }
            let values = [("masking", masking), ("size", size)];
            let values = values.map(|(a, v)| (a.to_string(), v.to_string())).into_iter().collect();
            cells.push(Cell { label: format!("{masking}, {size}"), values, runs });
        }
        fixture.write_ablation(cells);
        fixture
    }

    fn write_ablation(&self, cells: Vec<Cell>) {
        let axis = |name: &str, labels: [&str; 2]| Axis {
            name: name.into(),
            labels: labels.map(Into::into).to_vec(),
        };
        let claim = |metric: &str, a: &str, b: &str, margin| CellClaim {
            metric: metric.into(),
            a: a.into(),
            b: b.into(),
            margin,
        };
        let record = AblationRecord {
            schema: nano4m::record::ablation::SCHEMA,
            name: "grid".into(),
            about: "Do spans help, and does size?".into(),
            reference: "random, small".into(),
            metrics: vec![
                "cross_entropy/tok_rgb@196".into(),
                "classification/tok_audio@512/logit_rank_as_trained".into(),
                "retrieval/tok_depth@196->tok_rgb@196/r5".into(),
            ],
            claims: vec![
                claim("cross_entropy/tok_rgb@196", "span, small", "random, small", 0.05),
                claim("cross_entropy/tok_rgb@196", "random, big", "random, small", 0.0),
                claim("retrieval/tok_depth@196->tok_rgb@196/r5", "span, small", "random, small", 0.0),
            ],
            axes: vec![axis("masking", ["random", "span"]), axis("size", ["small", "big"])],
            cells,
        };
        record.write(&self.runs).unwrap();
    }

    fn empty() -> Fixture {
        let root = tempfile::tempdir().unwrap();
        let runs = root.path().join("runs");
        Fixture { root, runs }
    }

    pub fn runs(&self) -> &Path {
        &self.runs
    }

    pub fn reports(&self) -> PathBuf {
        self.root.path().join("reports")
    }

    /// The directory of the run with that name.
    pub fn run(&self, name: &str) -> PathBuf {
        let entries = std::fs::read_dir(&self.runs).unwrap().flatten();
        let of = |p: &PathBuf| p.file_name().unwrap().to_str().unwrap().starts_with(&format!("{name}-"));
        entries.map(|e| e.path()).find(of).unwrap()
    }

    /// Every file of the report with its bytes, sorted.
    pub fn bytes(&self) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        let mut folders = vec![self.reports()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => {
                        let name = path.strip_prefix(self.reports()).unwrap().to_str().unwrap().to_string();
                        all.push((name, std::fs::read(path).unwrap()));
                    }
                }
            }
        }
        all.sort();
        all
    }

    fn write(&self, fake: &Fake) -> Record {
        let dir = self.runs.join(format!("{}-{}", fake.name, fake.id));
        std::fs::create_dir_all(dir.join("probes")).unwrap();
        let mut files = Vec::new();
        put(&dir, &fake.cross_entropy(), &mut files);
        if fake.all || fake.salt > 0 {
            put(&dir, &fake.classification(), &mut files);
        }
        if fake.all {
            put(&dir, &fake.retrieval(), &mut files);
            put(&dir, &fake.directions(), &mut files);
            put(&dir, &fake.memorization(), &mut files);
            put(&dir, &fake.forward(), &mut files);
            put(&dir, &fake.generation(), &mut files);
            put(&dir, &fake.linear_probe(), &mut files);
        }
        std::fs::write(dir.join("metrics.csv"), fake.metrics()).unwrap();
        std::fs::write(dir.join("resolved.ron"), fake.manifest()).unwrap();
        let record = fake.record(files);
        std::fs::write(dir.join("record.json"), record.to_json().unwrap()).unwrap();
        record
    }
}

fn put<E: ScoreRow>(dir: &Path, rows: &[E], files: &mut Vec<FileDigest>) {
    let bytes = to_csv(rows).unwrap();
    files.push(FileDigest { path: E::FILE.into(), sha256: sha256_hex(&bytes) });
    std::fs::write(dir.join(E::FILE), bytes).unwrap();
}

struct Fake {
    name: String,
    id: String,
    seed: u64,
    data: &'static str,
    clips: u64,
    all: bool,
    /// Tells runs of one seed apart; 0: only seed and data do.
    salt: u64,
    /// Added to the model's cross-entropies, nats per token.
    shift: f64,
    masking: &'static str,
    dim: usize,
}

impl Default for Fake {
    fn default() -> Fake {
        Fake {
            name: String::new(),
            id: String::new(),
            seed: 1,
            data: "d1",
            clips: CLIPS,
            all: true,
            salt: 0,
            shift: 0.0,
            masking: "Random",
            dim: 64,
        }
    }
}

impl Fake {
    fn clips(&self) -> impl Iterator<Item = (u64, String)> {
        (0..self.clips).map(|i| (i, format!("as_{i:02}_000000")))
    }

    /// In 0..1, a function of the data too.
    fn noise(&self, parts: &[u64]) -> f64 {
        let mut key = vec![self.seed, u64::from(self.data == "d2")];
        key.extend(parts);
        key.extend((self.salt > 0).then_some(self.salt));
        noise(&key)
    }

    fn manifest(&self) -> String {
        // The name decides no more than its size here: beta is the bigger one.
        let dim = if self.name == "beta" { 128 } else { self.dim };
        format!(
            "(schema: 1, name: \"{}\", seeds: (init: {s}, data: {s}, masking: {s}, probes: {s}), data: (), \
             modalities: [(name: \"tok_rgb@196\", length: 196, vocab: 1024), \
             (name: \"tok_audio@512\", length: 512, vocab: 2048, masking: {})], model: (dim: {dim}), claims: [{}])",
            self.name,
            self.masking,
            if self.name == "beta" { CLAIMS } else { "" },
            s = self.seed
        )
    }

    fn record(&self, files: Vec<FileDigest>) -> Record {
        let s = self.seed;
        let modality = |name: &str, short: &str, length, vocab| ModalityInfo {
            name: name.into(),
            short: short.into(),
            length,
            vocab,
        };
        Record {
            schema: SCHEMA,
            program: "0.1.0".into(),
            name: self.name.clone(),
            id: self.id.clone(),
            identity: self.id.repeat(6),
            made_for: None,
            code_hash: "sha256:c0de".into(),
            data_hash: self.data.into(),
            drift: vec![],
            pinned: false,
            device: "cpu".into(),
            seeds: Seeds { init: s, data: s, masking: s, probes: s },
            parameters: 10 * self.dim / 64,
            steps: 4,
            train_tokens: 100,
            final_digest: "22".into(),
            clips: Clips { train: 8, eval: 2, test: self.clips as usize },
            // Audio is declared as in the reference, rgb is not.
            modalities: vec![
                modality("tok_rgb@196", "rgb", 196, 1024),
                modality("tok_audio@512", "audio", 512, 2048),
            ],
            metrics: vec![],
            files,
        }
    }

    fn metrics(&self) -> String {
        let mut text = "step,schedule_tokens,tokens,lr,loss,grad_norm,ce_tok_rgb@196,ce_tok_audio@512,n_tok_rgb@196,n_tok_audio@512,tokens_per_s\n".to_string();
        for step in 1..=30 {
            let ce = 3.0 + 4.0 / step as f64;
            text += &format!("{step},{0},{0},0.001,{ce},1,{ce},{1},10,10,\n", step * 100, ce + 0.5);
        }
        text
    }

    fn cross_entropy(&self) -> Vec<CrossEntropyRow> {
        let mut rows = Vec::new();
        for (i, clip) in self.clips() {
            for (m, modality) in ["tok_rgb@196", "tok_audio@512"].into_iter().enumerate() {
                let tokens = 20 + (i * 7 + m as u64) % 5;
                let hard = 6.0 - m as f64 + noise(&[i]);
                // On audio the input does not help.
                let gain = if m == 0 { 0.4 } else { 0.0 };
                let per_token = [
                    ("model", hard - gain + self.shift + 0.1 * self.noise(&[i, m as u64, 0])),
                    ("shuffled_input", hard + 0.1 * self.noise(&[i, m as u64, 1])),
                    ("unigram_marginal", 7.0 - m as f64 + 0.3 * noise(&[i, 2])),
                    ("uniform", if m == 0 { 1024f64.ln() } else { 2048f64.ln() }),
                ];
                rows.extend(per_token.map(|(source, ce)| CrossEntropyRow {
                    clip: clip.clone(),
                    mask: 0,
                    modality: modality.into(),
                    source: source.into(),
                    tokens,
                    ce_nats: ce * tokens as f64,
                }));
            }
        }
        rows
    }

    fn classification(&self) -> Vec<ClassificationRow> {
        let mut rows = Vec::new();
        for (i, clip) in self.clips() {
            let truth = CLASSES[i as usize % 4];
            for (k, method) in ["logit_rank_as_trained", "logit_rank_leading_space", "sequence_decode"]
                .into_iter()
                .enumerate()
            {
                // As trained: mostly right; leading space: at chance; decode: at times no class.
                let u = self.noise(&[i, k as u64, 3]);
                let rank = if k == 0 { (u * 1.3) as u32 } else { (u * 4.0) as u32 };
                let predicted = CLASSES[(i as usize + rank as usize) % 4];
                let decode = k == 2;
                rows.push(ClassificationRow {
                    clip: clip.clone(),
                    inputs: "tok_audio@512".into(),
                    method: method.into(),
                    source: "model".into(),
                    true_class: truth.into(),
                    predicted_class: if decode && u > 0.8 { String::new() } else { predicted.into() },
                    true_rank: (!decode).then_some(rank),
                    true_logp: (!decode).then_some(-1.0 - u),
                    classes: 4,
                });
            }
        }
        rows
    }

    fn retrieval(&self) -> Vec<RetrievalRow> {
        let names: Vec<String> = self.clips().map(|c| c.1).collect();
        let mut rows = Vec::new();
        for (i, clip) in self.clips() {
            for (query, gallery, good) in
                [("tok_audio@512", "tok_rgb@196", false), ("tok_rgb@196", "tok_audio@512", true)]
            {
                let u = self.noise(&[i, u64::from(good), 4]);
                let rank = if good { (u * u * 8.0) as u32 } else { (u * self.clips as f64) as u32 };
                let mut near: Vec<&String> =
                    (0..10).map(|j| &names[(i as usize + 1 + j * 2) % names.len()]).collect();
                if rank < 10 {
                    near[rank as usize] = &clip;
                }
                let near: Vec<&str> = near.into_iter().map(String::as_str).collect();
                rows.push(RetrievalRow {
                    clip: clip.clone(),
                    query_modality: query.into(),
                    gallery_modality: gallery.into(),
                    source: "model".into(),
                    rank,
                    gallery_size: self.clips as u32,
                    // Only one direction records them: the other falls back on the binomial test.
                    nearest: if good { near.join("|") } else { String::new() },
                });
            }
        }
        rows
    }

    fn directions(&self) -> Vec<DirectionRow> {
        let mut rows = Vec::new();
        for (i, clip) in self.clips() {
            for (source, share, ce) in [("model", 0.2, 5.0), ("unigram_marginal", 0.05, 6.0)] {
                rows.push(DirectionRow {
                    clip: clip.clone(),
                    direction: "tok_audio@512->tok_rgb@196".into(),
                    modality: "tok_rgb@196".into(),
                    source: source.into(),
                    tokens: 196,
                    correct: (196.0 * share * (0.5 + self.noise(&[i, 5]))) as u64,
                    ce_nats: 196.0 * (ce + 0.2 * self.noise(&[i, 6])),
                });
            }
        }
        rows
    }

    fn memorization(&self) -> Vec<MemorizationRow> {
        let mut rows = Vec::new();
        for part in ["train", "test"] {
            for (i, clip) in self.clips() {
                let u = self.noise(&[i, 7, part.len() as u64]);
                rows.push(MemorizationRow {
                    clip: format!("{part}_{clip}"),
                    part: part.into(),
                    tokens: 102,
                    correct: (10.0 * u) as u64,
                    ce_nats: 102.0 * (6.5 + u - if part == "train" { 0.3 } else { 0.0 }),
                });
            }
        }
        rows
    }

    fn forward(&self) -> Vec<ForwardVsAutoregressiveRow> {
        let row = |(i, clip): (u64, String)| ForwardVsAutoregressiveRow {
            clip,
            tokens: 64,
            single_ce_nats: 64.0 * (0.35 + 0.1 * self.noise(&[i, 8])),
            autoregressive_ce_nats: 64.0 * (0.35 + 0.1 * self.noise(&[i, 9])),
        };
        self.clips().map(row).collect()
    }

    fn generation(&self) -> Vec<GenerationRow> {
        let row = |(i, clip): (u64, String)| GenerationRow {
            clip,
            inputs: "tok_audio@512".into(),
            target: "tok_rgb@196".into(),
            given: 0,
            tokens: 196,
            distinct: 20 + (10.0 * self.noise(&[i, 10])) as u64,
            entropy_nats: 2.0 + self.noise(&[i, 11]),
            real_entropy_nats: 4.0 + noise(&[i, 12]),
            agreement: (self.name == "beta").then_some(0.5 + 0.1 * self.noise(&[i, 13])),
            real_agreement: (self.name == "beta").then_some(0.03 + 0.01 * self.noise(&[i, 15])),
        };
        self.clips().map(row).collect()
    }

    fn linear_probe(&self) -> Vec<LinearProbeRow> {
        let mut rows = Vec::new();
        for (i, clip) in self.clips() {
            for (control, right) in [("none", 0.9), ("random_weights", 0.4), ("shuffled_labels", 0.25)] {
                let hit = self.noise(&[i, 14, control.len() as u64]) < right;
                rows.push(LinearProbeRow {
                    clip: clip.clone(),
                    inputs: "tok_rgb@196+tok_audio@512".into(),
                    control: control.into(),
                    true_class: CLASSES[i as usize % 4].into(),
                    predicted_class: CLASSES[(i as usize + usize::from(!hit)) % 4].into(),
                    classes: 4,
                });
            }
        }
        rows
    }
}
