//! The identity of a run: what decides its result, and nothing else (DESIGN §3).
//!
//! Hashed: the parsed manifest as canonical JSON (keys sorted, floats by their bits, defaults
//! written out), the dataset's content hash and the code hash. `name`, `about`, `pins`, `data.path`,
//! `data.obtain` and `data.sha256` are left out, as is the order of claims.

use super::schema::Experiment;
use crate::digest::Hasher;
use serde_json::Value;

/// The identity of `experiment` on data and code of these hashes, 64 hexadecimal digits.
pub fn identity(experiment: &Experiment, data_hash: &str, code_hash: &str) -> String {
    let mut hasher = Hasher::new("nano4m.identity.v1");
    hasher
        .field(canonical(experiment).as_bytes())
        .field(bare(data_hash).as_bytes())
        .field(bare(code_hash).as_bytes());
    hasher.finish_hex()
}

/// `<name>-<first 10 digits of the identity>`.
pub fn run_dir_name(name: &str, identity: &str) -> String {
    format!("{name}-{}", identity.get(..10).unwrap_or(identity))
}

/// A hash without its `sha256:`, in lower case.
pub fn bare(hash: &str) -> String {
    hash.strip_prefix("sha256:").unwrap_or(hash).to_ascii_lowercase()
}

/// Whether the field at `path` counts for the identity.
pub fn counts(path: &str) -> bool {
    const LEFT_OUT: [&str; 6] = ["name", "about", "pins", "data.path", "data.obtain", "data.sha256"];
    !LEFT_OUT.iter().any(|left| path == *left || path.strip_prefix(left).is_some_and(|p| p.starts_with('.')))
}

/// The part of the manifest that counts, as canonical JSON.
pub fn canonical(experiment: &Experiment) -> String {
    let mut e = experiment.clone();
    e.name.clear();
    e.about.clear();
    e.pins = None;
    (e.data.path, e.data.obtain, e.data.sha256) = (None, None, None);
    let place = |c: &super::schema::Claim| (c.metric.clone(), c.against.clone(), c.margin.to_bits());
    e.claims.sort_by_key(place);
    // Plain structs, numbers and strings; checked manifests hold finite numbers only.
    let value = serde_json::to_value(&e).expect("an experiment is plain data");
    let mut out = String::new();
    write(&value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            list(('{', '}'), entries, out, |(key, value), out| {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(value, out);
            });
        }
        Value::Array(items) => list(('[', ']'), items, out, write),
        Value::Number(n) if n.is_f64() => {
            let bits = n.as_f64().map_or(0, f64::to_bits);
            out.push_str(&format!("\"f64:{bits:016x}\""));
        }
        other => out.push_str(&other.to_string()),
    }
}

fn list<T>(
    (open, close): (char, char),
    items: impl IntoIterator<Item = T>,
    out: &mut String,
    mut each: impl FnMut(T, &mut String),
) {
    out.push(open);
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        each(item, out);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{any_experiment, small, SMALL};
    use super::*;
    use crate::manifest::schema::{Claim, Pins};
    use crate::manifest::{overrides, resolved, text};
    use proptest::prelude::*;

    fn id(e: &Experiment) -> String {
        identity(e, "d", "c")
    }

    #[test]
    fn what_decides_nothing_does_not_count() {
        let mut e = small();
        e.name = "renamed".into();
        e.about = "something".into();
        e.data.path = Some("elsewhere".into());
        e.data.obtain = Some("ask".into());
        e.data.sha256 = Some("0".repeat(64));
        e.pins = Some(Pins { code: Some("x".into()), commit: None });
        assert_eq!(id(&e), id(&small()));
        let differences = crate::manifest::fields::differences(&e, &small());
        assert!(differences.iter().all(|d| !d.counts), "{differences:?}");
        // Layout, comments, order of fields and written defaults neither.
        let text = SMALL
            .replace("    schema: 1,\n    name: \"small\",", "name: \"small\", schema: 1, /* */ seeds: (),")
            .replace("lr: 1e-3", "lr: 0.001");
        assert_eq!(id(&text::parse(&text).unwrap()), id(&small()));
    }

    #[test]
    fn what_decides_counts() {
        let base = id(&small());
        for argument in [
            "train.lr=0.0010000000000000002",
            "seeds.probes=43",
            "modalities[0].masking.aligned=false",
            "modalities[2].name=d",
            "train.clip=None",
            "train.micro_batch=4",
            "data.synthetic.seed=1",
            "probes=[]",
            "data.splits.test=test2",
        ] {
            assert_ne!(base, id(&overrides::apply(&small(), argument).unwrap()), "{argument}");
        }
        assert_ne!(base, identity(&small(), "e", "c"));
        assert_ne!(base, identity(&small(), "d", "e"));
        assert_ne!(identity(&small(), "dc", ""), identity(&small(), "d", "c"));
        assert_eq!(base, identity(&small(), "sha256:d", "sha256:C"));
    }

    #[test]
    fn claims_count_in_any_order() {
        let claim = |m: &str| Claim { metric: m.into(), against: "x".into(), margin: 0.0 };
        let with = |claims| Experiment { claims, ..small() };
        assert_eq!(id(&with(vec![claim("a"), claim("b")])), id(&with(vec![claim("b"), claim("a")])));
        assert_ne!(id(&with(vec![claim("a")])), id(&small()));
    }

    #[test]
    fn the_canonical_form_is_fixed() {
        let text = canonical(&small());
        assert!(text
            .starts_with("{\"about\":\"\",\"claims\":[],\"data\":{\"labels\":\"Caption\",\"obtain\":null"));
        assert!(text.contains("\"lr\":\"f64:3f50624dd2f1a9fc\""), "{text}");
        assert_eq!(run_dir_name("small", &"0123456789abcdef".repeat(4)), "small-0123456789");
    }

    proptest! {
        #[test]
        fn the_printed_manifest_has_the_same_identity(e in any_experiment()) {
            prop_assert_eq!(id(&text::parse(&resolved(&e)).unwrap()), id(&e));
        }
    }
}
