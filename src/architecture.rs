//! The network on paper: its sizes, its parameters by name and shape, and the arithmetic of a step
//! (REFERENCE §1). No tensors; the model builds itself from this list, tables count from it.

use crate::batch::Batch;
use crate::manifest::schema::{Model, Softmax};
use crate::modality::Modality;

/// Everything the shape of the parameters depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub modalities: Vec<Modality>,
    pub dim: usize,
    pub enc_depth: usize,
    pub dec_depth: usize,
    pub head_dim: usize,
    pub mlp_ratio: f64,
    pub initial_std: InitialStd,
    pub softmax: Softmax,
}

/// Standard deviations of the initial values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InitialStd {
    /// Linear weights.
    pub linear: f64,
    /// Token and modality embeddings.
    pub embedding: f64,
    /// `to_logits`; 0 in the reference.
    pub logits: f64,
}

impl Config {
    /// From a manifest.
    pub fn new(modalities: &[Modality], m: &Model) -> Config {
        Config {
            modalities: modalities.to_vec(),
            dim: m.dim,
            enc_depth: m.enc_depth,
            dec_depth: m.dec_depth,
            head_dim: m.head_dim,
            mlp_ratio: m.mlp_ratio,
            initial_std: InitialStd { linear: m.init_std, embedding: m.embedding_std, logits: m.logits_std },
            softmax: m.softmax,
        }
    }

    /// Size of the unified vocabulary: the maximum, not the sum.
    pub fn vocab(&self) -> usize {
        self.modalities.iter().map(|m| m.vocab).max().unwrap_or(0)
    }

    /// Ids that compete for a target token of a modality: `0..limit`.
    pub fn limit(&self, modality: u32, softmax: Softmax) -> usize {
        match softmax {
            Softmax::Unified => self.vocab(),
            Softmax::Restricted => self.modalities[modality as usize].vocab,
        }
    }

    /// Hidden width of the MLP: `int(dim · mlp_ratio)`.
    pub fn hidden(&self) -> usize {
        (self.dim as f64 * self.mlp_ratio) as usize
    }

    /// Number of trainable values.
    pub fn parameters(&self) -> usize {
        specs(self).iter().map(Spec::numel).sum()
    }

    /// Floating-point operations of forward and backward: matrix products only, two operations for each
    /// multiply-add; the backward pass costs twice the forward pass.
    pub fn flops(&self, work: &Work) -> f64 {
        let (d, hidden) = (self.dim as f64, self.hidden() as f64);
        let (enc, dec) = (self.enc_depth as f64, self.dec_depth as f64);
        // Multiply-adds. A layer: q, k, v, out (4 d²), the MLP (2 d · hidden), scores and values (2 n d).
        let encoder = enc * (work.inputs * (4.0 * d * d + 2.0 * d * hidden) + 2.0 * d * work.input_pairs);
        // The context: its projection, then keys and values of every decoder layer.
        let context = work.inputs * d * d * (1.0 + 2.0 * dec);
        let own = work.targets * 4.0 * d * d + 2.0 * d * work.target_pairs;
        let cross = work.targets * 2.0 * d * d + 2.0 * d * work.cross_pairs;
        let decoder = dec * (own + cross + work.targets * 2.0 * d * hidden);
        let logits = work.logits * d;
        3.0 * 2.0 * (encoder + context + decoder + logits)
    }
}

/// What passes through the network in a step, or on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Input tokens.
    pub inputs: f64,
    /// Target tokens.
    pub targets: f64,
    /// Pairs of tokens that attend to each other: Σ over samples of inputs².
    pub input_pairs: f64,
    /// Σ over samples of targets².
    pub target_pairs: f64,
    /// Σ over samples of targets · inputs.
    pub cross_pairs: f64,
    /// Σ over target tokens of the ids that compete for it.
    pub logits: f64,
}

impl Work {
    /// Of one batch.
    pub fn of_batch(config: &Config, batch: &Batch) -> Work {
        let lengths = |o: &[usize]| o.windows(2).map(|w| (w[1] - w[0]) as f64).collect::<Vec<_>>();
        let pairs = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let (enc, dec) = (lengths(&batch.enc.offsets), lengths(&batch.dec.offsets));
        Work {
            inputs: batch.enc.len() as f64,
            targets: batch.dec.len() as f64,
            input_pairs: pairs(&enc, &enc),
            target_pairs: pairs(&dec, &dec),
            cross_pairs: pairs(&dec, &enc),
            logits: batch.dec.modalities.iter().map(|&m| config.limit(m, config.softmax) as f64).sum(),
        }
    }
}

/// How a parameter starts and whether weight decay applies to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Linear: normal(0, `init_std`), decayed.
    Weight,
    /// Embedding: normal(0, `embedding_std`), decayed.
    Embedding,
    /// Norm weight: ones, not decayed.
    Norm,
    /// Bias: zeros, not decayed.
    Bias,
    /// `to_logits`: normal(0, `logits_std`), zeros in the reference; decayed.
    Logits,
}

/// One parameter as the reference's state dict names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    pub name: String,
    pub shape: Vec<usize>,
    pub kind: Kind,
}

impl Spec {
    /// Rows and columns of the matrix that holds it: a vector is one row.
    pub fn matrix(&self) -> (usize, usize) {
        match self.shape[..] {
            [n] => (1, n),
            [r, c] => (r, c),
            _ => unreachable!("parameters are vectors or matrices"),
        }
    }

