//! A run made up: scores are simple functions of (experiment, seed, clip) plus a fixed scramble, so that
//! every table has a clear effect, a null effect and something that cannot be estimated.

use nano4m::manifest::schema::Seeds;
use nano4m::metrics::classification::ClassificationRow;
use nano4m::metrics::cross_entropy::CrossEntropyRow;
use nano4m::metrics::directions::DirectionRow;
use nano4m::metrics::forward_vs_autoregressive::{self, ForwardVsAutoregressiveRow};
use nano4m::metrics::generation::GenerationRow;
use nano4m::metrics::linear_probe::LinearProbeRow;
use nano4m::metrics::memorization::MemorizationRow;
use nano4m::metrics::retrieval::RetrievalRow;
use nano4m::record::{Clips, FileDigest, ModalityInfo, Record, SCHEMA};

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

/// A fixed scramble into 0..1.
fn noise(parts: &[u64]) -> f64 {
    let mut x: u64 = 0x9e37_79b9_7f4a_7c15;
    for p in parts {
        x = (x ^ p).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^= x >> 29;
    }
    (x >> 11) as f64 / (1u64 << 53) as f64
}

/// What is made up of a run.
pub struct Fake {
    pub name: String,
    pub id: String,
    pub seed: u64,
    pub data: &'static str,
    pub clips: u64,
    pub all: bool,
    /// Of the probes, where it is not that of everything else.
    pub probes_seed: Option<u64>,
    /// In place of beta's.
    pub claims: &'static str,
    /// Tells runs of one seed apart; 0: only seed and data do.
    pub salt: u64,
    /// Added to the model's cross-entropies, nats per token.
    pub shift: f64,
    pub masking: &'static str,
    pub dim: usize,
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
            probes_seed: None,
            claims: "",
            salt: 0,
            shift: 0.0,
            masking: "Random",
            dim: 64,
        }
    }
}

impl Fake {
    pub fn clips(&self) -> impl Iterator<Item = (u64, String)> {
        (0..self.clips).map(|i| (i, format!("as_{i:02}_000000")))
    }

    /// In 0..1, a function of the data too.
    pub fn noise(&self, parts: &[u64]) -> f64 {
        let mut key = vec![self.seed, u64::from(self.data == "d2")];
        key.extend(parts);
        key.extend((self.salt > 0).then_some(self.salt));
        noise(&key)
    }

    pub fn manifest(&self) -> String {
        // The name decides no more than its size here: beta is the bigger one.
        let dim = if self.name == "beta" { 128 } else { self.dim };
        format!(
            "(schema: 1, name: \"{}\", seeds: (init: {s}, data: {s}, masking: {s}, probes: {p}), data: (), \
             modalities: [(name: \"tok_rgb@196\", length: 196, vocab: 1024), \
             (name: \"tok_audio@512\", length: 512, vocab: 2048, masking: {})], model: (dim: {dim}), claims: [{}])",
            self.name,
            self.masking,
            if self.name == "beta" { CLAIMS } else { self.claims },
            s = self.seed,
            p = self.probes_seed.unwrap_or(self.seed),
        )
    }

    pub fn record(&self, files: Vec<FileDigest>) -> Record {
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
            seeds: Seeds { init: s, data: s, masking: s, probes: self.probes_seed.unwrap_or(s) },
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
            // The rows of this probe do not say what they are about.
            metrics: if self.all {
                forward_vs_autoregressive::metrics(&self.forward(), "scene_desc", 1)
            } else {
                vec![]
            },
            files,
        }
    }

    pub fn metrics(&self) -> String {
        let mut text = "step,schedule_tokens,tokens,lr,loss,grad_norm,ce_tok_rgb@196,ce_tok_audio@512,n_tok_rgb@196,n_tok_audio@512,tokens_per_s\n".to_string();
        for step in 1..=30 {
            let ce = 3.0 + 4.0 / step as f64;
            text += &format!("{step},{0},{0},0.001,{ce},1,{ce},{1},10,10,\n", step * 100, ce + 0.5);
        }
        text
    }

    pub fn cross_entropy(&self) -> Vec<CrossEntropyRow> {
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

    pub fn classification(&self) -> Vec<ClassificationRow> {
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

    pub fn retrieval(&self) -> Vec<RetrievalRow> {
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

    pub fn directions(&self) -> Vec<DirectionRow> {
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

    pub fn memorization(&self) -> Vec<MemorizationRow> {
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

    pub fn forward(&self) -> Vec<ForwardVsAutoregressiveRow> {
        let row = |(i, clip): (u64, String)| ForwardVsAutoregressiveRow {
            clip,
            tokens: 64,
            single_ce_nats: 64.0 * (0.35 + 0.1 * self.noise(&[i, 8])),
            autoregressive_ce_nats: 64.0 * (0.35 + 0.1 * self.noise(&[i, 9])),
        };
        self.clips().map(row).collect()
    }

    pub fn generation(&self) -> Vec<GenerationRow> {
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

    pub fn linear_probe(&self) -> Vec<LinearProbeRow> {
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
