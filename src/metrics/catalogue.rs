//! Every probe's quantities, and the one spelling of a key.
//!
//! A key that is asked for (a claim, a metric of an ablation, a column of `ls`) may leave out the quantity where the
//! probe's first is meant (`retrieval/a->b`), name it where it is implied (`directions/a->b/accuracy`), write `→`, or put
//! the variant before the quantity; [`canonical`] is what is stored, compared and shown.

use super::key::Key;
use super::quantity::Spec;
use super::rows::ScoreRow;
use super::source;

/// What is known of a probe without its rows.
pub struct Probe {
    /// First part of its keys.
    pub name: &'static str,
    /// What a manifest calls it.
    pub declared: &'static str,
    /// Who else than the model its rows may be by.
    pub sources: &'static [&'static str],
    /// Word before a number in its keys, e.g. `gallery`.
    pub variant: Option<&'static str>,
    /// In the order of records; the first is meant where a key names none.
    pub quantities: fn() -> Vec<Spec>,
    canonical_about: fn(&str) -> String,
    measures: fn(&str, &Spec) -> bool,
    answers: fn(&str, &Spec) -> bool,
}

impl Probe {
    const fn of<R: ScoreRow>() -> Probe {
        Probe {
            name: R::PROBE,
            declared: R::DECLARED,
            sources: R::SOURCES,
            variant: R::VARIANT,
            quantities: || R::QUANTITIES.iter().map(|q| q.spec).collect(),
            canonical_about: R::canonical_about,
            measures: R::measures,
            answers: R::answers,
        }
    }

    /// Who else than the model `quantity` may be by.
    pub fn sources_of<'q>(&self, quantity: &'q Spec) -> impl Iterator<Item = &'static str> + use<'q> {
        let answers = self.answers;
        self.sources.iter().copied().filter(move |source| answers(source, quantity))
    }
}

/// Something to be done with the rows of one probe, whichever it is.
pub trait Visitor {
    type Output;

    fn visit<R: ScoreRow>(self) -> Self::Output;
}

macro_rules! catalogue {
    ($($row:ty),* $(,)?) => {
        /// All of them, in the order of comparisons.
        pub const PROBES: &[Probe] = &[$(Probe::of::<$row>()),*];

        /// Calls `visitor` with the row type of the probe called `name`.
        pub fn visit<V: Visitor>(name: &str, visitor: V) -> Option<V::Output> {
            $(if name == <$row>::PROBE {
                return Some(visitor.visit::<$row>());
            })*
            None
        }
    };
}

every_probe!(catalogue);

/// The probe whose keys begin with `name`.
pub fn probe(name: &str) -> Option<&'static Probe> {
    PROBES.iter().find(|p| p.name == name)
}

/// A key as it was asked for; `None` if it begins with no probe, or says not what it is about. Whether
/// anything measures it is not asked here.
pub fn parse(text: &str) -> Option<Key> {
    let text = text.replace(" → ", "->").replace('→', "->");
    let mut parts: Vec<&str> = text.split('/').map(str::trim).collect();
    let probe = probe(parts.remove(0))?;
    if parts.is_empty() || parts.iter().any(|p| p.is_empty()) {
        return None;
    }
    let quantities = (probe.quantities)();
    // The first part is what it is about, whatever it is called.
    let mut take = |known: &dyn Fn(&str) -> bool| -> Option<&str> {
        let at = (1..parts.len()).rfind(|&i| known(parts[i]))?;
        Some(parts.remove(at))
    };
    let source = take(&|p| probe.sources.contains(&p)).unwrap_or(source::MODEL);
    let number = |p: &str| p.strip_prefix(probe.variant?)?.parse::<u64>().ok();
    let variant = take(&|p| number(p).is_some()).and_then(number);
    let named = take(&|p| quantities.iter().any(|q| q.name == p && !q.alone));
    let alone = quantities.iter().find(|q| q.alone && parts == [q.name]);
    let spec = match (alone, named) {
        (Some(alone), _) => *alone,
        (None, Some(name)) => *quantities.iter().find(|q| q.name == name)?,
        (None, None) => *quantities.first()?,
    };
    let about = if spec.alone { String::new() } else { (probe.canonical_about)(&parts.join("/")) };
    let variant = probe.variant.zip(variant);
    Some(Key { probe: probe.name, about, spec, variant, source: source.into() })
}

