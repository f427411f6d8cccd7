//! What the probes of a manifest measure, by key: what a claim, or a metric of an ablation, can be about.

use super::diagnostic::Finding;
use super::schema::Experiment;
use crate::metrics::catalogue::{self, parse, PROBES};
use crate::metrics::measured::in_order;
use crate::metrics::{source, Key};
use crate::modality::Modality;
use crate::suggest::{hint, nearest};

/// Keys shown where none is near.
const EXAMPLES: usize = 6;

/// The key that `metric` names, if a probe of the manifest measures it on the model and a test can judge it.
///
/// # Errors
/// A finding at `at` with the nearest key.
pub fn find(e: &Experiment, at: &str, metric: &str) -> Result<Key, Finding> {
    let parts: Vec<&str> = metric.split('/').collect();
    let name = parts[0];
    let probe = match (catalogue::probe(name), parse(metric)) {
        (Some(probe), Some(_)) => probe,
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
        return Err(Finding::error(at, what).help(format!("add {}(…) to `probes`", probe.declared)));
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
    in_order(e.probes.iter().flat_map(|probe| probe.keys(&e.modalities)))
}

/// Who else than the model writes scores of `key`.
pub fn sources(e: &Experiment, key: &Key) -> Vec<&'static str> {
    let declared = |name: &str| e.modalities.iter().find(|m| m.name == name);
    let has_codebooks = key.targets().all(|name| declared(name).is_some_and(Modality::has_codebooks));
    let all = catalogue::probe(key.probe).into_iter().flat_map(|probe| probe.sources_of(&key.spec));
    all.filter(|source| *source != source::CODEBOOK || has_codebooks).collect()
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

    /// The word that the catalogue knows is the one that manifests write.
    #[test]
    fn every_probe_is_declared_as_the_catalogue_says() {
        let mut declared = Vec::new();
        for probe in [
            "CrossEntropy()",
            "Classify(inputs: [[\"a@16\"]])",
            "Retrieval(pairs: [(\"b@9\", \"a@16\")])",
            "Directions([(inputs: [\"c\"], targets: [\"b@9\"])])",
            "Memorization(modality: \"c\", given: [])",
            "ForwardVsAutoregressive(input: \"a@16\", target: \"c\")",
            "Generation(inputs: [\"c\"], target: \"a@16\")",
            "LinearProbe(inputs: [[\"a@16\"]])",
        ] {
            let known = catalogue::probe(measured(probe)[0].split('/').next().unwrap()).unwrap();
            assert_eq!(probe.split('(').next(), Some(known.declared));
            declared.push(known.name);
        }
        assert!(PROBES.iter().map(|p| p.name).eq(declared));
    }

    #[test]
    fn only_what_the_probe_will_write_is_a_source() {
        let probes = "CrossEntropy(directions: [(inputs: [\"c\"], targets: [\"b@9\"])]), \
                      Directions([(inputs: [\"c\"], targets: [\"b@9\", \"a@16\"])])";
        let e = text::parse(&SMALL.replace("CrossEntropy(masks: 2)", probes)).unwrap();
        let has = |key: &str| sources(&e, &parse(key).unwrap()).contains(&source::CODEBOOK);
        assert!(has("cross_entropy/a@16") && has("directions/c->a@16+b@9/a@16"));
        for none in ["cross_entropy/b@9", "cross_entropy/c->b@9", "directions/c->a@16+b@9/b@9"] {
            assert!(!has(none), "{none}");
        }
        assert!(!has("directions/c->a@16+b@9"), "of all targets");
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
        let decoded = measured("Classify(inputs: [[\"a@16\"]])");
        let decoded: Vec<&String> = decoded.iter().filter(|key| key.contains("sequence_decode")).collect();
        assert_eq!(decoded, ["classification/a@16/sequence_decode/top1"]);
        let words = measured("Classify(inputs: [[\"a@16\"]])");
        assert!(words.iter().all(|key| !key.contains("leading_space")), "{words:?}");
    }
}
