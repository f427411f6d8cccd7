//! A manifest as a flat list of fields: to look one up, or to say how two manifests differ.

use super::identity::counts;
use super::schema::Experiment;
use super::text::resolved;
use super::{lookup, syntax};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Every field of `experiment` with its value in RON, in the order of the schema: `train.lr`, `0.001`.
pub fn fields(experiment: &Experiment) -> Vec<(String, String)> {
    let text = resolved(experiment);
    lookup::leaves(&text, &syntax::scan(&text))
}

/// The value at `path` in RON, e.g. of `train.lr` or `modalities.tok_rgb@196.masking`.
///
/// Errors: a message with the nearest name.
pub fn value(experiment: &Experiment, path: &str) -> Result<String, String> {
    let text = resolved(experiment);
    let root = syntax::scan(&text);
    let found = lookup::follow(&text, &root, path);
    if found.rest.is_empty() && !path.is_empty() {
        return Ok(text[found.node.start..found.node.end].to_owned());
    }
    let names = lookup::names(&text, found.node);
    let word = found.rest.split(['.', '[']).next().unwrap_or(found.rest);
    let hint = crate::suggest::hint(word, "fields", names.iter().map(String::as_str));
    Err(format!("the manifest has no field `{path}`: {hint}"))
}

/// A field that is not the same in two manifests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub path: String,
    /// In RON; absent where the field is not.
    pub left: Option<String>,
    pub right: Option<String>,
    /// Whether the field counts for the identity.
    pub counts: bool,
}

/// The fields that differ, in the order of the schema (those of `right` alone come last). A value that has fields on
/// one side only, such as `Span(stride: 2)` against `Random`, is one.
pub fn differences(left: &Experiment, right: &Experiment) -> Vec<Difference> {
    let (a, b) = (fields(left), fields(right));
    let (in_a, in_b) = (pairs(&a), pairs(&b));
    let paths = || a.iter().chain(&b).map(|(path, _)| path.as_str());
    let has_fields = |path: &str, there: &BTreeMap<&str, &str>| {
        let inside = there.range(path..).map(|(other, _)| other).take_while(|other| other.starts_with(path));
        inside.into_iter().any(|other| other[path.len()..].starts_with(['.', '[']))
    };
    let whole: BTreeSet<&str> =
        paths().filter(|path| has_fields(path, &in_a) || has_fields(path, &in_b)).collect();
    let of = |experiment: &Experiment, found: &BTreeMap<&str, &str>, path: &str| match found.get(path) {
        Some(value) => Some((*value).to_owned()),
        None if whole.contains(path) => value(experiment, path).ok(),
        None => None,
    };
    let mut seen = BTreeSet::new();
    paths()
        .map(|path| ancestors(path).find(|part| whole.contains(part)).unwrap_or(path))
        .filter(|path| seen.insert(*path))
        .map(|path| Difference {
            path: path.to_owned(),
            left: of(left, &in_a, path),
            right: of(right, &in_b, path),
            counts: counts(path),
        })
        .filter(|d| d.left != d.right)
        .collect()
}

/// `a`, `a.b`, `a.b[0]`, … up to the whole of `a.b[0].c`.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices(['.', '[']).map(|(at, _)| &path[..at]).chain([path])
}

fn pairs(fields: &[(String, String)]) -> BTreeMap<&str, &str> {
    fields.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::small;
    use super::*;
    use crate::manifest::overrides::apply;

    #[test]
    fn a_value_is_found_by_its_path() {
        let e = small();
        assert_eq!(value(&e, "train.lr").unwrap(), "0.001");
        assert_eq!(value(&e, "modalities.a@16.masking").unwrap(), "Span(stride: 2, aligned: true)");
        assert_eq!(
            value(&e, "train.lrr").unwrap_err(),
            "the manifest has no field `train.lrr`: did you mean `lr`?"
        );
    }

    #[test]
    fn differences_name_what_counts() {
        let other = apply(&small(), "train.lr=0.5").unwrap();
        let other = apply(&other, "name=other").unwrap();
        let other = apply(&other, "modalities[0].masking=Random").unwrap();
        let lines: Vec<String> = differences(&small(), &other)
            .into_iter()
            .map(|d| format!("{} {:?} {:?} {}", d.path, d.left, d.right, d.counts))
            .collect();
        assert_eq!(
            lines,
            [
                r#"name Some("\"small\"") Some("\"other\"") false"#,
                r#"modalities[0].masking Some("Span(stride: 2, aligned: true)") Some("Random") true"#,
                r#"train.lr Some("0.001") Some("0.5") true"#,
            ]
        );
        assert_eq!(differences(&small(), &small()), []);
    }
}