/// The one spelling of a key; what is none stays as it is.
///
/// ```
/// use nano4m::metrics::catalogue::canonical;
///
/// assert_eq!(canonical("retrieval/tok_rgb → tok_audio/r1"), "retrieval/tok_rgb->tok_audio/r1");
/// assert_eq!(canonical("loss"), "loss");
/// ```
pub fn canonical(key: &str) -> String {
    parse(key).map_or_else(|| key.to_string(), |key| key.to_string())
}

/// What `against` names beside `key`: the same by another source, or the quantity it may be held against
/// (`autoregressive` against `single`); `None`: nothing this probe measures.
pub fn baseline(key: &Key, against: &str) -> Option<Key> {
    let probe = probe(key.probe)?;
    if probe.sources_of(&key.spec).any(|source| source == against) {
        return Some(key.clone().by(against));
    }
    let beside = key.spec.beside.filter(|name| *name == against)?;
    let spec = (probe.quantities)().into_iter().find(|q| q.name == beside)?;
    Some(Key { spec, ..key.clone() })
}

/// Every quantity of the model that a probe has about `about`.
pub fn keys(probe: &Probe, about: &str, variant: Option<u64>) -> Vec<Key> {
    let key = |spec: Spec| Key {
        probe: probe.name,
        about: if spec.alone { String::new() } else { about.into() },
        spec,
        variant: probe.variant.zip(variant),
        source: source::MODEL.into(),
    };
    (probe.quantities)().into_iter().filter(|spec| (probe.measures)(about, spec)).map(key).collect()
}

/// Why `name`, as a part of what a key is about, would be read as something else; `None`: it would not.
pub fn ambiguous(name: &str) -> Option<String> {
    if let Some(mark) = ["->", "→", "+", "/"].into_iter().find(|mark| name.contains(mark)) {
        return Some(format!("`{mark}` joins names there"));
    }
    for probe in PROBES {
        let of = format!("of `{}`", probe.name);
        if (probe.quantities)().iter().any(|q| q.name == name) {
            return Some(format!("`{name}` is a quantity {of}"));
        }
        if probe.sources.contains(&name) {
            return Some(format!("`{name}` is a source {of}"));
        }
        let number = probe.variant.and_then(|word| name.strip_prefix(word));
        if number.is_some_and(|n| n.parse::<u64>().is_ok()) {
            return Some(format!("`{name}` is a variant {of}"));
        }
    }
    [source::MODEL, CHANCE].contains(&name).then(|| format!("`{name}` is what a number may be of"))
}

