//! Problems as they are collected.

use crate::manifest::diagnostic::{Finding, Severity};
use crate::manifest::per_modality::PerModality;
use crate::modality::Modality;
use crate::suggest;
use std::fmt::Display;

/// Problems collected so far.
#[derive(Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Adds an error, or whatever it is.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds a warning.
    pub fn warn(&mut self, finding: Finding) {
        self.0.push(Finding { severity: Severity::Warning, ..finding });
    }

    /// Adds "`path` must be …" unless `ok`.
    pub fn require(&mut self, ok: bool, path: &str, found: impl Display, expected: &str) {
        if !ok {
            self.push(
                Finding::error(path, format!("`{path}` is out of range")).found(found).expected(expected),
            );
        }
    }

    /// Like `require`, but silent on values that are not finite: those are reported once for all.
    pub fn require_number(&mut self, path: &str, value: f64, ok: bool, expected: &str) {
        self.require(ok || !value.is_finite(), path, value, expected);
    }

    /// Adds "no modality is named …" unless `name` is one of the modalities.
    pub fn known_modality(&mut self, modalities: &[Modality], path: &str, name: &str) {
        let names = || modalities.iter().map(|m| m.name.as_str());
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

/// 64 hexadecimal digits, with or without `sha256:`.
pub fn is_sha256(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit())
}

/// "`path` is not a hash".
pub fn bad_hash(path: &str, found: &str, expected: &str) -> Finding {
    Finding::error(path, format!("`{path}` is not a hash"))
        .found(format!("{found:?}"))
        .expected(expected)
        .help("`nano4m pin FILE` writes it")
}

/// The numbers of `values` with their paths, and the modality each is for (`None`: all).
pub fn each<'a>(path: &str, values: &'a PerModality) -> Vec<(String, Option<&'a str>, f64)> {
    match values {
        PerModality::All(x) => vec![(path.to_owned(), None, *x)],
        PerModality::Each(map) => {
            map.iter().map(|(name, x)| (format!("{path}.{name}"), Some(name.as_str()), *x)).collect()
        }
    }
}
