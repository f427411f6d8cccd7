//! RON text ↔ `Experiment`.

use super::diagnostic::Finding;
use super::schema::{Experiment, SCHEMA};
use super::syntax::Kind;
use super::{lookup, syntax};
use crate::suggest::hint;
use ron::error::SpannedError;
use ron::extensions::Extensions;
use ron::ser::PrettyConfig;
use ron::{Error, Options};
use serde::de::DeserializeOwned;
use std::ops::Range;

/// RON as manifests use it: `path: "x"` stands for `path: Some("x")`.
pub fn options() -> Options {
    Options::default().with_default_extension(Extensions::IMPLICIT_SOME)
}

/// The complete manifest: every field with its value, defaults included. Reads back to an equal
/// experiment, and to the same identity.
pub fn resolved(experiment: &Experiment) -> String {
    let pretty = PrettyConfig::new().depth_limit(2).indentor("    ").new_line("\n");
    // Serializing plain structs, numbers and strings into a string cannot fail.
    let body = options().to_string_pretty(experiment, pretty).expect("an experiment is plain data");
    format!("Experiment{body}\n")
}

/// Reads a manifest's text; RON stops at the first error.
///
/// Errors: the finding, and the 1-based line and column where reading stopped.
pub fn parse(text: &str) -> Result<Experiment, (Finding, (usize, usize))> {
    read_as::<Experiment>(text).map_err(|wrong| {
        let placed = |(finding, span): (Finding, Range<usize>)| (finding, syntax::position(text, span.start));
        other_schema(text).map_or(wrong, placed)
    })
}

/// Reads any type from RON as manifests write it.
///
/// Errors: the finding, and the 1-based line and column where reading stopped.
pub fn read_as<T: DeserializeOwned>(text: &str) -> Result<T, (Finding, (usize, usize))> {
    options().from_str(text).map_err(|e| explain(text, e))
}

/// A manifest of another schema fails to read for reasons that would mislead: say the schema first, at bytes of
/// `text`.
pub fn other_schema(text: &str) -> Option<(Finding, Range<usize>)> {
    let root = syntax::scan(text);
    let found = lookup::follow(text, &root, "schema");
    let value = &text[found.node.start..found.node.end];
    let number = value.parse::<u32>().ok().filter(|_| found.rest.is_empty())?;
    (number != SCHEMA).then(|| (schema_finding(number), found.start..found.node.end))
}

/// The schema is not the one this program reads.
pub fn schema_finding(found: u32) -> Finding {
    let help = if found > SCHEMA {
        "the manifest was written for a newer nano4m: update the program"
    } else {
        "set `schema: 1`"
    };
    Finding::error("schema", "unknown manifest schema").found(found).expected(SCHEMA).help(help)
}

fn explain(text: &str, error: SpannedError) -> (Finding, (usize, usize)) {
    let place = (error.span.start.line, error.span.start.col);
    let within = |outer: Option<String>| outer.map_or(String::new(), |o| format!(" in `{o}`"));
    let plain = |what: String| Finding::error("", what);
    let finding = match error.code {
        Error::NoSuchStructField { expected, found, outer } => plain(format!(
            "unknown field `{found}`{}",
            within(outer)
        ))
        .help(hint(&found, "fields", expected.iter().copied())),
        Error::NoSuchEnumVariant { expected, found, outer } => plain(format!(
            "unknown variant `{found}`{}",
            within(outer)
        ))
        .help(hint(&found, "variants", expected.iter().copied())),
        Error::MissingStructField { field, outer } => {
            plain(format!("missing field `{field}`{}", within(outer)))
        }
        Error::DuplicateStructField { field, outer } => {
            plain(format!("field `{field}` is given twice{}", within(outer)))
        }
        Error::ExpectedDifferentStructName { expected, found } => {
            plain("wrong name".into()).found(found).expected(expected)
        }
        code => return wrong_value(text, code, place),
    };
    (finding, place)
}

/// An error inside a value: names the field and shows what stands there.
fn wrong_value(text: &str, code: Error, place: (usize, usize)) -> (Finding, (usize, usize)) {
    let (root, at) = (syntax::scan(text), syntax::offset(text, place));
    let (path, node) = lookup::around(&root, at);
    // A comma is expected inside a value when reading stopped early (`1.5` for an integer), and
    // between values when it is really missing.
    let inside = code != Error::ExpectedComma || (node.start < at && at < node.end);
    if path.is_empty() || node.kind != Kind::Scalar || !inside || node.start == node.end {
        return (Finding::error(path, lower(&code.to_string())), place);
    }
    let finding = Finding::error(&path, format!("`{path}` cannot hold this value"))
        .found(&text[node.start..node.end])
        .expected(expected(code));
    (finding, syntax::position(text, node.start))
}

/// What a field wants, in a user's words.
fn expected(code: Error) -> String {
    let known = match code {
        Error::InvalidValueForType { expected, .. } => return expected,
        Error::ExpectedInteger | Error::InvalidIntegerDigit { .. } | Error::ExpectedComma => {
            "a whole number, without point or exponent: 600_000_000"
        }
        Error::IntegerOutOfBounds => "a whole number, 0 or more, that fits its field",
        Error::ExpectedFloat => "a number",
        Error::ExpectedString => "a string in double quotes",
        Error::ExpectedBoolean => "true or false",
        Error::ExpectedArray => "a list: [ … ]",
        other => return lower(&other.to_string()).trim_start_matches("expected ").to_owned(),
    };
    known.to_owned()
}

/// Messages begin in lower case.
fn lower(message: &str) -> String {
    let mut chars = message.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{any_experiment, small};
    use proptest::prelude::*;

    #[test]
    fn the_printed_manifest_is_complete() {
        let text = resolved(&small());
        for line in ["    about: \"\",", "    pins: None,", "        clip: 1.0,", "        lr: 0.001,"] {
            assert!(text.lines().any(|l| l == line), "{line:?} is missing in\n{text}");
        }
        assert!(text.contains("masking: Span(stride: 2, aligned: true)"));
    }

    #[test]
    fn a_pruned_clip_stays_pruned() {
        let mut e = small();
        e.train.clip = None;
        assert_eq!(parse(&resolved(&e)).unwrap().train.clip, None);
    }

    proptest! {
        #[test]
        fn the_printed_manifest_reads_back(e in any_experiment()) {
            let text = resolved(&e);
            prop_assert_eq!(parse(&text).unwrap(), e);
        }
    }
}
