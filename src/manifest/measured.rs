//! What the probes of a manifest measure, by key: what a claim, or a metric of an ablation, can be about.

use super::diagnostic::Finding;
use super::schema::{Direction, Experiment, Probe};
use crate::metrics::catalogue::{self, keys, parse, PROBES};
use crate::metrics::{classification, directions, memorization, Key};
use crate::modality::Text;
use crate::suggest::{hint, nearest};

/// What a manifest calls the probe whose keys begin with each name.
const VARIANTS: [(&str, &str); 8] = [
    ("cross_entropy", "CrossEntropy"),
    ("classification", "Classify"),
    ("retrieval", "Retrieval"),
    ("memorization", "Memorization"),
    ("directions", "Directions"),
    ("forward_vs_autoregressive", "ForwardVsAutoregressive"),
    ("generation", "Generation"),
    ("linear_probe", "LinearProbe"),
];

/// Keys shown where none is near.
const EXAMPLES: usize = 6;

/// The key that `metric` names, if a probe of the manifest measures it on the model and a test can judge it.
///
/// # Errors
/// A finding at `at` with the nearest key.
pub fn find(e: &Experiment, at: &str, metric: &str) -> Result<Key, Finding> {
    let parts: Vec<&str> = metric.split('/').collect();
    let name = parts[0];
    let known = VARIANTS.iter().find(|(probe, _)| *probe == name);
    let (_, variant) = match (known, parse(metric)) {
        (Some(known), Some(_)) => *known,
        (None, _) if parts.len() > 1 && !name.trim().is_empty() => {
            let help = hint(name, "metrics", PROBES.iter().map(|p| p.name));
            return Err(Finding::error(at, format!("no metric begins with `{name}`")).help(help));
        }
        _ => {
            return Err(Finding::error(at, "the metric cannot be read")
                .found(format!("{metric:?}"))
                .expected("probe/what, e.g. \"cross_entropy/tok_audio@512\""))
        }
    };
    let own: Vec<Key> = all(e).into_iter().filter(|key| key.probe == name).collect();
    if own.is_empty() {
        let what = format!("no probe measures `{metric}`");
        return Err(Finding::error(at, what).help(format!("add {variant}(…) to `probes`")));
    }
    let asked = catalogue::canonical(metric);
    let Some(key) = own.iter().find(|key| key.to_string() == asked) else {
        return Err(unknown(e, at, metric, &own));
    };
    if !key.spec.by_clip {
        let others: Vec<String> =
            own.iter().filter(|key| key.spec.by_clip).map(|key| format!("`{key}`")).collect();
        return Err(Finding::error(at, format!("`{asked}` is no mean over clips: no test here judges it"))
            .help(format!("the same probe measures {}", shown(others))));
    }
    Ok(key.clone())
}

/// Why no key of the probe is `metric`.
fn unknown(e: &Experiment, at: &str, metric: &str, own: &[Key]) -> Finding {
    let names = || e.modalities.iter().map(|m| m.name.as_str());
    // `tok_audio@512+scene_desc->tok_rgb@196` names three.
    let asked = catalogue::canonical(metric);
    let named = asked.split('/').skip(1).filter(|part| part.contains('@'));
    for name in named.flat_map(|part| part.split("->")).flat_map(|side| side.split('+')) {
        if !names().any(|known| known == name) {
            let help = hint(name, "modalities", names().collect::<Vec<_>>());
            return Finding::error(at, format!("no modality is named `{name}`")).help(help);
        }
    }
    if let Some(key) = parse(metric).filter(|key| !key.of_model()) {
        let source = &key.source;
        return Finding::error(at, format!("`{metric}` is not of the model"))
            .help(format!("a claim about the model names what it is held against: against: \"{source}\""));
    }
    let keys: Vec<String> = own.iter().map(Key::to_string).collect();
    let finding = Finding::error(at, format!("no probe of the manifest measures `{metric}`"));
    match nearest(&asked, keys.iter().map(String::as_str)) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help(format!("measured: {}", shown(keys.iter().map(|k| format!("`{k}`")).collect()))),
    }
}

fn shown(mut all: Vec<String>) -> String {
    let more = if all.len() > EXAMPLES { ", …" } else { "" };
    all.truncate(EXAMPLES);
    all.join(", ") + more
}

/// Every key of the model, in the order of the probes.
pub fn all(e: &Experiment) -> Vec<Key> {
    let mut all: Vec<Key> = Vec::new();
    for probe in &e.probes {
        let (name, abouts, variant) = about(e, probe);
        let of = |about: &String| catalogue::probe(name).map_or(vec![], |p| keys(p, about, variant));
        for key in abouts.iter().flat_map(of) {
            if !all.contains(&key) {
                all.push(key);
            }
        }
    }
    all
}

