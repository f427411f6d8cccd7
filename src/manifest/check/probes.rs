//! `probes`: what is asked exists, and the answer is not given away.

use super::findings::Findings;
use super::masking::{direction, masking, modality_list};
use crate::manifest::diagnostic::Finding;
use crate::manifest::schema::{Decode, Direction, Experiment, Probe};

pub(super) fn check(e: &Experiment, found: &mut Findings) {
    for (i, p) in e.probes.iter().enumerate() {
        let path = format!("probes[{i}]");
        once(e, i, &path, found);
        probe(e, &path, p, found);
    }
}

fn probe(e: &Experiment, path: &str, p: &Probe, found: &mut Findings) {
    let at = |field: &str| format!("{path}.{field}");
    match p {
        Probe::CrossEntropy { masks, masking: own, directions } => {
            found.require(*masks >= 1, &at("masks"), masks, "at least 1");
            if let Some(m) = own {
                masking(e, &at("masking"), m, found);
            }
            all_directions(e, &at("directions"), directions, found);
        }
        Probe::Classify { inputs, templates } => {
            has_text(e, path, found);
            input_sets(e, &at("inputs"), inputs, found);
            without_caption(e, &at("inputs"), inputs, found);
            check_templates(&at("templates"), templates, found);
        }
        Probe::Retrieval { pairs, gallery } => {
            retrieval(e, &at("pairs"), pairs, found);
            found.require(*gallery != 1, &at("gallery"), gallery, "0 (all test clips), or at least 2");
        }
        Probe::Memorization { modality, given, .. } => {
            found.known_modality(e, &at("modality"), modality);
            others(e, &at("given"), given, modality, found);
        }
        Probe::Directions(directions) => {
            if directions.is_empty() {
                found.push(Finding::error(path, "the probe has no directions"));
            }
            all_directions(e, path, directions, found);
        }
        Probe::ForwardVsAutoregressive { input, target, .. } => {
            found.known_modality(e, &at("input"), input);
            found.known_modality(e, &at("target"), target);
            is_text(e, &at("target"), target, found);
            if input == target {
                found.push(Finding::error(at("input"), format!("`{input}` is both input and target")));
            }
        }
        Probe::Generation { inputs, target, prefix, decode: settings, .. } => {
            generation(e, &at(""), (inputs, target, *prefix), found);
            decode(e, &at("decode."), settings, (target, *prefix), found);
        }
        Probe::LinearProbe { inputs } => {
            input_sets(e, &at("inputs"), inputs, found);
            given_away(e, &at("inputs"), inputs, found);
        }
    }
}

