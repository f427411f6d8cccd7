//! What is no part's own: the header, and numbers that are none.

use super::bounds::{CLAIMS, MODALITIES, PROBES};
use super::findings::{bad_hash, is_sha256, Findings};
use crate::manifest::diagnostic::Finding;
use crate::manifest::schema::{Experiment, SCHEMA};
use crate::manifest::{lookup, syntax, text};

/// Lists of which there are too many: the other checks compare them with each other.
pub fn counts(e: &Experiment, found: &mut Findings) {
    for (path, n, most) in [
        ("modalities", e.modalities.len(), MODALITIES),
        ("probes", e.probes.len(), PROBES),
        ("claims", e.claims.len(), CLAIMS),
    ] {
        if n > most {
            let finding = Finding::error(path, format!("`{path}` has too many entries"));
            found.push(finding.found(n).expected(format!("at most {most}")));
        }
    }
}

/// Schema, name and pins.
pub fn header(experiment: &Experiment, found: &mut Findings) {
    if experiment.schema != SCHEMA {
        found.push(text::schema_finding(experiment.schema));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let usable = experiment.name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && experiment.name.len() <= 80
        && experiment.name.chars().all(plain);
    if !usable {
        found.push(
            Finding::error("name", "`name` cannot name a directory")
                .found(format!("{:?}", experiment.name))
                .expected("1 to 80 letters, digits, `_`, `-` or `.`, not beginning with `-` or `.`"),
        );
    } else if experiment.name == "latest" {
        found
            .push(Finding::error("name", "`latest` always means the newest run").help("choose another name"));
    }
    if let Some(pins) = &experiment.pins {
        if let Some(code) = pins.code.as_deref().filter(|c| !is_sha256(c)) {
            found.push(bad_hash("pins.code", code, "sha256: and 64 hexadecimal digits"));
        }
        let hex = |c: &str| (7..=64).contains(&c.len()) && c.chars().all(|c| c.is_ascii_hexdigit());
        if let Some(commit) = pins.commit.as_deref().filter(|c| !hex(c)) {
            found.push(bad_hash("pins.commit", commit, "7 to 64 hexadecimal digits"));
        }
    }
}

/// Infinities, NaN and numbers that overflow to infinity, wherever they stand.
pub fn finite(experiment: &Experiment, found: &mut Findings) {
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
