//! The keys of a configuration: which are known, who reads them, what they become.

/// Who reads a key: the launcher, the model, or one of the two loaders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    Launcher,
    Model,
    Train,
    Eval,
}

use Section::{Eval, Launcher, Model, Train};

/// A key whose value goes into the manifest.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    /// Who reads it; a configuration without these sections may have it anywhere.
    pub sections: &'static [Section],
    /// Field of the manifest.
    pub becomes: &'static str,
}

const fn key(name: &'static str, sections: &'static [Section], becomes: &'static str) -> Key {
    Key { name, sections, becomes }
}

/// Keys whose values go into the manifest.
pub const KEYS: [Key; 37] = [
    key("run_name", &[Launcher], "name"),
    key("seed", &[Launcher], "seeds"),
    key("root_dir", &[Train, Eval], "data.path"),
    key("split", &[Train, Eval], "data.splits"),
    key("sample_from_k_augmentations", &[Train, Eval], "data.rows"),
    key("modalities", &[Model, Train, Eval], "modalities"),
    key("max_seq_lens", &[Model, Train, Eval], "modalities.length"),
    key("vocab_sizes", &[Model, Train, Eval], "modalities.vocab"),
    key("text_tokenizer_path", &[Train, Eval], "modalities.text"),
    key("text_max_length", &[Train, Eval], "modalities.text"),
    key("span_modalities", &[Train, Eval], "modalities.masking"),
    key("input_alphas", &[Train, Eval], "masking.input_alphas"),
    key("target_alphas", &[Train, Eval], "masking.target_alphas"),
    key("input_tokens_range", &[Train, Eval], "masking.input_tokens"),
    key("target_tokens_range", &[Train, Eval], "masking.target_tokens"),
    key("dim", &[Model], "model.dim"),
    key("enc_depth", &[Model], "model.enc_depth"),
    key("dec_depth", &[Model], "model.dec_depth"),
    key("head_dim", &[Model], "model.head_dim"),
    key("mlp_ratio", &[Model], "model.mlp_ratio"),
    key("init_std", &[Model], "model.init_std"),
    key("per_modality_loss_avg", &[Model], "train.loss"),
    key("batch_size", &[Launcher, Train], "train.batch"),
    key("total_tokens", &[Launcher], "train.tokens"),
    key("warmup_tokens", &[Launcher], "train.warmup_tokens"),
    key("num_tokens_per_sample", &[Launcher], "train.tokens_per_sample"),
    key("num_steps", &[Launcher], "train.tokens"),
    key("warmup_steps", &[Launcher], "train.warmup_tokens"),
    key("lr", &[Launcher], "train.lr"),
    key("min_lr", &[Launcher], "train.min_lr"),
    key("opt_betas", &[Launcher], "train.betas"),
    key("opt_eps", &[Launcher], "train.eps"),
    key("weight_decay", &[Launcher], "train.weight_decay"),
    key("clip_grad", &[Launcher], "train.clip"),
    key("grad_clip", &[Launcher], "train.clip"),
    key("eval_freq", &[Launcher], "train.eval_every"),
    key("save_ckpt_freq", &[Launcher], "train.checkpoint_every"),
];

/// A key that is no setting here: all but one of its values make another experiment.
#[derive(Debug)]
pub struct Fixed {
    pub name: &'static str,
    /// Who reads it; elsewhere in a loader it has no effect on the result.
    pub sections: &'static [Section],
    /// Values that mean what is done here, in lower case.
    pub same: &'static [&'static str],
    /// What any other value means, and what is done here.
    pub difference: &'static str,
    /// What it means where the key is absent, if not the same.
    pub absent: Option<&'static str>,
}

const fn fixed(
    name: &'static str,
    sections: &'static [Section],
    same: &'static [&'static str],
    difference: &'static str,
) -> Fixed {
    Fixed { name, sections, same, difference, absent: None }
}

