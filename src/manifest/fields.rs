//! A manifest as a flat list of fields: to look one up, or to say how two manifests differ.

use super::identity::counts;
use super::schema::Experiment;
use super::text::resolved;
use super::{lookup, syntax};
use serde::Serialize;
use std::collections::BTreeMap;

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

/// The fields that differ, in the order of the schema (those of `right` alone come last).
pub fn differences(left: &Experiment, right: &Experiment) -> Vec<Difference> {
    let (a, b) = (fields(left), fields(right));
    let in_a: BTreeMap<&str, &str> = pairs(&a);
    let in_b: BTreeMap<&str, &str> = pairs(&b);
    let only_b = b.iter().filter(|(path, _)| !in_a.contains_key(path.as_str()));
    a.iter()
        .chain(only_b)
        .map(|(path, _)| Difference {
            path: path.clone(),
            left: in_a.get(path.as_str()).map(|v| (*v).to_owned()),
            right: in_b.get(path.as_str()).map(|v| (*v).to_owned()),
            counts: counts(path),
        })
        .filter(|d| d.left != d.right)
        .collect()
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
                r#"modalities[0].masking.stride Some("2") None true"#,
                r#"modalities[0].masking.aligned Some("true") None true"#,
                r#"train.lr Some("0.001") Some("0.5") true"#,
                r#"modalities[0].masking None Some("Random") true"#,
            ]
        );
        assert_eq!(differences(&small(), &small()), []);
    }
}
