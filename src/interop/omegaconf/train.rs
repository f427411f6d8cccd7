//! Optimization: budgets and cadences are counted in tokens there, cadences in steps here.

use super::keys::Section;
use super::node::Node;
use super::values::{size, two_values, Values};
use crate::fault::Fault;
use crate::manifest::schema::{Loss, Masking, Train};

/// Clips a step of one GPU, where the launcher is not told.
const LAUNCHER_BATCH: usize = 256;
/// Clips of a batch, where the loader is not told.
const LOADER_BATCH: usize = 64;
/// Tokens between evaluations, and between checkpoints, where the launcher is not told.
const CADENCE: u64 = 100_000_000;

/// Optimization on `gpus` GPUs.
pub fn train(values: &Values, masking: &Masking, gpus: usize) -> Train {
    precision(values);
    let (n, x) = ("a whole number, 1 or more", "a number");
    let positive = |node: &Node| size(node).filter(|n| *n >= 1);
    let batch = batch(values).saturating_mul(gpus);
    let by_steps = values.setting("num_steps").is_some();
    let per_sample = if by_steps && values.setting("num_tokens_per_sample").is_none() {
        masking.input_tokens.1.saturating_add(masking.target_tokens.1).max(1)
    } else {
        values.need("num_tokens_per_sample", positive, n).unwrap_or(1)
    };
    let by_modality = values.or("per_modality_loss_avg", Node::flag, "true or false", (true, "True"));
    let step = (batch as u64).saturating_mul(per_sample as u64).max(1);
    let (tokens, warmup_tokens) = if by_steps { steps(values, step) } else { tokens(values) };
    let cadence = |key: &str| {
        if values.setting(key).is_none() {
            values.absent(key, "every 100 million tokens");
        }
        values.millions(key).unwrap_or(CADENCE).div_ceil(step)
    };
    let default = Train::default();
    Train {
        batch,
        tokens,
        tokens_per_sample: per_sample,
        warmup_tokens,
        lr: values.or("lr", Node::number, x, (3e-4, "0.0003")),
        min_lr: values.or("min_lr", Node::number, x, (1e-6, "1e-6")),
        betas: values.or("opt_betas", betas, "two numbers", ((0.9, 0.95), "[0.9, 0.95]")),
        eps: values.or("opt_eps", Node::number, x, (1e-8, "1e-8")),
        weight_decay: values.or("weight_decay", Node::number, x, (0.05, "0.05")),
        clip: clip(values),
        loss: if by_modality { Loss::PerModalityMean } else { Loss::TokenMean },
        eval_every: cadence("eval_freq"),
        checkpoint_every: match values.get("save_every", Node::whole, "a number of steps") {
            Some(steps) => steps,
            None => cadence("save_ckpt_freq"),
        },
        ..default
    }
}

/// Clips of a step on one GPU: the launcher counts with its own number, the loader loads its own.
fn batch(values: &Values) -> usize {
    let positive = |node: &Node| size(node).filter(|n| *n >= 1);
    let read = |setting| values.read(setting, positive, "a whole number, 1 or more");
    let counted = values.setting_in("batch_size", Section::Launcher);
    let loaded = values.setting_in("batch_size", Section::Train);
    match (counted, loaded) {
        (Some(counted), Some(loaded)) => {
            if !counted.value.same(&loaded.value) {
                values.problems.push(two_values("batch_size", counted, loaded));
            }
            read(counted).unwrap_or(1)
        }
        (Some(one), None) | (None, Some(one)) if !values.settings.launcher => read(one).unwrap_or(1),
        (None, None) if !values.settings.launcher => {
            values.missing("batch_size", "clips of a step");
            1
        }
        (counted, loaded) => {
            let (there, path, whose, default) = match (counted, loaded) {
                (Some(one), _) => (read(one), one.path.as_str(), "loader", LOADER_BATCH),
                (_, Some(one)) => (read(one), one.path.as_str(), "launcher", LAUNCHER_BATCH),
                (None, None) => (Some(LAUNCHER_BATCH), "the launcher, by default", "loader", LOADER_BATCH),
            };
            let there = there.unwrap_or(default);
            if there == default {
                values.problems.note(format!(
                    "`batch_size` of the {whose} is absent: {default}, the published {whose}'s default"
                ));
            } else {
                values.problems.push(
                    Fault::invalid("`batch_size` has two values")
                        .found(format!("{there} at {path}, {default} of the {whose}, which is not told"))
                        .help("write `batch_size` both at the top level and in `train_loader_config`"),
                );
            }
            there
        }
    }
}

