//! Semantic checks: what a well-typed manifest can still get wrong. All problems are collected.
//!
//! Each file checks one part of the manifest and is given the whole of it. Values that are not
//! finite are found once, here, over the printed manifest; the other checks stay silent on them.

mod data;
mod masking;
mod modalities;
mod probes;
mod train;

use super::diagnostic::{Finding, Severity};
use super::schema::{Decode, Experiment, SCHEMA};
use super::{lookup, syntax, text};
use crate::suggest;
use std::fmt::Display;

/// Everything wrong with `experiment`, in no particular order.
pub fn check(experiment: &Experiment) -> Vec<Finding> {
    let mut found = Findings::default();
    header(experiment, &mut found);
    finite(experiment, &mut found);
    data::check(experiment, &mut found);
    modalities::check(&experiment.modalities, &mut found);
    masking::check(experiment, &mut found);
    train::check(experiment, &mut found);
    probes::check(experiment, &mut found);
    found.0
}

/// What is wrong with generating `target` from `inputs` outside a manifest's probes; fields are named as
/// the options of a command line (`--inputs`).
pub fn generation(
    e: &Experiment,
    inputs: &[String],
    target: &str,
    prefix: f64,
    settings: &Decode,
) -> Vec<Finding> {
    let mut found = Findings::default();
    probes::generation(e, "--", (inputs, target, prefix), &mut found);
    probes::decode(e, "--", settings, (target, prefix), &mut found);
    // `--top-k` and `--top-p` are the only options of two words.
    let option = |text: &str| text.replace("--top_", "--top-");
    found.0.into_iter().map(|f| Finding { path: option(&f.path), what: option(&f.what), ..f }).collect()
}

/// Problems collected so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds a warning.
    fn warn(&mut self, finding: Finding) {
        self.0.push(Finding { severity: Severity::Warning, ..finding });
    }

    /// Adds "`path` must be …" unless `ok`.
    fn require(&mut self, ok: bool, path: &str, found: impl Display, expected: &str) {
        if !ok {
            self.push(
                Finding::error(path, format!("`{path}` is out of range")).found(found).expected(expected),
            );
        }
    }

    /// Like `require`, but silent on values that are not finite: those are reported once for all.
    fn require_number(&mut self, path: &str, value: f64, ok: bool, expected: &str) {
        self.require(ok || !value.is_finite(), path, value, expected);
    }

    /// Adds "no modality is named …" unless `name` is one of the modalities.
    fn known_modality(&mut self, experiment: &Experiment, path: &str, name: &str) {
        let names = || experiment.modalities.iter().map(|m| m.name.as_str());
        if !names().any(|n| n == name) {
            let all: Vec<&str> = names().collect();
            self.push(Finding::error(path, format!("no modality is named `{name}`")).help(suggest::hint(
                name,
                "modalities",
                all,
            )));
        }
    }
}

fn header(e: &Experiment, found: &mut Findings) {
    if e.schema != SCHEMA {
        found.push(text::schema_finding(e.schema));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let usable = e.name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && e.name.len() <= 80
        && e.name.chars().all(plain);
    if !usable {
        found.push(
            Finding::error("name", "`name` cannot name a directory")
                .found(format!("{:?}", e.name))
                .expected("1 to 80 letters, digits, `_`, `-` or `.`, not beginning with `-` or `.`"),
        );
    } else if e.name == "latest" {
        found
            .push(Finding::error("name", "`latest` always means the newest run").help("choose another name"));
    }
    if let Some(pins) = &e.pins {
        if let Some(code) = pins.code.as_deref().filter(|c| !is_sha256(c)) {
            found.push(bad_hash("pins.code", code, "sha256: and 64 hexadecimal digits"));
        }
        let hex = |c: &str| (7..=64).contains(&c.len()) && c.chars().all(|c| c.is_ascii_hexdigit());
        if let Some(commit) = pins.commit.as_deref().filter(|c| !hex(c)) {
            found.push(bad_hash("pins.commit", commit, "7 to 64 hexadecimal digits"));
        }
    }
}

/// 64 hexadecimal digits, with or without `sha256:`.
fn is_sha256(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit())
}

fn bad_hash(path: &str, found: &str, expected: &str) -> Finding {
    Finding::error(path, format!("`{path}` is not a hash"))
        .found(format!("{found:?}"))
        .expected(expected)
        .help("`nano4m pin FILE` writes it")
}

/// Infinities, NaN and numbers that overflow to infinity, wherever they stand.
fn finite(experiment: &Experiment, found: &mut Findings) {
    let text = text::resolved(experiment);
    let root = syntax::scan(&text);
    for (path, value) in lookup::leaves(&text, &root) {
        // Strings are quoted, so the text `inf` is always a number.
        if value.parse::<f64>().is_ok_and(|x| !x.is_finite()) {
            found.push(
                Finding::error(&path, format!("`{path}` is not a finite number"))
                    .found(value)
                    .expected("a finite number"),
            );
        }
    }
}
