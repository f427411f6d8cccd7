//! `modalities`: names, sizes, and what captions, grids and spans need.

use super::bounds::{LENGTH, NAME, VOCAB};
use super::data::is_folder;
use super::findings::Findings;
use crate::manifest::diagnostic::Finding;
use crate::metrics::catalogue::ambiguous;
use crate::modality::{Modality, Strategy, Text};

/// GPT-2's 50,257 ids and three special ones (REFERENCE §2).
const GPT2_IDS: usize = 50_260;
/// Four special ids and one word.
const WORDS_IDS: usize = 5;

pub(super) fn check(modalities: &[Modality], found: &mut Findings) {
    if modalities.is_empty() {
        found.push(Finding::error("modalities", "`modalities` is empty").expected("at least one modality"));
    }
    for (i, m) in modalities.iter().enumerate() {
        let at = |field: &str| format!("modalities[{i}].{field}");
        name(modalities, i, found);
        found.require(m.length >= 1, &at("length"), m.length, "at least 1");
        found.at_most(&at("length"), m.length, LENGTH);
        found.require(m.vocab >= 2, &at("vocab"), m.vocab, "at least 2");
        found.at_most(&at("vocab"), m.vocab, VOCAB);
        found.require(m.codebooks >= 1, &at("codebooks"), m.codebooks, "at least 1");
        found.at_most(&at("codebooks"), m.codebooks, m.length.max(1));
        codebooks(m, &at("codebooks"), found);
        text(m, &at("text"), &at("vocab"), found);
        grid(m, &at("grid"), found);
        strategy(m, &at("masking"), found);
    }
}

fn name(modalities: &[Modality], i: usize, found: &mut Findings) {
    let (path, name) = (format!("modalities[{i}].name"), &modalities[i].name);
    if !is_folder(name) {
        found.push(
            Finding::error(&path, "the modality's name is not a folder name")
                .found(format!("{name:?}"))
                .expected("the name of its folder in the dataset, e.g. \"tok_rgb@196\""),
        );
    }
    let characters = name.chars().count();
    found.require(characters <= NAME, &path, format!("{characters} characters"), &format!("at most {NAME}"));
    if let Some(why) = ambiguous(name).filter(|_| is_folder(name)) {
        found.push(
            Finding::error(&path, "the modality's name is a word of metrics")
                .found(format!("{name:?}"))
                .expected("a name that a metric's key cannot be misread at")
                .help(format!("{why}: rename the modality, and its folder in the dataset")),
        );
    }
    if let Some(first) = modalities[..i].iter().position(|m| m.name == *name) {
        found.push(
            Finding::error(&path, format!("two modalities are named `{name}`"))
                .help(format!("modalities[{first}] already has this name")),
        );
    }
}

fn codebooks(m: &Modality, path: &str, found: &mut Findings) {
    if m.codebooks > 1 && !m.length.is_multiple_of(m.codebooks) {
        found.warn(
            Finding::error(path, format!("the last frame of `{}` is incomplete", m.name))
                .found(format!("length {} with {} codebooks", m.length, m.codebooks))
                .expected("a length that is a multiple of the codebooks"),
        );
    }
}

fn text(m: &Modality, path: &str, vocab_path: &str, found: &mut Findings) {
    let Some(text) = m.text else { return };
    let (needed, why) = match text {
        Text::Gpt2 => (GPT2_IDS, "50260 for Gpt2 (the published model has 50304)"),
        Text::Words => (WORDS_IDS, "5 for Words: four special ids and a word"),
    };
    if m.vocab < needed {
        found.push(
            Finding::error(vocab_path, format!("the vocabulary of `{}` is too small for its text", m.name))
                .found(m.vocab)
                .expected(format!("at least {why}")),
        );
    }
    found.require(m.length >= 3, path, format!("length {}", m.length), "room for [SOS], a token and [EOS]");
}

fn grid(m: &Modality, path: &str, found: &mut Findings) {
    if let Some((rows, columns)) = m.grid {
        if rows.checked_mul(columns) != Some(m.length) {
            found.push(
                Finding::error(path, format!("the grid of `{}` does not have its length", m.name))
                    .found(format!("{rows} × {columns}"))
                    .expected(format!("rows × columns = {}", m.length)),
            );
        }
    }
}

fn strategy(m: &Modality, path: &str, found: &mut Findings) {
    match m.masking {
        Strategy::Random => {}
        Strategy::Span { stride, aligned } => {
            let at = format!("{path}.stride");
            let fits = (1..=m.length).contains(&stride);
            found.require(fits, &at, stride, &format!("1 to the length, {}", m.length));
            if fits && aligned && m.codebooks > 1 && !stride.is_multiple_of(m.codebooks) {
                found.warn(
                    Finding::error(&at, format!("spans of `{}` cut through frames", m.name))
                        .found(format!("stride {stride} with {} codebooks", m.codebooks))
                        .expected("a stride that is a multiple of the codebooks"),
                );
            }
        }
        Strategy::Block2d => {
            if m.grid_or_square().is_none() {
                found.push(
                    Finding::error(path, format!("Block2d needs a grid: {} is not a square", m.length))
                        .help("add `grid: (rows, columns)`"),
                );
            }
        }
    }
}
