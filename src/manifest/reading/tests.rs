//! What the reading of a refused text tells, and what it takes the text for.

use super::{of_text, Reading};
use crate::manifest::check;
use crate::manifest::schema::Experiment;
use crate::manifest::testing::{small, SMALL};
use proptest::prelude::*;

fn read(changes: &[(&str, &str)]) -> (Reading<Experiment>, Vec<String>) {
    let text = changes.iter().fold(SMALL.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replacen(old, new, 1)
    });
    let read = of_text::<Experiment>(&text);
    let line = |w: &super::Wrong| {
        let f = &w.finding;
        let parts = [&f.found, &f.expected, &f.help];
        let parts = parts.into_iter().flatten().fold(f.what.clone(), |line, part| format!("{line} | {part}"));
        format!("{} < {parts}", &text[w.span.clone()])
    };
    let told = read.wrong.iter().map(line).collect();
    (read, told)
}

/// The text is told to be wrong and read as if it were right.
#[test]
fn what_was_meant_is_read() {
    for (old, new, told) in [
        ("length: 9", "lenght: 9", "lenght < unknown field `lenght` in `Modality` | did you mean `length`?"),
        ("Block2d", "Block", "Block < unknown variant `Block` in `Strategy` | did you mean `Block2d`?"),
        ("Block2d", "\"Block2d\"", "\"Block2d\" < unknown variant `\"Block2d\"` in `Strategy` | without quotes: Block2d"),
        (
            "batch: 8",
            "batch: 8.0",
            "8.0 < `train.batch` cannot hold this value | 8.0 | a whole number, without point or exponent: 600_000_000",
        ),
        ("lr: 1e-3", "lr: \"1e-3\"", "\"1e-3\" < `train.lr` cannot hold this value | \"1e-3\" | a number"),
        ("name: \"small\"", "name: small", "small < `name` cannot hold this value | small | a string in double quotes"),
        (
            "[CrossEntropy(masks: 2)]",
            "CrossEntropy(masks: 2)",
            "CrossEntropy(masks: 2) < `probes` cannot hold this value | CrossEntropy(masks: 2) | a list: [ … ]",
        ),
        (
            "(dim: 32, enc_depth: 1, dec_depth: 1, head_dim: 8)",
            "{dim: 32, enc_depth: 1, dec_depth: 1, head_dim: 8}",
            "{dim: 32, enc_depth: 1, dec_depth: 1, head_dim: 8} < `model` cannot hold this value | {dim: 32, enc_depth: 1, dec_depth: 1, head_dim: 8} | parentheses around the fields: (dim: …)",
        ),
        ("(2, 8), target", "[2, 8], target", "[2, 8] < `masking.input_tokens` cannot hold this value | [2, 8] | 2 values in parentheses: (…, …)"),
        ("schema: 1,", "schema: 1", "1 < a comma is missing behind this"),
        ("schema: 1,", "schema = 1,", "= < `=` where a field has `:`"),
        ("Experiment(", "Experimnt(", "Experimnt < `Experimnt` stands where `Experiment` should"),
        ("classes: 4", "classes: 4, classes: 4", "classes < field `classes` is given twice in `Synthetic`"),
    ] {
        let (read, all) = read(&[(old, new)]);
        assert_eq!(all, [told]);
        if !new.starts_with('[') {
            assert_eq!(read.value(), Some(&small()), "{new}");
        }
    }
}

#[test]
fn what_is_missing_is_told_once_and_nothing_else_because_of_it() {
    let (read, told) = read(&[
        ("name: \"a@16\", length: 16, vocab: 32, ", "vocab: 32, "),
        ("(classes: 4)", "7"),
        ("CrossEntropy(masks: 2)", "(masks: 2), Generation(inputs: [\"c\"]), Retrieval(pairs: [(\"a@16\")])"),
        ("lr: 1e-3", "lr: quick"),
    ]);
    assert_eq!(
        told,
        [
            "7 < `data.synthetic` cannot hold this value | 7 | parentheses with the fields of `Synthetic`: `seed`, `classes`, `clips`, `rows`, `strength`",
            "(vocab: 32, codebooks: 2, masking: Span(stride: 2)) < missing field `name` in `Modality`",
            "(vocab: 32, codebooks: 2, masking: Span(stride: 2)) < missing field `length` in `Modality`",
            "quick < `train.lr` cannot hold this value | quick | a number",
            "(masks: 2) < `probes[0]` cannot hold this value | (masks: 2) | one of `CrossEntropy`, `Classify`, `Retrieval`, `Memorization`, `Directions`, `ForwardVsAutoregressive`, `Generation`, `LinearProbe`",
            "Generation(inputs: [\"c\"]) < missing field `target` in `Generation`",
            "(\"a@16\") < `probes[2].pairs[0]` cannot hold this value | (\"a@16\") | 2 values in parentheses: (…, …)",
        ]
    );
    assert_eq!(read.checked(check::check), []);
}

/// Values that are wrong are found beside what cannot be read.
#[test]
fn values_are_checked_beside_what_cannot_be_read() {
    let (read, told) = read(&[
        ("length: 16, ", ""),
        ("vocab: 16", "vocab: 1"),
        ("tokens_per_sample: 16", "tokens_per_sampel: 0"),
        ("min_lr: 1e-5", "min_lr: 1.0"),
        ("input_tokens: (2, 8)", "input_tokens: (8, 2)"),
        ("CrossEntropy(masks: 2)", "CrossEntropy(masks: 0), LinearProbe(inputs: [[\"b@99\"]])"),
    ]);
    assert_eq!(told.len(), 2, "{told:?}");
    let found: Vec<String> = read.checked(check::check).into_iter().map(|f| f.path).collect();
    let expected = [
        "modalities[1].vocab",
        "masking.input_tokens",
        "train.tokens_per_sample",
        "train.min_lr",
        "probes[0].masks",
        "probes[1].inputs[0][0]",
    ];
    assert_eq!(found, expected);
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let probes = "CrossEntropy(masks: 2), ".repeat(100_000);
    let (read, told) = read(&[("CrossEntropy(masks: 2)", &probes)]);
    assert!(read.value().is_none());
    assert!(
        told[0].ends_with("< `probes` has too many entries | 100000 | at most 1000"),
        "{}",
        &told[0][told[0].len() - 80..]
    );
}

/// Places where a manifest is changed: between any two of its tokens, or in the middle of one.
fn damaged() -> impl Strategy<Value = String> {
    let cut = (0..SMALL.len(), 0..40usize, r#"[a-c(){}\[\]:,="'/*#r\\ \n0-9.é\-]{0,6}"#);
    proptest::collection::vec(cut, 1..4).prop_map(|cuts| {
        cuts.into_iter().fold(SMALL.to_owned(), |text, (at, length, new)| {
            let at = (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap();
            let end = (at..=text.len()).find(|&i| i >= at + length && text.is_char_boundary(i));
            format!("{}{new}{}", &text[..at], &text[end.unwrap_or(text.len())..])
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// No damage makes the program panic, and what RON refuses is never called right.
    #[test]
    fn any_damage_is_told(text in damaged()) {
        let read = of_text::<Experiment>(&text);
        let ron = crate::manifest::read_as::<Experiment>(&text);
        prop_assert_eq!(ron.is_ok(), read.wrong.is_empty());
        for wrong in &read.wrong {
            prop_assert!(wrong.span.start <= wrong.span.end);
        }
        read.checked(check::check);
        let _ = crate::manifest::parse(&text, std::path::Path::new("m.ron"), &[]).map_err(crate::fault::Fault::from);
    }
}
