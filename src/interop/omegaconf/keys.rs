//! The keys of a configuration: which are known, where they stand, what they say.

use crate::fault::{Fault, Result};
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

/// The keys of a configuration, and those that were left out.
///
/// # Errors
/// Exit 2: not YAML, unknown keys (all of them, each with the nearest known one), or one key with two values.
pub fn read(text: &str, ignore: &[String]) -> Result<(Keys, Vec<String>)> {
    let root: Value = serde_yaml_ng::from_str(text).map_err(|e| Fault::invalid(format!("not YAML: {e}")))?;
    let mut found = Collected::default();
    collect(&root, &root, "", ignore, &mut found)?;
    if !found.unknown.is_empty() {
        return Err(unknown(&found.unknown));
    }
    Ok((Keys(found.values), found.left_out.into_iter().collect()))
}

#[derive(Default)]
struct Collected {
    /// Key → its value and where it stands.
    values: BTreeMap<String, (Value, String)>,
    unknown: Vec<String>,
    left_out: BTreeSet<String>,
}

fn collect(node: &Value, root: &Value, path: &str, ignore: &[String], found: &mut Collected) -> Result<()> {
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
fn keep(key: &str, value: &Value, path: String, found: &mut Collected) -> Result<()> {
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

/// Key → its value and where it stands.
pub struct Keys(BTreeMap<String, (Value, String)>);

impl Keys {
    /// What `key` says; `None` where it is not there.
    pub fn get<T: DeserializeOwned>(&self, key: &str, expected: &str) -> Result<Option<T>> {
        let Some((value, path)) = self.0.get(key) else { return Ok(None) };
        serde_yaml_ng::from_value(value.clone()).map(Some).map_err(|_| {
            Fault::invalid(format!("`{key}` cannot hold this value"))
                .at(path.clone())
                .found(show(value))
                .expected(expected)
        })
    }

    pub fn or<T: DeserializeOwned>(&self, key: &str, expected: &str, default: T) -> Result<T> {
        Ok(self.get(key, expected)?.unwrap_or(default))
    }

    pub fn need<T: DeserializeOwned>(&self, key: &str, expected: &str) -> Result<T> {
        self.get(key, expected)?
            .ok_or_else(|| Fault::invalid(format!("`{key}` is missing")).expected(expected))
    }

    /// One entry for each of the modalities.
    pub fn list<T: DeserializeOwned>(
        &self,
        key: &str,
        expected: &str,
        names: &[String],
    ) -> Result<Option<Vec<T>>> {
        let Some(list) = self.get::<Vec<T>>(key, expected)? else { return Ok(None) };
        if list.len() == names.len() {
            return Ok(Some(list));
        }
        Err(Fault::invalid(format!("`{key}` is not as long as `modalities`"))
            .found(list.len())
            .expected(names.len()))
    }

    /// A key that may only have the one value this program computes with.
    pub fn only(&self, key: &str, allowed: &[&str]) -> Result<()> {
        match self.0.get(key) {
            Some((value, path)) if !allowed.contains(&show(value).as_str()) => {
                Err(Fault::invalid(format!("`{key}` has no counterpart here"))
                    .at(path.clone())
                    .found(show(value))
                    .expected(allowed[0]))
            }
            _ => Ok(()),
        }
    }

    /// A number of tokens, in millions. One that is already in tokens would be a million times too long.
    pub fn millions(&self, key: &str) -> Result<Option<u64>> {
        let Some(value) = self.get::<f64>(key, "millions of tokens")? else { return Ok(None) };
        if (0.0..1e6).contains(&value) {
            return Ok(Some((value * 1e6).round() as u64));
        }
        Err(Fault::invalid(format!("`{key}` is counted in millions"))
            .found(value)
            .expected("less than a million millions, e.g. 600 for 600 million tokens"))
    }
}

fn show(value: &Value) -> String {
    serde_yaml_ng::to_string(value).map_or_else(|_| format!("{value:?}"), |text| text.trim().to_owned())
}
