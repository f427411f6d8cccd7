//! The reference's YAML configuration → a manifest.
//!
//! Only what the reference documents (model, modalities, masking, optimization) is understood, under the
//! names in [`KEYS`]; sections may be nested in any way, `${a.b}` stands for the value at `a.b`. Every other
//! key is refused by name: a setting that is dropped silently would give another experiment.

use crate::fault::{Fault, Result};
use crate::manifest::schema::{
    Data, Experiment, Loss, Masking, Model, PerModality, Probe, Seeds, Train, SCHEMA,
};
use crate::modality::{Modality, Strategy, Text};
use crate::suggest;
use serde::de::DeserializeOwned;
use serde_yaml_ng::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Keys that are understood, with what they become.
pub const KEYS: [(&str, &str); 30] = [
    ("run_name", "name"),
    ("seed", "seeds"),
    ("root_dir", "data.path"),
    ("modalities", "modalities"),
    ("max_seq_lens", "modalities.length"),
    ("vocab_sizes", "modalities.vocab"),
    ("input_alphas", "masking.input_alphas"),
    ("target_alphas", "masking.target_alphas"),
    ("input_tokens_range", "masking.input_tokens"),
    ("target_tokens_range", "masking.target_tokens"),
    ("dim", "model.dim"),
    ("enc_depth", "model.enc_depth"),
    ("dec_depth", "model.dec_depth"),
    ("head_dim", "model.head_dim"),
    ("mlp_ratio", "model.mlp_ratio"),
    ("init_std", "model.init_std, model.embedding_std"),
    ("per_modality_loss_avg", "train.loss"),
    ("batch_size", "train.batch"),
    ("total_tokens", "train.tokens, in millions"),
    ("warmup_tokens", "train.warmup_tokens, in millions"),
    ("num_tokens_per_sample", "train.tokens_per_sample"),
    ("lr", "train.lr"),
    ("min_lr", "train.min_lr"),
    ("adam_beta1", "train.betas"),
    ("adam_beta2", "train.betas"),
    ("adam_eps", "train.eps"),
    ("weight_decay", "train.weight_decay"),
    ("clip_grad", "train.clip"),
    ("use_bias", "nothing: must be false"),
    ("dtype", "nothing: must be fp32"),
];

/// Keys that decide where and how fast, not what: they have no place in a manifest.
pub const WITHOUT_EFFECT: [&str; 12] = [
    "_target_",
    "distributed",
    "infinite",
    "log_wandb",
    "num_workers",
    "output_dir",
    "pin_memory",
    "print_freq",
    "wandb_entity",
    "wandb_project",
    "wandb_run_name",
    "wandb_tags",
];

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
    let root: Value = serde_yaml_ng::from_str(text).map_err(|e| Fault::invalid(format!("not YAML: {e}")))?;
    let mut found = Found::default();
    collect(&root, &root, "", ignore, &mut found)?;
    if !found.unknown.is_empty() {
        return Err(unknown(&found.unknown));
    }
    let keys = Keys(found.values);
    let mut notes: Vec<String> = found.left_out.iter().map(|k| format!("left out: `{k}`")).collect();
    let experiment = experiment(&keys, name, &mut notes)?;
    Ok(Imported { experiment, notes })
}

#[derive(Default)]
struct Found {
    /// Key → its value and where it stands.
    values: BTreeMap<String, (Value, String)>,
    unknown: Vec<String>,
    left_out: BTreeSet<String>,
}

fn collect(node: &Value, root: &Value, path: &str, ignore: &[String], found: &mut Found) -> Result<()> {
    let Value::Mapping(map) = node else {
        return Err(Fault::invalid("the configuration is not a mapping of keys to values"));
    };
    for (key, value) in map {
        let key = key.as_str().unwrap_or_default();
        let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let value = reference(value, root, &path)?;
        let known = KEYS.iter().any(|(k, _)| *k == key);
        if ignore.iter().any(|i| i == key || *i == path) || WITHOUT_EFFECT.contains(&key) {
            found.left_out.insert(path);
        } else if known {
            keep(key, value, path, found)?;
        } else if value.is_mapping() {
            collect(value, root, &path, ignore, found)?;
        } else {
            found.unknown.push(path);
        }
    }
    Ok(())
}

/// One key may stand in several sections if it says the same everywhere.
fn keep(key: &str, value: &Value, path: String, found: &mut Found) -> Result<()> {
    match found.values.get(key) {
        Some((old, place)) if old != value => Err(Fault::invalid(format!("`{key}` has two values"))
            .at(path.clone())
            .found(format!("{} at {path}, {} at {place}", show(value), show(old)))
            .help(format!("--ignore {path} leaves one of them out"))),
        _ => {
            found.values.insert(key.to_owned(), (value.clone(), path));
            Ok(())
        }
    }
}