/// First part of a probe's keys, what they are about, and their variant.
fn about(e: &Experiment, probe: &Probe) -> (&'static str, Vec<String>, Option<u64>) {
    match probe {
        Probe::CrossEntropy { directions, .. } => {
            let modalities = e.modalities.iter().map(|m| m.name.clone());
            let directed = directions
                .iter()
                .flat_map(|d| d.targets.iter().map(|target| format!("{}->{target}", joined(e, &d.inputs))));
            ("cross_entropy", modalities.chain(directed).collect(), None)
        }
        Probe::Classify { inputs, .. } => {
            let bytes = e.modalities.iter().any(|m| m.text == Some(Text::Gpt2));
            let methods = classification::METHODS.map(|(method, _)| method);
            let methods = methods.iter().filter(|m| bytes || **m != classification::LEADING_SPACE);
            let of = |set: &Vec<String>| {
                let inputs = joined(e, set);
                methods.clone().map(move |method| format!("{inputs}/{method}"))
            };
            ("classification", inputs.iter().flat_map(of).collect(), None)
        }
        Probe::Retrieval { pairs, gallery } => {
            let abouts = pairs.iter().map(|(query, gallery)| format!("{query}->{gallery}"));
            ("retrieval", abouts.collect(), (*gallery > 0).then_some(*gallery as u64))
        }
        Probe::Memorization { .. } => ("memorization", memorization::PARTS.map(String::from).to_vec(), None),
        Probe::Directions(all) => ("directions", all.iter().flat_map(|d| directed(e, d)).collect(), None),
        Probe::ForwardVsAutoregressive { target, .. } => {
            ("forward_vs_autoregressive", vec![target.clone()], None)
        }
        Probe::Generation { inputs, target, prefix, .. } => {
            let given = e.modalities.iter().find(|m| m.name == *target).map_or(0, |m| m.prefix(*prefix));
            let about = format!("{}->{target}", joined(e, inputs));
            ("generation", vec![about], (given > 0).then_some(given as u64))
        }
        Probe::LinearProbe { inputs } => {
            ("linear_probe", inputs.iter().map(|set| joined(e, set)).collect(), None)
        }
    }
}

fn directed(e: &Experiment, d: &Direction) -> Vec<String> {
    let name = format!("{}->{}", joined(e, &d.inputs), joined(e, &d.targets));
    d.targets.iter().flat_map(|target| directions::abouts(&name, target)).collect()
}

/// In the manifest's order, as scores name a set of modalities.
fn joined(e: &Experiment, names: &[String]) -> String {
    let known = e.modalities.iter().map(|m| m.name.as_str()).filter(|name| names.iter().any(|n| n == name));
    known.collect::<Vec<_>>().join("+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::SMALL;
    use crate::manifest::text;

    fn measured(probes: &str) -> Vec<String> {
        let e = text::parse(&SMALL.replace("CrossEntropy(masks: 2)", probes)).unwrap();
        all(&e).iter().map(Key::to_string).collect()
    }

    #[test]
    fn every_probe_has_its_name_here() {
        assert!(PROBES.iter().all(|p| VARIANTS.iter().any(|(name, _)| *name == p.name)));
        assert_eq!(PROBES.len(), VARIANTS.len());
    }

    #[test]
    fn the_keys_are_those_of_the_scores() {
        for (probe, expected) in [
            ("CrossEntropy()", &["cross_entropy/a@16", "cross_entropy/a@16/gain"][..]),
            (
                "CrossEntropy(directions: [(inputs: [\"c\", \"a@16\"], targets: [\"b@9\"])])",
                &["cross_entropy/a@16+c->b@9"],
            ),
            ("Classify(inputs: [[\"b@9\", \"a@16\"]])", &["classification/a@16+b@9/caption_likelihood/top3"]),
            ("Retrieval(pairs: [(\"b@9\", \"a@16\")])", &["retrieval/b@9->a@16/r5"]),
            ("Retrieval(pairs: [(\"b@9\", \"a@16\")], gallery: 8)", &["retrieval/b@9->a@16/r1/gallery8"]),
            ("Memorization(modality: \"c\", given: [])", &["memorization/test/accuracy", "memorization/auc"]),
            (
                "Directions([(inputs: [\"c\"], targets: [\"b@9\", \"a@16\"])])",
                &[
                    "directions/c->a@16+b@9",
                    "directions/c->a@16+b@9/b@9",
                    "directions/c->a@16+b@9/cross_entropy",
                ],
            ),
            ("Directions([(inputs: [\"c\"], targets: [\"b@9\"])])", &["directions/c->b@9"]),
            (
                "ForwardVsAutoregressive(input: \"a@16\", target: \"c\")",
                &["forward_vs_autoregressive/c/single"],
            ),
            (
                "Generation(inputs: [\"c\"], target: \"a@16\", prefix: 0.5)",
                &["generation/c->a@16/entropy/given8"],
            ),
            ("LinearProbe(inputs: [[\"b@9\", \"a@16\"]])", &["linear_probe/a@16+b@9"]),
        ] {
            let measured = measured(probe);
            for key in expected {
                assert!(measured.contains(&key.to_string()), "{key} is not in {measured:?}");
            }
        }
        let words = measured("Classify(inputs: [[\"a@16\"]])");
        assert!(words.iter().all(|key| !key.contains("leading_space")), "{words:?}");
    }
}
