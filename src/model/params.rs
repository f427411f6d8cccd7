//! The parameters of FourM: names, shapes and initial values (REFERENCE §1).

use super::network::Config;
use crate::rng::{stream, Purpose};
use rand_distr::{Distribution, Normal};

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

/// Hidden width of the MLP: `int(dim · mlp_ratio)`.
pub fn hidden(config: &Config) -> usize {
    (config.dim as f64 * config.mlp_ratio) as usize
}

/// Every trainable parameter, in the order in which the model numbers them.
pub fn specs(config: &Config) -> Vec<Spec> {
    let (d, v, n, h) = (config.dim, config.vocab(), config.modalities.len(), hidden(config));
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

/// Initial values of parameter number `index`: a function of the seed, the index and `std`.
pub fn initial(spec: &Spec, seed: u64, index: usize, std: &InitialStd) -> Vec<f32> {
    let std = match spec.kind {
        Kind::Norm => return vec![1.0; spec.numel()],
        Kind::Bias => return vec![0.0; spec.numel()],
        Kind::Weight => std.linear,
        Kind::Embedding => std.embedding,
        Kind::Logits => std.logits,
    };
    let normal = Normal::new(0.0_f32, std as f32).expect("a checked manifest has no negative deviation");
    normal.sample_iter(stream(seed, Purpose::Init, &[index as u64])).take(spec.numel()).collect()
}

/// The fixed sin–cos table `[positions, dim]`: row n = [sin(n·ω) ‖ cos(n·ω)], ω_d = 10000^(−d/(dim/2)).
pub fn positions(config: &Config) -> Vec<f32> {
    let half = config.dim / 2;
    let rows = config.modalities.iter().map(|m| m.length).max().unwrap_or(0);
    let mut table = Vec::with_capacity(rows * config.dim);
    for n in 0..rows {
        let angle = |d: usize| n as f64 * 10000_f64.powf(-(d as f64) / half as f64);
        table.extend((0..half).map(|d| angle(d).sin() as f32));
        table.extend((0..half).map(|d| angle(d).cos() as f32));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modality::Modality;

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
        assert_eq!(specs(&published()).iter().map(Spec::numel).sum::<usize>(), 95_838_720);
    }

    #[test]
    fn initial_values_follow_the_reference() {
        let spec = Spec { name: "w".into(), shape: vec![100, 100], kind: Kind::Weight };
        let std = InitialStd { linear: 0.02, embedding: 1.0, logits: 0.0 };
        let w = initial(&spec, 42, 3, &std);
        let mean = w.iter().map(|x| *x as f64).sum::<f64>() / w.len() as f64;
        let var = w.iter().map(|x| (*x as f64 - mean).powi(2)).sum::<f64>() / w.len() as f64;
        assert!(mean.abs() < 1e-3 && (var.sqrt() - 0.02).abs() < 5e-4);
        assert_eq!(w, initial(&spec, 42, 3, &std));
        assert_ne!(w, initial(&spec, 42, 4, &std));
        let logits = Spec { kind: Kind::Logits, ..spec };
        assert!(initial(&logits, 42, 3, &std).iter().all(|x| *x == 0.0));
    }
}