/// The published launcher's budget, in millions of tokens.
fn tokens(values: &Values) -> (u64, u64) {
    values.need("total_tokens", Node::number, "millions of tokens");
    if values.setting("warmup_tokens").is_none() {
        values.absent("warmup_tokens", "0");
    }
    if let Some(setting) = values.setting("warmup_steps") {
        values.problems.push(
            Fault::invalid("a warmup in steps beside a budget in tokens")
                .at(setting.path.clone())
                .help("write `warmup_tokens`, in millions"),
        );
    }
    let total = values.setting("total_tokens").and_then(|_| values.millions("total_tokens"));
    (total.unwrap_or(1), values.millions("warmup_tokens").unwrap_or(0))
}

/// The budget of a launcher of its own, in steps.
fn steps(values: &Values, step: u64) -> (u64, u64) {
    for key in ["total_tokens", "warmup_tokens"] {
        if let Some(setting) = values.setting(key) {
            values.problems.push(
                Fault::invalid("a budget in tokens beside one in steps, `num_steps`")
                    .at(setting.path.clone())
                    .help(format!("--ignore {key} or --ignore num_steps")),
            );
        }
    }
    values.problems.note(format!(
        "`num_steps`: the schedule is counted in steps, of {step} tokens each here; what such a launcher does \
         by itself (seed, betas, warmup's shape, final rate) is not in the configuration: the published one's"
    ));
    let count = |key: &str| {
        let steps = values.get(key, Node::whole, "a number of steps");
        steps.map(|steps| {
            steps.checked_mul(step).unwrap_or_else(|| {
                values.problems.push(Fault::invalid(format!("`{key}` has more tokens than can be counted")));
                1
            })
        })
    };
    if values.setting("warmup_steps").is_none() {
        values.absent("warmup_steps", "0");
    }
    (count("num_steps").unwrap_or(1), count("warmup_steps").unwrap_or(0))
}

/// `clip_grad`, or its other name; absent and null: never.
fn clip(values: &Values) -> Option<f64> {
    let clip = |node: &Node| match node {
        Node::Null => Some(None),
        node => node.number().map(Some),
    };
    let read = |key: &str| values.get(key, clip, "a number or null");
    let (published, other) = (values.setting("clip_grad"), values.setting("grad_clip"));
    match (published, other) {
        (None, None) => values.absent("clip_grad", "no clipping"),
        (Some(a), Some(b)) if !a.value.same(&b.value) => values.problems.push(two_values("clip_grad", a, b)),
        _ => {}
    }
    read("clip_grad").or_else(|| read("grad_clip")).flatten()
}

fn betas(node: &Node) -> Option<(f64, f64)> {
    match node.list(Node::number)?.as_slice() {
        [first, second] => Some((*first, *second)),
        _ => None,
    }
}

/// Half precision changes rounding, not the experiment: it is said, not refused.
fn precision(values: &Values) {
    let Some(setting) = values.setting("dtype") else {
        if values.settings.launcher {
            values
                .problems
                .note("`dtype` is absent: float16, the published launcher's default; computed in float32");
        }
        return;
    };
    let dtype = setting.value.text().unwrap_or_default();
    match dtype.as_str() {
        "fp32" | "float32" => {}
        "fp16" | "float16" | "bf16" | "bfloat16" => values.problems.note(format!(
            "`{}` is {dtype}: computed in float32 here, so losses agree up to rounding, not to the bit",
            setting.path
        )),
        _ => values.problems.push(
            Fault::invalid("an unknown number type")
                .at(setting.path.clone())
                .found(setting.value.show())
                .expected("float32, float16 or bfloat16 (computed in float32)"),
        ),
    }
}