fn all_directions(e: &Experiment, path: &str, directions: &[Direction], found: &mut Findings) {
    for (j, d) in directions.iter().enumerate() {
        let at = format!("{path}[{j}]");
        direction(e, &at, d, found);
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

fn sorted(names: &[String]) -> Vec<&String> {
    let mut all: Vec<&String> = names.iter().collect();
    all.sort();
    all
}

/// The caption is what `Classify` asks for.
fn without_caption(e: &Experiment, path: &str, sets: &[Vec<String>], found: &mut Findings) {
    let Some(caption) = e.modalities.iter().find(|m| m.text.is_some()) else { return };
    for (i, set) in sets.iter().enumerate().filter(|(_, set)| set.contains(&caption.name)) {
        found.push(
            Finding::error(format!("{path}[{i}]"), format!("`{}` is both input and target", caption.name))
                .found(set.join(", "))
                .help("the class is read off the caption: remove it from the inputs"),
        );
    }
}

/// Per-example files tell the probes of one kind apart by nothing but their own columns.
fn once(e: &Experiment, i: usize, path: &str, found: &mut Findings) {
    let p = &e.probes[i];
    let same = |q: &&Probe| match (p, q) {
        (Probe::Retrieval { pairs: a, gallery: x }, Probe::Retrieval { pairs: b, gallery: y }) => {
            x == y && a.iter().any(|pair| b.contains(pair))
        }
        (Probe::Generation { inputs: a, target: x, .. }, Probe::Generation { inputs: b, target: y, .. }) => {
            sorted(a) == sorted(b) && x == y
        }
        (p, q) => variant_name(p) == variant_name(q),
    };
    if let Some(first) = e.probes[..i].iter().position(|q| same(&q)) {
        let what = if e.probes[first] == *p { "the same probe as" } else { "measures the same as" };
        found.push(
            Finding::error(path, format!("{what} probes[{first}]"))
                .help("their scores would be mixed: put both into one probe, or keep one"),
        );
    }
}

fn input_sets(e: &Experiment, path: &str, sets: &[Vec<String>], found: &mut Findings) {
    if sets.is_empty() {
        found.push(
            Finding::error(path, format!("`{path}` is empty")).expected("at least one set of modalities"),
        );
    }
    for (i, set) in sets.iter().enumerate() {
        let at = format!("{path}[{i}]");
        modality_list(e, &at, set, found);
    }
}

/// A warning: a caption among the inputs may name the class.
fn given_away(e: &Experiment, path: &str, sets: &[Vec<String>], found: &mut Findings) {
    let caption = |n: &&String| e.modalities.iter().any(|m| m.name == **n && m.text.is_some());
    for (i, set) in sets.iter().enumerate() {
        if let Some(name) = set.iter().find(caption) {
            found.warn(
                Finding::error(format!("{path}[{i}]"), format!("`{name}` may tell the class"))
                    .help("a caption that names the class makes this measure reading, not recognition"),
            );
        }
    }
}

fn check_templates(path: &str, templates: &[String], found: &mut Findings) {
    if templates.is_empty() {
        found.push(Finding::error(path, format!("`{path}` is empty")).expected("at least one template"));
    }
    for (i, t) in templates.iter().enumerate() {
        if !t.contains("{class}") && !t.contains("{caption}") {
            found.push(
                Finding::error(format!("{path}[{i}]"), "the template does not name the class")
                    .found(format!("{t:?}"))
                    .expected("a text with {class} or {caption} in it"),
            );
        }
    }
}

fn retrieval(e: &Experiment, path: &str, pairs: &[(String, String)], found: &mut Findings) {
    if pairs.is_empty() {
        found.push(Finding::error(path, format!("`{path}` is empty")).expected("at least one pair"));
    }
    for (i, (query, gallery)) in pairs.iter().enumerate() {
        let at = format!("{path}[{i}]");
        found.known_modality(e, &format!("{at}[0]"), query);
        found.known_modality(e, &format!("{at}[1]"), gallery);
        if query == gallery {
            found.push(Finding::error(&at, format!("`{query}` would be searched for itself")));
        }
    }
}

/// `names` may be empty, are known, and leave `target` out.
fn others(e: &Experiment, path: &str, names: &[String], target: &str, found: &mut Findings) {
    if !names.is_empty() {
        modality_list(e, path, names, found);
    }
    not_among(path, names, target, found);
}

fn not_among(path: &str, names: &[String], target: &str, found: &mut Findings) {
    if names.iter().any(|n| n == target) {
        found.push(Finding::error(path, format!("`{target}` is both input and target")));
    }
}

fn has_text(e: &Experiment, path: &str, found: &mut Findings) {
    if e.modalities.iter().all(|m| m.text.is_none()) {
        found.push(
            Finding::error(path, "the probe scores captions, but no modality has a text")
                .help("declare `text: Gpt2` or `text: Words` on the caption modality"),
        );
    }
}

fn is_text(e: &Experiment, path: &str, name: &str, found: &mut Findings) {
    if e.modalities.iter().any(|m| m.name == name && m.text.is_none()) {
        found.push(
            Finding::error(path, format!("`{name}` has no text"))
                .help("the probe needs a caption: declare `text: Gpt2` or `text: Words` on it"),
        );
    }
}

/// What is generated from what; fields are named after `path`.
pub(super) fn generation(
    e: &Experiment,
    path: &str,
    (inputs, target, prefix): (&[String], &str, f64),
    found: &mut Findings,
) {
    let at = |field: &str| format!("{path}{field}");
    modality_list(e, &at("inputs"), inputs, found);
    found.known_modality(e, &at("target"), target);
    not_among(&at("inputs"), inputs, target, found);
    let part = (0.0..1.0).contains(&prefix);
    found.require_number(&at("prefix"), prefix, part, "a share of the target: 0 or more, below 1");
}

/// How it is generated; as [`generation`].
pub(super) fn decode(
    e: &Experiment,
    path: &str,
    d: &Decode,
    (target, prefix): (&str, f64),
    found: &mut Findings,
) {
    let at = |field: &str| format!("{path}{field}");
    let target = e.modalities.iter().find(|m| m.name == target);
    let prefix = if prefix < 1.0 { prefix } else { 0.0 }; // reported by itself
    let most = target.map_or(usize::MAX, |m| m.length - m.prefix(prefix));
    let expected = "1 to the number of tokens that are generated";
    found.require((1..=most).contains(&d.steps), &at("steps"), d.steps, expected);
    found.require_number(&at("temperature"), d.temperature, d.temperature >= 0.0, "0 (argmax) or more");
    let whole = d.top_k < 1.0 || d.top_k.fract() == 0.0;
    let expected = "0 (off), a fraction below 1, or a whole number";
    found.require_number(&at("top_k"), d.top_k, d.top_k >= 0.0 && whole, expected);
    found.require_number(&at("top_p"), d.top_p, (0.0..=1.0).contains(&d.top_p), "0 to 1");
}

fn variant_name(p: &Probe) -> &'static str {
    match p {
        Probe::CrossEntropy { .. } => "CrossEntropy",
        Probe::Classify { .. } => "Classify",
        Probe::Retrieval { .. } => "Retrieval",
        Probe::Memorization { .. } => "Memorization",
        Probe::Directions(_) => "Directions",
        Probe::ForwardVsAutoregressive { .. } => "ForwardVsAutoregressive",
        Probe::Generation { .. } => "Generation",
        Probe::LinearProbe { .. } => "LinearProbe",
    }
}
