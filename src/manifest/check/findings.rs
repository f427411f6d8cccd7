//! Problems as they are collected.

use super::bounds::NAME;
use crate::fault::shortened;
use crate::manifest::diagnostic::{Finding, Severity, STAND_IN};
use crate::manifest::per_modality::PerModality;
use crate::modality::Modality;
use crate::suggest;
use std::fmt::Display;

/// Problems are collected up to here: nobody reads more.
const MOST: usize = 100;

/// Problems collected so far.
#[derive(Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Adds an error, or whatever it is.
    pub fn push(&mut self, finding: Finding) {
        if self.0.len() < MOST {
            self.0.push(finding);
        }
    }

    /// Adds a warning.
    pub fn warn(&mut self, finding: Finding) {
        self.push(Finding { severity: Severity::Warning, ..finding });
    }

    /// Adds "`path` must be …" unless `ok`.
    pub fn require(&mut self, ok: bool, path: &str, found: impl Display, expected: &str) {
        if !ok {
            self.push(
                Finding::error(path, format!("`{path}` is out of range")).found(found).expected(expected),
            );
        }
    }

    /// Adds "`path` must be at most …" if `value` is above it.
    pub fn at_most<T: PartialOrd + Display>(&mut self, path: &str, value: T, most: T) {
        self.require(value <= most, path, &value, &format!("at most {most}"));
    }

    /// Like `require`, but silent on values that are not finite: those are reported once for all.
    pub fn require_number(&mut self, path: &str, value: f64, ok: bool, expected: &str) {
        self.require(ok || !value.is_finite(), path, value, expected);
    }

    /// Adds "no modality is named …" unless `name` is one of the modalities.
    pub fn known_modality(&mut self, modalities: &[Modality], path: &str, name: &str) {
        let names = || modalities.iter().map(|m| m.name.as_str());
        // A name that could not be read may be the one.
        let unread = names().any(|n| n == STAND_IN);
        if self.0.len() < MOST && !unread && !names().any(|n| n == name) {
            let all: Vec<&str> = names().collect();
            self.push(
                Finding::error(path, format!("no modality is named `{}`", shortened(name, NAME)))
                    .help(suggest::hint(name, "modalities", all)),
            );
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