/// What a claim calls the level that luck reaches.
pub const CHANCE: &str = "chance";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_of_each_key() {
        for (asked, expected) in [
            ("cross_entropy/tok_rgb@196", "cross_entropy/tok_rgb@196"),
            ("cross_entropy/tok_rgb@196/cross_entropy", "cross_entropy/tok_rgb@196"),
            ("cross_entropy/tok_rgb@196/untrained", "cross_entropy/tok_rgb@196/untrained"),
            ("cross_entropy/tok_rgb@196/gain", "cross_entropy/tok_rgb@196/gain"),
            ("cross_entropy/a→b", "cross_entropy/a->b"),
            ("cross_entropy/untrained", "cross_entropy/untrained"),
            ("classification/a+b/sequence_decode", "classification/a+b/sequence_decode/top1"),
            ("classification/a/m/top3", "classification/a/m/top3"),
            ("classification/a/m/top3/shuffled_input", "classification/a/m/top3/shuffled_input"),
            ("retrieval/a->b", "retrieval/a->b/r1"),
            ("retrieval/a->b/gallery200", "retrieval/a->b/r1/gallery200"),
            ("retrieval/a -> b/gallery200/r5", "retrieval/a -> b/r5/gallery200"),
            ("retrieval/a → b/r5/gallery200/untrained", "retrieval/a->b/r5/gallery200/untrained"),
            ("directions/a->b", "directions/a->b"),
            ("directions/a->b/b", "directions/a->b"),
            ("directions/a->b/b/cross_entropy", "directions/a->b/cross_entropy"),
            ("directions/a->b+c/b/accuracy", "directions/a->b+c/b"),
            ("memorization/train", "memorization/train/accuracy"),
            ("memorization/auc", "memorization/auc"),
            ("forward_vs_autoregressive/scene_desc/gain", "forward_vs_autoregressive/scene_desc/gain"),
            ("generation/a->b/given12/entropy", "generation/a->b/entropy/given12"),
            ("linear_probe/a+b/top1/random_weights", "linear_probe/a+b/random_weights"),
            ("nonsense/a", "nonsense/a"),
            ("retrieval", "retrieval"),
            ("retrieval//r1", "retrieval//r1"),
        ] {
            assert_eq!(canonical(asked), expected);
            assert_eq!(canonical(expected), expected, "canonical twice");
        }
    }

    #[test]
    fn units_and_sides() {
        let spec = |key: &str| parse(key).unwrap().spec;
        let (ce, top) = (spec("cross_entropy/x"), spec("classification/a/m"));
        assert!(ce.lower() && !top.lower() && !spec("memorization/train").lower());
        assert_eq!((ce.unit.name(), ce.digits, top.unit.name(), top.digits), ("nats/token", 4, "%", 2));
        assert!(top.has_chance && !ce.has_chance && !spec("memorization/auc").by_clip);
    }

    #[test]
    fn what_a_key_is_held_against() {
        let of = |key: &str, against: &str| baseline(&parse(key).unwrap(), against).map(|k| k.to_string());
        assert_eq!(of("cross_entropy/a", "untrained"), Some("cross_entropy/a/untrained".into()));
        assert_eq!(of("linear_probe/a", "random_weights"), Some("linear_probe/a/random_weights".into()));
        let forward = |name: &str| format!("forward_vs_autoregressive/c/{name}");
        assert_eq!(of(&forward("autoregressive"), "single"), Some(forward("single")));
        assert_eq!(
            of("generation/a->b/agreement", "agreement_of_real"),
            Some("generation/a->b/agreement_of_real".into())
        );
        for (key, against) in [
            ("cross_entropy/a", "alpha"),
            ("retrieval/a->b", "mrr"),
            ("retrieval/a->b", "median_rank"),
            ("memorization/train", "accuracy"),
            ("classification/a/caption_likelihood/true_logp", "majority_class"),
        ] {
            assert_eq!(of(key, against), None, "{key} {against}");
        }
    }

    #[test]
    fn methods_that_do_not_rank_know_their_first_answer_only() {
        let probe = probe("classification").unwrap();
        let names = |about: &str| keys(probe, about, None).iter().map(|k| k.spec.name).collect::<Vec<_>>();
        assert_eq!(names("a/sequence_decode"), ["top1"]);
        assert_eq!(names("a/caption_likelihood"), ["top1", "top3", "top5", "true_logp"]);
    }

    #[test]
    fn words_that_no_modality_may_be_called() {
        for name in
            ["accuracy", "untrained", "gallery8", "given0", "a+b", "a->b", "a→b", "a/b", "top1", "model"]
        {
            assert!(ambiguous(name).is_some(), "{name}");
        }
        for name in ["tok_rgb@196", "gallery", "gallery_8", "scene_desc", "a-b", "train"] {
            assert_eq!(ambiguous(name), None);
        }
    }

    /// Two quantities of one name, or a name that is a source too, would be read as the other.
    #[test]
    fn no_word_of_a_probe_means_two_things() {
        for probe in PROBES {
            let quantities = (probe.quantities)();
            let mut words: Vec<&str> = quantities.iter().map(|q| q.name).collect();
            words.extend(probe.sources);
            words.extend(probe.variant);
            let all = words.len();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), all, "{}", probe.name);
        }
    }
}
