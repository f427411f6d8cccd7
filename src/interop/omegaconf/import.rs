//! What the keys mean.

use super::keys::{self, Keys};
use crate::fault::{Fault, Result};
use crate::manifest::schema::{
    Data, Experiment, Loss, Masking, Model, PerModality, Probe, Seeds, Train, SCHEMA,
};
use crate::modality::{Modality, Strategy, Text};

/// An imported configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    pub experiment: Experiment,
    /// Keys that were left out, and what was assumed.
    pub notes: Vec<String>,
}

/// Translates the text of a configuration; `ignore` are keys to leave out knowingly, `name` is the
/// experiment's where the configuration gives none.
///
/// # Errors
/// Exit 2: not YAML, unknown keys (all of them, each with the nearest known one), one key with two
/// values, a missing key, or a value that cannot be what it should.
pub fn import(text: &str, name: &str, ignore: &[String]) -> Result<Imported> {
    let (keys, left_out) = keys::read(text, ignore)?;
    let mut notes: Vec<String> = left_out.iter().map(|key| format!("left out: `{key}`")).collect();
    let experiment = experiment(&keys, name, &mut notes)?;
    Ok(Imported { experiment, notes })
}

fn experiment(keys: &Keys, name: &str, notes: &mut Vec<String>) -> Result<Experiment> {
    keys.only("use_bias", &["false"])?;
    keys.only("dtype", &["fp32", "float32"])?;
    let names: Vec<String> = keys.need("modalities", "a list of names")?;
    let (n, x) = ("a whole number", "a number");
    let model = Model::default();
    let std = keys.or("init_std", x, model.init_std)?;
    let seed = keys.or("seed", n, Seeds::default().init)?;
    Ok(Experiment {
        schema: SCHEMA,
        name: keys.get("run_name", "a name")?.filter(|n| n != "auto").unwrap_or_else(|| name.to_owned()),
        about: String::new(),
        seeds: Seeds { init: seed, data: seed, masking: seed, probes: seed },
        data: Data {
            path: Some(keys.need("root_dir", "folder or archive of the tokens")?),
            ..Data::default()
        },
        modalities: modalities(keys, &names, notes)?,
        masking: masking(keys, &names)?,
        model: Model {
            dim: keys.or("dim", n, model.dim)?,
            enc_depth: keys.or("enc_depth", n, model.enc_depth)?,
            dec_depth: keys.or("dec_depth", n, model.dec_depth)?,
            head_dim: keys.or("head_dim", n, model.head_dim)?,
            mlp_ratio: keys.or("mlp_ratio", x, model.mlp_ratio)?,
            init_std: std,
            embedding_std: std,
            ..model
        },
        train: train(keys)?,
        probes: vec![Probe::CrossEntropy { masks: 2, masking: None, directions: vec![] }],
        claims: Vec::new(),
        pins: None,
    })
}

/// Tokenizers are known by their names (REFERENCE §2): EnCodec audio has two interleaved codebooks and
/// span masking, captions are GPT-2's.
fn modalities(keys: &Keys, names: &[String], notes: &mut Vec<String>) -> Result<Vec<Modality>> {
    let numbers = |key| {
        let list = keys.list::<usize>(key, "a list of whole numbers", names)?;
        list.ok_or_else(|| Fault::invalid(format!("`{key}` is missing")).expected("a list of whole numbers"))
    };
    let (lengths, vocabs) = (numbers("max_seq_lens")?, numbers("vocab_sizes")?);
    let modality = |((name, length), vocab): ((&String, usize), usize)| {
        let (audio, caption) = (name.starts_with("tok_audio"), name == "scene_desc");
        if audio {
            notes.push(format!("assumed of `{name}`: 2 codebooks, masking Span(stride: 2)"));
        }
        if caption {
            notes.push(format!("assumed of `{name}`: text Gpt2"));
        }
        Modality {
            name: name.clone(),
            length,
            vocab,
            codebooks: if audio { 2 } else { 1 },
            grid: None,
            text: caption.then_some(Text::Gpt2),
            masking: if audio { Strategy::Span { stride: 2, aligned: true } } else { Strategy::Random },
        }
    };
    Ok(names.iter().zip(lengths).zip(vocabs).map(modality).collect())
}

fn masking(keys: &Keys, names: &[String]) -> Result<Masking> {
    let default = Masking::default();
    let alphas = |key, default| {
        let Some(list) = keys.list::<f64>(key, "a list of numbers", names)? else { return Ok(default) };
        let same = list.iter().all(|a| *a == list[0]);
        let by_name = || PerModality::Each(names.iter().cloned().zip(list.clone()).collect());
        Ok::<_, Fault>(if same && !list.is_empty() { PerModality::All(list[0]) } else { by_name() })
    };
    Ok(Masking {
        input_tokens: keys.or("input_tokens_range", "[from, to]", default.input_tokens)?,
        target_tokens: keys.or("target_tokens_range", "[from, to]", default.target_tokens)?,
        input_alphas: alphas("input_alphas", default.input_alphas)?,
        target_alphas: alphas("target_alphas", default.target_alphas)?,
        ratio: None,
        directions: Vec::new(),
    })
}

fn train(keys: &Keys) -> Result<Train> {
    let default = Train::default();
    let (n, x) = ("a whole number", "a number");
    let mean = keys.or("per_modality_loss_avg", "true or false", true)?;
    Ok(Train {
        batch: keys.or("batch_size", n, default.batch)?,
        tokens: keys.millions("total_tokens")?.unwrap_or(default.tokens),
        tokens_per_sample: keys.or("num_tokens_per_sample", n, default.tokens_per_sample)?,
        warmup_tokens: keys.millions("warmup_tokens")?.unwrap_or(default.warmup_tokens),
        lr: keys.or("lr", x, default.lr)?,
        min_lr: keys.or("min_lr", x, default.min_lr)?,
        betas: (keys.or("adam_beta1", x, default.betas.0)?, keys.or("adam_beta2", x, default.betas.1)?),
        eps: keys.or("adam_eps", x, default.eps)?,
        weight_decay: keys.or("weight_decay", x, default.weight_decay)?,
        clip: keys.get::<Option<f64>>("clip_grad", "a number or null")?.unwrap_or(default.clip),
        loss: if mean { Loss::PerModalityMean } else { Loss::TokenMean },
        ..default
    })
}
