//! Modalities and masking, as the published loader takes them.

use super::node::{shorten, Node};
use super::values::{size, Values};
use crate::fault::Fault;
use crate::manifest::schema::{Masking, PerModality};
use crate::modality::{Modality, Strategy, Text};
use std::collections::BTreeMap;

/// GPT-2's ids with `[PAD]`, `[SOS]` and `[EOS]`.
const GPT2_IDS: usize = 50_260;
/// Ids of one EnCodec codebook.
const CODEBOOK: usize = 1024;
/// The published loader's default.
const TEXT_LENGTH: usize = 256;

/// The modalities, in the model's order; empty where they cannot be read.
pub fn modalities(values: &Values) -> Vec<Modality> {
    let names = names(values);
    let list = "a list of whole numbers, one for each modality";
    let lengths = values.each("max_seq_lens", names.len(), size, list);
    let vocabs = values.each("vocab_sizes", names.len(), size, list);
    let strides = strides(values, &names);
    let (Some(lengths), Some(vocabs)) = (lengths, vocabs) else { return Vec::new() };
    let unified = vocabs.iter().copied().max().unwrap_or_default();
    let all: Vec<Modality> = names
        .iter()
        .zip(lengths.into_iter().zip(vocabs))
        .map(|(name, (length, vocab))| {
            let text = is_text(values, name);
            let masking = match strides.get(name) {
                Some(&stride) => Strategy::Span { stride, aligned: true },
                None => Strategy::Random,
            };
            let codebooks = codebooks(values, name, vocab, strides.get(name).copied());
            let vocab = if text.is_some() { text_vocab(values, name, vocab, unified) } else { vocab };
            Modality { name: name.clone(), length, vocab, codebooks, grid: None, text, masking }
        })
        .collect();
    if all.iter().any(|m| m.text.is_some()) {
        texts(values, &all);
    }
    all
}

fn names(values: &Values) -> Vec<String> {
    values.need("modalities", |node| node.list(Node::text), "a list of names").unwrap_or_default()
}

/// The published loader reads a name with `tok` in it from .npy, one with `scene_desc` as text; its
/// descendants also one with `caption`.
fn is_text(values: &Values, name: &str) -> Option<Text> {
    if name.contains("tok") {
        return None;
    }
    if ["scene_desc", "caption"].iter().any(|word| name.contains(word)) {
        return Some(Text::Gpt2);
    }
    values.problems.note(format!(
        "`{}` has neither `tok` nor `scene_desc` in its name: taken for tokens (one .npy per clip)",
        shorten(name)
    ));
    None
}

/// `[PAD]`, `[SOS]` and `[EOS]` have ids after GPT-2's own, whatever the modality's vocabulary says.
fn text_vocab(values: &Values, name: &str, vocab: usize, unified: usize) -> usize {
    if vocab >= GPT2_IDS || unified < GPT2_IDS || vocab < GPT2_IDS - 3 {
        return vocab;
    }
    values.problems.note(format!(
        "the vocabulary of `{}` is {GPT2_IDS} instead of {vocab}: its text has [PAD], [SOS] and [EOS] after \
         GPT-2's ids; the model's {unified} ids stay the same",
        shorten(name)
    ));
    GPT2_IDS
}

/// A configuration does not say how many codebooks take turns: 2048 ids of audio are two of EnCodec's, and a
/// span's stride is a frame of codebooks if the vocabulary agrees.
fn codebooks(values: &Values, name: &str, vocab: usize, stride: Option<usize>) -> usize {
    let frame = stride.filter(|&stride| stride > 1 && stride.checked_mul(CODEBOOK) == Some(vocab));
    let encodec = (name.contains("tok_audio") && vocab == 2 * CODEBOOK).then_some(2);
    let codebooks = frame.or(encodec).unwrap_or(1);
    if codebooks > 1 {
        values.problems.note(format!(
            "assumed of `{}`: {codebooks} interleaved codebooks, from its {vocab} ids",
            shorten(name)
        ));
    }
    codebooks
}

