//! `--set path=value`: one value of a manifest replaced, in RON syntax.
//!
//! The manifest is printed completely, the value at the path is exchanged in that text, and the
//! text is read again: an override can hold exactly what the file could, and is refused alike.

use super::diagnostic::Finding;
use super::reading::{self, Wrong};
use super::schema::Experiment;
use super::syntax::{Kind, Node};
use super::{lookup, syntax, text};
use crate::suggest::hint;
use std::ops::Range;

/// `argument` (`path=value`) applied to `experiment`.
///
/// A value that is not RON but fits a string field needs no quotes: `name=quick`.
///
/// # Errors
/// Everything that is wrong with it, at bytes of `argument`.
pub fn applied(experiment: &Experiment, argument: &str) -> Result<Experiment, Vec<Wrong>> {
    let Some((before, behind)) = argument.split_once('=') else {
        let finding = Finding::error("", "an override is written path=value")
            .found(format!("{argument:?}"))
            .expected("e.g. train.lr=3e-4");
        return Err(vec![Wrong { finding, span: 0..argument.len() }]);
    };
    let (path, value) = (before.trim(), behind.trim());
    let from = before.len() + 1 + (behind.len() - behind.trim_start().len());
    let place = from..from + value.len();
    match set(experiment, path, value) {
        Ok(done) => Ok(done),
        Err(Unset::Path(finding)) => Err(vec![Wrong { finding, span: 0..before.len() }]),
        Err(Unset::Value(wrong)) => set(experiment, path, &format!("{value:?}")).map_err(|_| {
            let within = |at: usize| (from + at).clamp(place.start, place.end);
            let moved = |w: Wrong| Wrong { span: within(w.span.start)..within(w.span.end), ..w };
            wrong.into_iter().map(moved).collect()
        }),
    }
}

/// [`applied`], with the first of what is wrong.
pub fn apply(experiment: &Experiment, argument: &str) -> Result<Experiment, Finding> {
    applied(experiment, argument).map_err(|mut wrong| wrong.swap_remove(0).finding)
}

/// Whether the path or the value was wrong, the latter at bytes of the value.
enum Unset {
    Path(Finding),
    Value(Vec<Wrong>),
}

fn set(experiment: &Experiment, path: &str, value: &str) -> Result<Experiment, Unset> {
    let scanned = syntax::scan(value);
    if value.is_empty() || scanned.end != value.len() {
        let finding = Finding::error(path, format!("the value for `{path}` is not one RON value"))
            .found(format!("{value:?}"))
            .help("quote it for the shell: 'Span(stride: 2)'");
        return Err(Unset::Value(vec![Wrong { finding, span: 0..value.len() }]));
    }
    let whole = text::resolved(experiment);
    let root = syntax::scan(&whole);
    let Edit { replaced, new, at } = edit(&whole, &root, path, value).map_err(Unset::Path)?;
    let edited = format!("{}{new}{}", &whole[..replaced.start], &whole[replaced.end..]);
    let read = reading::of_text::<Experiment>(&edited);
    match read.exact() {
        Ok(experiment) => Ok(experiment),
        Err(wrong) => {
            let begin = replaced.start + at;
            let within = |at: usize| at.saturating_sub(begin).min(value.len());
            // A mistake outside of the value is one that the value makes.
            let span = |span: &Range<usize>| match within(span.start)..within(span.end) {
                none if none.is_empty() => 0..value.len(),
                some => some,
            };
            Err(Unset::Value(wrong.into_iter().map(|w| Wrong { span: span(&w.span), ..w }).collect()))
        }
    }
}

/// Bytes of a text to replace, and with what; the value stands in it from byte `at` on.
struct Edit {
    replaced: Range<usize>,
    new: String,
    at: usize,
}

fn edit(text: &str, root: &Node, path: &str, value: &str) -> Result<Edit, Finding> {
    let found = lookup::follow(text, root, path);
    let (node, rest) = (found.node, found.rest);
    if rest.is_empty() && !path.is_empty() {
        return Ok(Edit { replaced: node.start..node.end, new: value.to_owned(), at: 0 });
    }
    match &node.kind {
        Kind::Scalar if &text[node.start..node.end] == "None" && !rest.contains('[') => {
            let new = nested(rest, value);
            let at = new.len() - value.len() - rest.split('.').count();
            Ok(Edit { replaced: node.start..node.end, new, at })
        }
        Kind::Fields { map: true, fields, .. } => {
            let comma = if fields.is_empty() { "" } else { ", " };
            let new = format!("{comma}{rest:?}: {value}");
            let at = new.len() - value.len();
            Ok(Edit { replaced: node.end - 1..node.end - 1, new, at })
        }
        _ => Err(unknown(text, node, path, rest)),
    }
}

