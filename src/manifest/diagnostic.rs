//! What is wrong with a manifest, and where.

use super::excerpt::Excerpt;
use crate::fault::{shortened, Fault};
use serde::Serialize;
use std::fmt;
use std::ops::Range;

/// Characters of a value that a message repeats.
const LONGEST_VALUE: usize = 200;

/// What stands for a text that is not there, so that the rest can be checked.
pub const STAND_IN: &str = "?";

/// Whether a manifest can be used at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// One problem, without its position: what the checks produce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// Path of the field, e.g. `modalities[1].vocab`.
    pub path: String,
    pub what: String,
    pub found: Option<String>,
    pub expected: Option<String>,
    pub help: Option<String>,
}

impl Finding {
    /// A problem that makes the manifest unusable.
    pub fn error(path: impl Into<String>, what: impl Into<String>) -> Finding {
        let (path, what) = (path.into(), what.into());
        Finding { severity: Severity::Error, path, what, found: None, expected: None, help: None }
    }

    pub fn found(mut self, found: impl fmt::Display) -> Finding {
        self.found = Some(shortened(&found.to_string(), LONGEST_VALUE).into_owned());
        self
    }

    pub fn expected(mut self, expected: impl fmt::Display) -> Finding {
        self.expected = Some(expected.to_string());
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Finding {
        self.help = Some(help.into());
        self
    }
}

impl From<Finding> for Fault {
    /// Exit 2; for what is not in a file, the path is the place.
    fn from(f: Finding) -> Fault {
        let Finding { path, what, found, expected, help, .. } = f;
        Fault { found, expected, help, ..Fault::invalid(what).at(path) }
    }
}

/// One problem with its place, as printed: `file:line:column: error: what`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub severity: Severity,
    /// The manifest, or the override that set the value.
    pub file: String,
    /// 1-based; absent when the place is not in a file.
    pub line: Option<usize>,
    /// 1-based, in characters.
    pub column: Option<usize>,
    /// Path of the field, empty when the text could not be read that far.
    pub path: String,
    pub what: String,
    pub found: Option<String>,
    pub expected: Option<String>,
    /// The next step, often "did you mean `x`?".
    pub help: Option<String>,
    /// The line it is about, with the part to underline.
    #[serde(skip)]
    pub excerpt: Option<Excerpt>,
}

impl Diagnostic {
    /// Puts `finding` at a place; the texts in it are harmless to a terminal from here on.
    pub fn new(finding: Finding, file: &str, place: Option<(usize, usize)>) -> Diagnostic {
        let Finding { severity, path, what, found, expected, help } = finding;
        let (line, column) = place.unzip();
        let file = shortened(file, LONGEST_VALUE).into_owned();
        let what = shortened(&what, 2 * LONGEST_VALUE).into_owned();
        Diagnostic { severity, file, line, column, path, what, found, expected, help, excerpt: None }
    }

    /// Puts `finding` at bytes of a file's text.
    pub fn in_text(finding: Finding, file: &str, (text, span): (&str, Range<usize>)) -> Diagnostic {
        let (excerpt, place) = Excerpt::of(text, span);
        Diagnostic { excerpt: Some(excerpt), ..Diagnostic::new(finding, file, Some(place)) }
    }

    /// Puts `finding` at bytes of `path=value`, an override.
    pub fn in_override(finding: Finding, argument: &str, span: Range<usize>) -> Diagnostic {
        let (excerpt, _) = Excerpt::of(argument, span);
        let file = format!("--set {argument}");
        Diagnostic { excerpt: Some(excerpt), ..Diagnostic::new(finding, &file, None) }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}:")?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, " {severity}: {}", self.what)?;
        let parts = [("found", &self.found), ("expected", &self.expected), ("help", &self.help)];
        for (name, part) in parts {
            if let Some(part) = part {
                write!(f, "\n  {name:>8}: {part}")?;
            }
        }
        Ok(())
    }
}

/// Everything that is wrong with one file; at least one error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostics {
    /// What the file is: `manifest`, `ablation`, …
    #[serde(skip)]
    pub kind: &'static str,
    pub items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Of a manifest.
    pub fn of_manifest(items: Vec<Diagnostic>) -> Diagnostics {
        Diagnostics { kind: "manifest", items }
    }

    /// Number of errors (warnings left out).
    pub fn errors(&self) -> usize {
        self.items.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// What the list amounts to.
    pub fn conclusion(&self) -> String {
        let n = self.errors();
        format!("the {} is invalid: {n} error{}", self.kind, if n == 1 { "" } else { "s" })
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for item in &self.items {
            writeln!(f, "{item}")?;
        }
        f.write_str(&self.conclusion())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_reads_like_a_compiler_message() {
        let finding =
            Finding::error("train.lr", "bad rate").found("-1").expected("a number above 0").help("use 1e-4");
        let all = Diagnostics::of_manifest(vec![Diagnostic::new(finding, "x.ron", Some((3, 5)))]);
        assert_eq!(
            all.to_string(),
            "x.ron:3:5: error: bad rate\n     found: -1\n  expected: a number above 0\n      help: use 1e-4\n\
             the manifest is invalid: 1 error"
        );
        let nowhere = Diagnostic::new(Finding::error("a", "b"), "--set a=1", None);
        assert_eq!(nowhere.to_string(), "--set a=1: error: b");
    }
}
