//! From a file to a checked experiment, with every problem in its place.

use super::diagnostic::{Diagnostic, Diagnostics, Finding, Severity};
use super::schema::Experiment;
use super::{check, lookup, overrides, syntax, text};
use crate::suggest;
use std::path::{Path, PathBuf};

/// A manifest that passed every check.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The experiment, overrides applied.
    pub experiment: Experiment,
    /// The file as it stands.
    pub text: String,
    pub path: PathBuf,
    /// `path=value`, in the order applied.
    pub overrides: Vec<String>,
    /// Problems that do not make the manifest unusable.
    pub warnings: Vec<Diagnostic>,
}

/// Reads and checks the manifest at `path`, with `overrides` (`path=value`) applied in order.
///
/// Errors: everything that is wrong, each with its place; converts into a `Fault` with exit 2.
pub fn read(path: &Path, overrides: &[String]) -> Result<Loaded, Diagnostics> {
    let file = path.display().to_string();
    let stop = |finding| Diagnostics { items: vec![Diagnostic::new(finding, &file, None)] };
    let bytes = std::fs::read(path).map_err(|e| stop(unreadable(path, &e)))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| stop(Finding::error("", "the manifest is not text").expected("RON in UTF-8")))?;
    parse(&text, path, overrides)
}

/// Checks a manifest's `text`; `path` is only named in messages.
pub fn parse(text: &str, path: &Path, overrides: &[String]) -> Result<Loaded, Diagnostics> {
    let file = path.display().to_string();
    let alone = |diagnostic| Diagnostics { items: vec![diagnostic] };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut experiment =
        text::parse(text).map_err(|(f, place)| alone(Diagnostic::new(f, &file, Some(place))))?;
    for argument in overrides {
        experiment = overrides::apply(&experiment, argument)
            .map_err(|f| alone(Diagnostic::new(f, &set_name(argument), None)))?;
    }
    let items = place_all(check::check(&experiment), &experiment, text, &file, overrides);
    if items.iter().any(|d| d.severity == Severity::Error) {
        return Err(Diagnostics { items });
    }
    let (text, path, overrides) = (text.to_owned(), path.to_owned(), overrides.to_vec());
    Ok(Loaded { experiment, text, path, overrides, warnings: items })
}

fn set_name(argument: &str) -> String {
    format!("--set {argument}")
}

/// Gives every finding its place, in the order of the file; those of overrides come last.
fn place_all(
    findings: Vec<Finding>,
    experiment: &Experiment,
    text: &str,
    file: &str,
    overrides: &[String],
) -> Vec<Diagnostic> {
    let root = syntax::scan(text);
    let whole = text::resolved(experiment);
    let whole_root = syntax::scan(&whole);
    let span = |path: &str| {
        let node = lookup::follow(&whole, &whole_root, path).node;
        (node.start, node.end)
    };
    let mut items: Vec<Diagnostic> = findings
        .into_iter()
        .map(|finding| {
            let (start, end) = span(&finding.path);
            let set = overrides.iter().rev().find(|o| {
                let (from, to) = span(o.split('=').next().unwrap_or(o).trim());
                from <= start && end <= to
            });
            match set {
                Some(argument) => Diagnostic::new(finding, &set_name(argument), None),
                None => {
                    let start = lookup::follow(text, &root, &finding.path).start;
                    let place = syntax::position(text, start);
                    Diagnostic::new(finding, file, Some(place))
                }
            }
        })
        .collect();
    items.sort_by_key(|d| (d.line.is_none(), d.line, d.column));
    items
}

/// The file cannot be read; a near name in its folder is suggested.
fn unreadable(path: &Path, error: &std::io::Error) -> Finding {
    let finding = Finding::error("", format!("cannot read the manifest: {error}"));
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".ron"))
        .collect();
    names.sort();
    let wanted = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match suggest::nearest(&wanted, names.iter().map(String::as_str)) {
        Some(near) => finding.help(format!("did you mean `{}`?", folder.join(near).display())),
        None => finding,
    }
}