    /// Number of values.
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether AdamW decays it: norms and biases are not.
    pub fn decays(&self) -> bool {
        !matches!(self.kind, Kind::Norm | Kind::Bias)
    }
}

/// Every trainable parameter. The order is kept for ever: initial values are drawn by number.
pub fn specs(config: &Config) -> Vec<Spec> {
    let (d, v, n, h) = (config.dim, config.vocab(), config.modalities.len(), config.hidden());
    let mut list = List(Vec::new());
    list.add("enc_tok_emb.weight", &[v, d], Kind::Embedding);
    list.add("enc_mod_emb.weight", &[n, d], Kind::Embedding);
    list.add("dec_mod_emb.weight", &[n, d], Kind::Embedding);
    for i in 0..config.enc_depth {
        let p = format!("encoder.blocks.{i}");
        list.add(&format!("{p}.norm1.weight"), &[d], Kind::Norm);
        list.add(&format!("{p}.attn.qkv.weight"), &[3 * d, d], Kind::Weight);
        list.add(&format!("{p}.attn.attn_out_proj.weight"), &[d, d], Kind::Weight);
        list.mlp(&p, d, h);
    }
    for i in 0..config.dec_depth {
        let p = format!("decoder.blocks.{i}");
        list.add(&format!("{p}.norm1.weight"), &[d], Kind::Norm);
        list.add(&format!("{p}.self_attn.qkv.weight"), &[3 * d, d], Kind::Weight);
        list.add(&format!("{p}.self_attn.attn_out_proj.weight"), &[d, d], Kind::Weight);
        list.add(&format!("{p}.query_norm.weight"), &[d], Kind::Norm);
        list.add(&format!("{p}.context_norm.weight"), &[d], Kind::Norm);
        list.add(&format!("{p}.cross_attn.q.weight"), &[d, d], Kind::Weight);
        list.add(&format!("{p}.cross_attn.kv.weight"), &[2 * d, d], Kind::Weight);
        list.add(&format!("{p}.cross_attn.attn_out_proj.weight"), &[d, d], Kind::Weight);
        list.mlp(&p, d, h);
    }
    list.add("dec_context_proj.weight", &[d, d], Kind::Weight);
    list.add("dec_context_proj.bias", &[d], Kind::Bias);
    list.add("to_logits.weight", &[v, d], Kind::Logits);
    list.add("enc_norm.weight", &[d], Kind::Norm);
    list.add("dec_norm.weight", &[d], Kind::Norm);
    list.0
}

struct List(Vec<Spec>);

impl List {
    fn add(&mut self, name: &str, shape: &[usize], kind: Kind) {
        self.0.push(Spec { name: name.to_string(), shape: shape.to_vec(), kind });
    }

    fn mlp(&mut self, prefix: &str, d: usize, h: usize) {
        self.add(&format!("{prefix}.norm2.weight"), &[d], Kind::Norm);
        self.add(&format!("{prefix}.mlp.fc1.weight"), &[h, d], Kind::Weight);
        self.add(&format!("{prefix}.mlp.fc2.weight"), &[d, h], Kind::Weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published configuration (REFERENCE §1, §2).
    fn published() -> Config {
        let sizes = [("tok_rgb@196", 196, 16384), ("tok_audio@512", 512, 2048), ("tok_depth@196", 196, 8192)];
        let rest = [("tok_normal@196", 196, 8192), ("scene_desc", 64, 50304)];
        let modality = |(name, length, vocab): &(&str, usize, usize)| Modality {
            name: name.to_string(),
            length: *length,
            vocab: *vocab,
            codebooks: 1,
            grid: None,
            text: None,
            masking: Default::default(),
        };
        let modalities: Vec<_> = sizes.iter().chain(&rest).map(modality).collect();
        Config::new(&modalities, &Default::default())
    }

    #[test]
    fn the_published_model_has_95_838_720_parameters() {
        assert_eq!(published().parameters(), 95_838_720);
    }

    #[test]
    fn every_parameter_has_a_name_of_its_own() {
        let names: Vec<String> = specs(&published()).into_iter().map(|s| s.name).collect();
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), names.len());
    }

    /// Linear layers by their weights, as the parameters list them: each once for every token it sees.
    #[test]
    fn flops_agree_with_the_list_of_parameters() {
        let config = published();
        let weights = |chosen: &dyn Fn(&str) -> bool| -> f64 {
            let linear = |s: &&Spec| s.shape.len() == 2 && chosen(&s.name);
            specs(&config).iter().filter(linear).map(|s| s.numel() as f64).sum()
        };
        let kv = weights(&|n| n.ends_with("cross_attn.kv.weight"));
        let encoder = weights(&|n| n.starts_with("encoder.") || n.starts_with("dec_context")) + kv;
        let decoder = weights(&|n| n.starts_with("decoder.") || n.starts_with("to_logits")) - kv;
        let vocab = config.vocab() as f64;
        let (input_pairs, target_pairs, cross_pairs) = (9.0, 4.0, 6.0);
        let (inputs, targets, logits) = (3.0, 2.0, 2.0 * vocab);
        let work = Work { inputs, targets, input_pairs, target_pairs, cross_pairs, logits };
        let attention = 2.0 * 512.0 * 6.0 * (9.0 + 4.0 + 6.0);
        assert_eq!(config.flops(&work), 6.0 * (3.0 * encoder + 2.0 * decoder + attention));
    }
}