/// `a.b` and `1` → `(a: (b: 1))`.
fn nested(path: &str, value: &str) -> String {
    path.rsplit('.').fold(value.to_owned(), |inner, field| format!("({field}: {inner})"))
}

fn unknown(text: &str, node: &Node, path: &str, rest: &str) -> Finding {
    let parent = path[..path.len() - rest.len()].trim_end_matches('.');
    let here = if parent.is_empty() { "the manifest".to_owned() } else { format!("`{parent}`") };
    let names = lookup::names(text, node);
    let word = rest.split(['.', '[']).next().unwrap_or(rest);
    let candidates = names.iter().map(String::as_str);
    match &node.kind {
        Kind::Scalar => Finding::error(path, format!("{here} is a single value: it has no parts"))
            .found(rest.to_owned())
            .help(format!("set {here} as a whole")),
        Kind::Fields { .. } => Finding::error(path, format!("{here} has no field `{word}`"))
            .help(hint(word, "fields", candidates)),
        Kind::Items { items, .. } if rest.starts_with('[') => {
            Finding::error(path, format!("{here} has no such entry"))
                .found(rest.to_owned())
                .expected(format!("[0] to [{}]", items.len().saturating_sub(1)))
        }
        Kind::Items { .. } => Finding::error(path, format!("{here} has no entry `{word}`"))
            .help(hint(rest, "entries", candidates)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::schema::{Loss, PerModality, Ratio};
    use crate::manifest::testing::small;
    use crate::modality::Strategy;

    fn message(argument: &str) -> String {
        let f = apply(&small(), argument).unwrap_err();
        let mut out = f.what;
        for (name, part) in [("found", f.found), ("expected", f.expected), ("help", f.help)] {
            if let Some(part) = part {
                out += &format!(" | {name}: {part}");
            }
        }
        out
    }

    #[test]
    fn values_of_every_shape() {
        let mut e = small();
        for argument in [
            "train.lr=3e-4",
            "train.clip=None",
            "train.betas=(0.8, 0.9)",
            "train.betas[1]=0.99",
            "train.loss=TokenMean",
            "seeds.init=18446744073709551615",
            "modalities[0].masking=Span(stride: 2)",
            "modalities.a@16.masking.aligned=false",
            "name=quick",
            "data.synthetic.strength={\"a@16\": 0.5}",
            "data.synthetic.strength.b@9=0.25",
            "masking.ratio=(input: 0.5, target: 0.25)",
            "masking.ratio.input=0.125",
            "probes.CrossEntropy.masks=7",
            "pins.code=abc",
        ] {
            e = apply(&e, argument).unwrap_or_else(|f| panic!("{argument}: {f:?}"));
        }
        assert_eq!((e.train.lr, e.train.clip, e.train.betas), (3e-4, None, (0.8, 0.99)));
        assert_eq!((e.train.loss, e.seeds.init), (Loss::TokenMean, u64::MAX));
        assert_eq!(e.modalities[0].masking, Strategy::Span { stride: 2, aligned: false });
        assert_eq!(e.name, "quick");
        let strength = [("a@16", 0.5), ("b@9", 0.25)].map(|(n, x)| (n.to_owned(), x));
        assert_eq!(e.data.synthetic.unwrap().strength, PerModality::Each(strength.into()));
        assert_eq!(e.masking.ratio, Some(Ratio { input: 0.125, target: 0.25 }));
        assert_eq!(e.pins.unwrap().code.as_deref(), Some("abc"));
    }

    #[test]
    fn wrong_paths_and_values_are_explained() {
        assert_eq!(message("train.lrr=1"), "`train` has no field `lrr` | help: did you mean `lr`?");
        assert_eq!(
            message("modalities.rgb.vocab=1"),
            "`modalities` has no entry `rgb` | help: entries: `a@16`, `b@9`, `c`"
        );
        assert_eq!(
            message("modalities[3].vocab=1"),
            "`modalities` has no such entry | found: [3].vocab | expected: [0] to [2]"
        );
        assert_eq!(
            message("train.lr.x=1"),
            "`train.lr` is a single value: it has no parts | found: x | help: set `train.lr` as a whole"
        );
        assert_eq!(
            message("train.loss=TokenMeen"),
            "unknown variant `TokenMeen` in `Loss` | help: did you mean `TokenMean`?"
        );
        assert_eq!(
            message("train.lr=fast"),
            "`train.lr` cannot hold this value | found: fast | expected: a number"
        );
        assert_eq!(
            message("train.batch=1, lr: 2"),
            "the value for `train.batch` is not one RON value | found: \"1, lr: 2\" | help: quote it for the shell: 'Span(stride: 2)'"
        );
        assert_eq!(
            message("seeds=7"),
            "`seeds` cannot hold this value | found: 7 | expected: parentheses with the fields of `Seeds`: `init`, `data`, `masking`, `probes`"
        );
        assert!(message("train.lr").starts_with("an override is written path=value"));
    }
}
