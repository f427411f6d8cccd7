//! What probes ask of their fields: sets of inputs, pairs, directions, captions, what is generated from what.

use super::bounds::{CONCENTRATION, LENGTH, VOCAB};
use super::findings::Findings;
use super::masking::{direction, modality_list};
use crate::manifest::decode::Decode;
use crate::manifest::diagnostic::Finding;
use crate::manifest::masking::Direction;
use crate::modality::Modality;

fn twice(at: &str, first: &str) -> Finding {
    Finding::error(at, format!("the same as {first}")).help("its clips would count twice: keep one")
}

pub fn all_directions(modalities: &[Modality], path: &str, directions: &[Direction], found: &mut Findings) {
    for (j, d) in directions.iter().enumerate() {
        let at = format!("{path}[{j}]");
        direction(modalities, &at, d, found);
        let same = |o: &&Direction| {
            sorted(&o.inputs) == sorted(&d.inputs) && o.targets.iter().any(|t| d.targets.contains(t))
        };
        if directions[..j].iter().any(|o| same(&o)) {
            found.push(Finding::error(
                &at,
                "an earlier direction has the same inputs and a target of this one",
            ));
        }
    }
}

pub fn sorted(names: &[String]) -> Vec<&String> {
    let mut all: Vec<&String> = names.iter().collect();
    all.sort();
    all
}

pub fn input_sets(modalities: &[Modality], path: &str, sets: &[Vec<String>], found: &mut Findings) {
    if sets.is_empty() {
        found.push(
            Finding::error(path, format!("`{path}` is empty")).expected("at least one set of modalities"),
        );
    }
    for (i, set) in sets.iter().enumerate() {
        let at = format!("{path}[{i}]");
        modality_list(modalities, &at, set, found);
        if let Some(first) = sets[..i].iter().position(|earlier| sorted(earlier) == sorted(set)) {
            found.push(twice(&at, &format!("{path}[{first}]")));
        }
    }
}

/// The caption is what `Classify` asks for.
pub fn without_caption(modalities: &[Modality], path: &str, sets: &[Vec<String>], found: &mut Findings) {
    let Some(caption) = modalities.iter().find(|m| m.text.is_some()) else { return };
    for (i, set) in sets.iter().enumerate().filter(|(_, set)| set.contains(&caption.name)) {
        found.push(
            Finding::error(format!("{path}[{i}]"), format!("`{}` is both input and target", caption.name))
                .found(set.join(", "))
                .help("the class is read off the caption: remove it from the inputs"),
        );
    }
}

/// A warning: a caption among the inputs may name the class.
pub fn given_away(modalities: &[Modality], path: &str, sets: &[Vec<String>], found: &mut Findings) {
    let caption = |n: &&String| modalities.iter().any(|m| m.name == **n && m.text.is_some());
    for (i, set) in sets.iter().enumerate() {
        if let Some(name) = set.iter().find(caption) {
            found.warn(
                Finding::error(format!("{path}[{i}]"), format!("`{name}` may tell the class"))
                    .help("a caption that names the class makes this measure reading, not recognition"),
            );
        }
    }
}

pub fn templates(path: &str, all: &[String], found: &mut Findings) {
    if all.is_empty() {
        found.push(Finding::error(path, format!("`{path}` is empty")).expected("at least one template"));
    }
    for (i, t) in all.iter().enumerate() {
        if !t.contains("{class}") && !t.contains("{caption}") {
            found.push(
                Finding::error(format!("{path}[{i}]"), "the template does not name the class")
                    .found(format!("{t:?}"))
                    .expected("a text with {class} or {caption} in it"),
            );
        }
    }
}

pub fn pairs(modalities: &[Modality], path: &str, all: &[(String, String)], found: &mut Findings) {
    if all.is_empty() {
        found.push(Finding::error(path, format!("`{path}` is empty")).expected("at least one pair"));
    }
    for (i, (query, gallery)) in all.iter().enumerate() {
        let at = format!("{path}[{i}]");
        found.known_modality(modalities, &format!("{at}[0]"), query);
        found.known_modality(modalities, &format!("{at}[1]"), gallery);
        if query == gallery {
            found.push(Finding::error(&at, format!("`{query}` would be searched for itself")));
        }
        let pair = &all[i];
        if let Some(first) = all[..i].iter().position(|earlier| earlier == pair) {
            found.push(twice(&at, &format!("{path}[{first}]")));
        }
    }
}

/// `names` may be empty, are known, and leave `target` out.
pub fn others(modalities: &[Modality], path: &str, names: &[String], target: &str, found: &mut Findings) {
    if !names.is_empty() {
        modality_list(modalities, path, names, found);
    }
    not_among(path, names, target, found);
}

pub fn not_among(path: &str, names: &[String], target: &str, found: &mut Findings) {
    if names.iter().any(|n| n == target) {
        found.push(Finding::error(path, format!("`{target}` is both input and target")));
    }
}

pub fn has_text(modalities: &[Modality], path: &str, found: &mut Findings) {
    if modalities.iter().all(|m| m.text.is_none()) {
        found.push(
            Finding::error(path, "the probe scores captions, but no modality has a text")
                .help("declare `text: Gpt2` or `text: Words` on the caption modality"),
        );
    }
}

pub fn is_text(modalities: &[Modality], path: &str, name: &str, found: &mut Findings) {
    if modalities.iter().any(|m| m.name == name && m.text.is_none()) {
        found.push(
            Finding::error(path, format!("`{name}` has no text"))
                .help("the probe needs a caption: declare `text: Gpt2` or `text: Words` on it"),
        );
    }
}

/// What is generated from what; fields are named after `path`.
pub fn generation(
    modalities: &[Modality],
    path: &str,
    (inputs, target, prefix): (&[String], &str, f64),
    found: &mut Findings,
) {
    let at = |field: &str| format!("{path}{field}");
    modality_list(modalities, &at("inputs"), inputs, found);
    found.known_modality(modalities, &at("target"), target);
    not_among(&at("inputs"), inputs, target, found);
    let part = (0.0..1.0).contains(&prefix);
    found.require_number(&at("prefix"), prefix, part, "a share of the target: 0 or more, below 1");
}

/// How it is generated; as [`generation`].
pub fn decode(
    modalities: &[Modality],
    path: &str,
    d: &Decode,
    (target, prefix): (&str, f64),
    found: &mut Findings,
) {
    let at = |field: &str| format!("{path}{field}");
    let target = modalities.iter().find(|m| m.name == target);
    let prefix = if prefix < 1.0 { prefix } else { 0.0 }; // reported by itself
    let most = target.map_or(LENGTH, |m| m.length.saturating_sub(m.prefix(prefix)));
    let expected = "1 to the number of tokens that are generated";
    found.require((1..=most).contains(&d.steps), &at("steps"), d.steps, expected);
    let (warm, expected) = (d.temperature, "0 (argmax) or more");
    found.require_number(&at("temperature"), warm, warm >= 0.0, expected);
    found.require_number(
        &at("temperature"),
        warm,
        warm <= CONCENTRATION,
        &format!("at most {CONCENTRATION}"),
    );
    let whole = d.top_k < 1.0 || d.top_k.fract() == 0.0;
    let expected = "0 (off), a fraction below 1, or a whole number";
    found.require_number(&at("top_k"), d.top_k, d.top_k >= 0.0 && whole, expected);
    found.require_number(&at("top_k"), d.top_k, d.top_k <= VOCAB as f64, &format!("at most {VOCAB}"));
    found.require_number(&at("top_p"), d.top_p, (0.0..=1.0).contains(&d.top_p), "0 to 1");
}
