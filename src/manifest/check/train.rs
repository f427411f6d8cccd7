//! `model` and `train`: sizes that fit together, and optimization in range.

use super::bounds::{BATCH, DEPTH, DIM, MLP_RATIO, SAMPLE, STEPS};
use super::findings::Findings;
use crate::manifest::diagnostic::Finding;
use crate::manifest::schema::{Experiment, Model, Train};

pub(super) fn check(experiment: &Experiment, found: &mut Findings) {
    model(&experiment.model, found);
    schedule(&experiment.train, found);
    optimizer(&experiment.train, found);
}

fn model(m: &Model, found: &mut Findings) {
    for (path, value, most) in [
        ("model.dim", m.dim, DIM),
        ("model.head_dim", m.head_dim, DIM),
        ("model.enc_depth", m.enc_depth, DEPTH),
        ("model.dec_depth", m.dec_depth, DEPTH),
    ] {
        found.require(value >= 1, path, value, "at least 1");
        found.at_most(path, value, most);
    }
    if m.head_dim >= 1 && !m.dim.is_multiple_of(m.head_dim) {
        let expected = format!("a multiple of `head_dim`, {}", m.head_dim);
        found.require(false, "model.dim", m.dim, &expected);
    } else if !m.dim.is_multiple_of(2) {
        found.require(false, "model.dim", m.dim, "an even number: half sines, half cosines");
    }
    let hidden = m.mlp_ratio * m.dim as f64;
    let expected = format!("a number above 0, at most {MLP_RATIO}");
    let fits = m.mlp_ratio > 0.0 && m.mlp_ratio <= MLP_RATIO;
    found.require_number("model.mlp_ratio", m.mlp_ratio, fits, &expected);
    for (field, std) in [("model.init_std", m.init_std), ("model.embedding_std", m.embedding_std)] {
        found.require_number(field, std, std > 0.0 && std <= 10.0, "above 0, at most 10");
    }
    let (field, std) = ("model.logits_std", m.logits_std);
    found.require_number(field, std, (0.0..=10.0).contains(&std), "at least 0, at most 10");
    if m.mlp_ratio > 0.0 && m.dim >= 1 {
        found.require_number("model.mlp_ratio", hidden, hidden >= 1.0, "at least one hidden unit");
    }
}

fn schedule(t: &Train, found: &mut Findings) {
    found.require(t.batch >= 1, "train.batch", t.batch, "at least 1 clip");
    found.at_most("train.batch", t.batch, BATCH);
    if let Some(size) = t.micro_batch {
        let expected = format!("at least 1 and at most `batch`, {}, or None", t.batch);
        found.require((1..=t.batch.max(1)).contains(&size), "train.micro_batch", size, &expected);
    }
    found.require(t.tokens >= 1, "train.tokens", t.tokens, "at least 1");
    found.require(t.tokens_per_sample >= 1, "train.tokens_per_sample", t.tokens_per_sample, "at least 1");
    found.at_most("train.tokens_per_sample", t.tokens_per_sample, SAMPLE);
    let steps = t.steps();
    found.require(steps <= STEPS, "train.tokens", format!("{steps} steps"), &format!("at most {STEPS}"));
    if t.warmup_tokens > t.tokens {
        found.push(
            Finding::error("train.warmup_tokens", "the warmup is longer than the training")
                .found(t.warmup_tokens)
                .expected(format!("at most `tokens`, {}", t.tokens)),
        );
    }
}

fn optimizer(t: &Train, found: &mut Findings) {
    found.require_number("train.lr", t.lr, t.lr > 0.0, "a number above 0");
    found.require_number("train.min_lr", t.min_lr, t.min_lr >= 0.0, "0 or more");
    if t.lr > 0.0 && t.min_lr > t.lr && t.min_lr.is_finite() {
        found.push(
            Finding::error("train.min_lr", "the final learning rate is above the peak")
                .found(t.min_lr)
                .expected(format!("at most `lr`, {}", t.lr)),
        );
    }
    for (i, beta) in [t.betas.0, t.betas.1].into_iter().enumerate() {
        let path = format!("train.betas[{i}]");
        found.require_number(&path, beta, (0.0..1.0).contains(&beta), "0 or more, below 1");
    }
    let some = t.eps as f32 > 0.0;
    found.require_number("train.eps", t.eps, some, "a number above 0, in float32 too (1e-45 and more)");
    found.require_number("train.weight_decay", t.weight_decay, t.weight_decay >= 0.0, "0 or more");
    if let Some(clip) = t.clip {
        found.require_number("train.clip", clip, clip > 0.0, "a number above 0, or None");
    }
}