const NO: &[&str] = &["false", "no", "off", "null", "none"];
const YES: &[&str] = &["true", "yes", "on"];

/// Keys that are no settings here.
pub const FIXED: [Fixed; 17] = [
    fixed("use_bias", &[Model], NO, "linear layers with biases: here they have none"),
    fixed("padding_idx", &[Model], &["-100"], "an id that is left out of the loss: here every target counts"),
    fixed("use_swiglu", &[Model], NO, "a SwiGLU feed-forward layer: here it is GELU"),
    fixed("use_rope", &[Model], NO, "rotary positions: here they are added sines and cosines"),
    fixed("use_qk_norm", &[Model], NO, "normalized queries and keys: here they are not"),
    fixed(
        "pos_encoding",
        &[Model],
        &["none", "sincos", "sin_cos", "sincos_1d", "null"],
        "other positions: here they are added sines and cosines",
    ),
    fixed(
        "init_strategy",
        &[Model],
        &["default", "normal", "gaussian", "none", "null"],
        "other initial weights: here they are normal(0, init_std)",
    ),
    fixed(
        "residual_scaling",
        &[Model],
        &["none", "null", "false"],
        "scaled residual branches: here they are added as they are",
    ),
    fixed(
        "overlap_vocab",
        &[Train, Eval],
        YES,
        "ids shifted by the vocabularies before them: here ids overlap",
    ),
    fixed(
        "overlap_posembs",
        &[Train, Eval],
        YES,
        "positions shifted by the lengths before them: here they overlap",
    ),
    fixed("shuffle", &[Train], YES, "clips in the order of their names: here they are shuffled"),
    Fixed {
        name: "drop_last",
        sections: &[Train],
        same: YES,
        difference: "a smaller last batch in every epoch: here all batches are whole",
        absent: Some(
            "the loader's default keeps a smaller last batch in every epoch: here all batches are whole",
        ),
    },
    Fixed {
        name: "infinite",
        sections: &[Train],
        same: YES,
        difference: "training that ends after one epoch: here it ends after its tokens",
        absent: Some("the loader's default ends after one epoch: here training ends after its tokens"),
    },
    fixed(
        "masking",
        &[Train, Eval],
        &["null", "none", "false"],
        "another way of masking than the published one",
    ),
    fixed(
        "masking_strategy",
        &[Train, Eval],
        &["random", "none", "null"],
        "another way of masking than the published one",
    ),
    fixed(
        "resume",
        &[Launcher],
        &["", "null", "none", "false"],
        "training that goes on from a checkpoint: here it begins anew",
    ),
    fixed(
        "start_iteration",
        &[Launcher],
        &["0", "null"],
        "training that goes on from a checkpoint: here it begins anew",
    ),
];

/// Keys that decide where and how fast, not what.
pub const WITHOUT_EFFECT: [&str; 30] = [
    "_convert_",
    "_recursive_",
    "auto_resume",
    "config_path",
    "device",
    "dist_url",
    "distributed",
    "find_unused_params",
    "log_every",
    "log_wandb",
    "no_auto_resume",
    "no_find_unused_params",
    "no_log_wandb",
    "num_workers",
    "output_dir",
    "persistent_workers",
    "pin_memory",
    "prefetch_factor",
    "print_freq",
    "rope_base",
    "enc_tokens_read_key",
    "dec_tokens_read_key",
    "enc_modalities_read_key",
    "dec_modalities_read_key",
    "enc_positions_read_key",
    "dec_positions_read_key",
    "enc_pad_mask_read_key",
    "dec_pad_mask_read_key",
    "wandb",
    "wandb_*",
];

/// The key of this name whose value goes into the manifest.
pub fn known(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name).or_else(|| OTHERS.iter().find(|key| key.name == name))
}

/// Keys that are read, but become no field of their own.
pub const OTHERS: [Key; 2] = [
    key("dtype", &[Launcher], "nothing: computed in float32"),
    key("save_every", &[Launcher], "train.checkpoint_every"),
];