/// `${a.b}` → the value at `a.b`.
fn reference<'v>(value: &'v Value, root: &'v Value, path: &str) -> Result<&'v Value> {
    let target = |v: &'v Value| v.as_str()?.strip_prefix("${")?.strip_suffix('}');
    let mut value = value;
    // A reference to a reference is followed; a circle ends.
    for _ in 0..8 {
        let Some(to) = target(value) else { return Ok(value) };
        value = to
            .split('.')
            .try_fold(root, |node, key| node.get(key))
            .ok_or_else(|| Fault::invalid(format!("`${{{to}}}` leads nowhere")).at(path.to_owned()))?;
    }
    Err(Fault::invalid("references that lead in a circle").at(path.to_owned()))
}

fn unknown(paths: &[String]) -> Fault {
    let lines: Vec<String> = paths
        .iter()
        .map(|path| {
            let key = path.rsplit('.').next().unwrap_or(path);
            match suggest::nearest(key, KEYS.iter().map(|(k, _)| *k)) {
                Some(near) => format!("`{path}` (did you mean `{near}`?)"),
                None => format!("`{path}`"),
            }
        })
        .collect();
    let s = if paths.len() == 1 { "a key" } else { "keys" };
    Fault::invalid(format!("{s} whose meaning here is not known: {}", lines.join(", ")))
        .help("`nano4m import --help` lists the known ones; --ignore KEY leaves one out knowingly")
}

struct Keys(BTreeMap<String, (Value, String)>);

impl Keys {
    fn get<T: DeserializeOwned>(&self, key: &str, expected: &str) -> Result<Option<T>> {
        let Some((value, path)) = self.0.get(key) else { return Ok(None) };
        serde_yaml_ng::from_value(value.clone()).map(Some).map_err(|_| {
            Fault::invalid(format!("`{key}` cannot hold this value"))
                .at(path.clone())
                .found(show(value))
                .expected(expected)
        })
    }

    fn or<T: DeserializeOwned>(&self, key: &str, expected: &str, default: T) -> Result<T> {
        Ok(self.get(key, expected)?.unwrap_or(default))
    }

    fn need<T: DeserializeOwned>(&self, key: &str, expected: &str) -> Result<T> {
        self.get(key, expected)?
            .ok_or_else(|| Fault::invalid(format!("`{key}` is missing")).expected(expected))
    }

    /// One entry for each of the modalities.
    fn list<T: DeserializeOwned>(
        &self,
        key: &str,
        expected: &str,
        names: &[String],
    ) -> Result<Option<Vec<T>>> {
        let Some(list) = self.get::<Vec<T>>(key, expected)? else { return Ok(None) };
        match list.len() == names.len() {
            true => Ok(Some(list)),
            false => Err(Fault::invalid(format!("`{key}` is not as long as `modalities`"))
                .found(list.len())
                .expected(names.len())),
        }
    }
}

fn experiment(keys: &Keys, name: &str, notes: &mut Vec<String>) -> Result<Experiment> {
    only(keys, "use_bias", &["false"])?;
    only(keys, "dtype", &["fp32", "float32"])?;
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

/// A key that may only have the one value this program computes with.
fn only(keys: &Keys, key: &str, allowed: &[&str]) -> Result<()> {
    match keys.0.get(key) {
        Some((value, path)) if !allowed.contains(&show(value).as_str()) => {
            Err(Fault::invalid(format!("`{key}` has no counterpart here"))
                .at(path.clone())
                .found(show(value))
                .expected(allowed[0]))
        }
        _ => Ok(()),
    }
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
        let each = || PerModality::Each(names.iter().cloned().zip(list.clone()).collect());
        Ok::<_, Fault>(if same && !list.is_empty() { PerModality::All(list[0]) } else { each() })
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
        tokens: millions(keys, "total_tokens")?.unwrap_or(default.tokens),
        tokens_per_sample: keys.or("num_tokens_per_sample", n, default.tokens_per_sample)?,
        warmup_tokens: millions(keys, "warmup_tokens")?.unwrap_or(default.warmup_tokens),
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

/// A number of tokens, in millions. One that is already in tokens would be a million times too long.
fn millions(keys: &Keys, key: &str) -> Result<Option<u64>> {
    let Some(value) = keys.get::<f64>(key, "millions of tokens")? else { return Ok(None) };
    match (0.0..1e6).contains(&value) {
        true => Ok(Some((value * 1e6).round() as u64)),
        false => Err(Fault::invalid(format!("`{key}` is counted in millions"))
            .found(value)
            .expected("less than a million millions, e.g. 600 for 600 million tokens")),
    }
}

fn show(value: &Value) -> String {
    serde_yaml_ng::to_string(value).map_or_else(|_| format!("{value:?}"), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests;