/// Modality → stride, of those masked by spans.
fn strides(values: &Values, names: &[String]) -> BTreeMap<String, usize> {
    let Some(setting) = values.of_loader("span_modalities", "masked at random") else {
        if let Some(path) = values.settings.unread.iter().find(|path| path.as_str() == "span_modalities") {
            values.problems.note(format!(
                "`{path}` stands where no loader reads it: every modality is masked at random, as there"
            ));
        }
        return BTreeMap::new();
    };
    let entries = |node: &Node| match node {
        Node::Null => Some(BTreeMap::new()),
        Node::Map(map) => {
            let each = |(name, node): (&String, &Node)| Some((name.clone(), size(node)?));
            map.iter().map(each).collect::<Option<BTreeMap<_, _>>>()
        }
        _ => None,
    };
    let strides =
        values.read(setting, entries, "modality: stride, e.g. tok_audio@512: 2").unwrap_or_default();
    for name in strides.keys().filter(|name| !names.contains(name)) {
        values.problems.note(format!(
            "`{}.{}`: no such modality, without effect",
            setting.path,
            shorten(name)
        ));
    }
    strides
}

/// Texts are tokenized by GPT-2 and as long as their modality.
fn texts(values: &Values, modalities: &[Modality]) {
    if let Some(setting) = values.setting("text_tokenizer_path") {
        let tokenizer = values.read(setting, Node::text, "gpt2").unwrap_or_default();
        if tokenizer.trim_end_matches('/').rsplit('/').next() != Some("gpt2") {
            let wrong = Fault::invalid("another tokenizer: texts are tokenized by GPT-2's here");
            values.problems.push(wrong.at(setting.path.clone()).found(shorten(&tokenizer)).expected("gpt2"));
        }
    }
    let setting = values.of_loader("text_max_length", "256");
    let length = match setting {
        Some(setting) => values.read(setting, size, "a whole number").unwrap_or_default(),
        None => TEXT_LENGTH,
    };
    let place = setting.map_or("text_max_length", |setting| setting.path.as_str());
    for m in modalities.iter().filter(|m| m.text.is_some() && m.length != length) {
        let what = format!("texts are padded or cut to a length that is not that of `{}`", shorten(&m.name));
        let absent = if setting.is_none() { ", the loader's default" } else { "" };
        values.problems.push(
            Fault::invalid(what)
                .at(place)
                .found(format!("{length}{absent}"))
                .expected(format!("{}, its `max_seq_lens`", m.length)),
        );
    }
}

/// Budgets of input and target tokens.
pub fn masking(values: &Values) -> Masking {
    let names = names(values);
    let default = Masking::default();
    let range = "a whole number or [from, to]";
    let input = values.need("input_tokens_range", pair, range).unwrap_or(default.input_tokens);
    let target = values.of_loader("target_tokens_range", "that of the input tokens");
    if target.is_none() {
        values.problems.note("`target_tokens_range` is absent: that of the input tokens");
    }
    let alphas = |key: &str| {
        let list = values.each(key, names.len(), Node::number, "a list of numbers, one for each modality");
        let list = list.filter(|list| !list.is_empty()).unwrap_or_else(|| vec![1.0]);
        if list.iter().all(|alpha| *alpha == list[0]) {
            PerModality::All(list[0])
        } else {
            PerModality::Each(names.iter().cloned().zip(list).collect())
        }
    };
    Masking {
        input_tokens: input,
        target_tokens: target.and_then(|setting| values.read(setting, pair, range)).unwrap_or(input),
        input_alphas: alphas("input_alphas"),
        target_alphas: alphas("target_alphas"),
        ..default
    }
}

/// `[from, to]`, or one number for both.
fn pair(node: &Node) -> Option<(usize, usize)> {
    match node {
        Node::List(ends) => match ends.as_slice() {
            [from, to] => Some((size(from)?, size(to)?)),
            _ => None,
        },
        one => size(one).map(|n| (n, n)),
    }
}
