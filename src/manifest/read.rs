//! From a file to a checked experiment, with every problem in its place.

use super::diagnostic::{Diagnostic, Diagnostics, Finding, Severity};
use super::schema::Experiment;
use super::{check, file, lookup, overrides, reading, syntax, text};
use crate::suggest;
use std::path::{Path, PathBuf};

/// Where a repository's manifests lie.
const FOLDER: &str = "experiments";

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
    let text = file::text(path, "manifest").map_err(|finding| {
        let finding = neighbour(path, finding);
        Diagnostics::of_manifest(vec![Diagnostic::new(finding, &file, None)])
    })?;
    parse(&text, path, overrides)
}

/// Checks a manifest's `text`; `path` is only named in messages.
///
/// Errors: everything that is wrong with the writing and the values of the text and the overrides.
pub fn parse(text: &str, path: &Path, overrides: &[String]) -> Result<Loaded, Diagnostics> {
    let file = path.display().to_string();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read = reading::of_text::<Experiment>(text);
    if let Some((finding, span)) = text::other_schema(text).filter(|_| !read.wrong.is_empty()) {
        return Err(Diagnostics::of_manifest(vec![Diagnostic::in_text(finding, &file, (text, span))]));
    }
    if let Some(finding) = other_kind(text).filter(|_| !read.wrong.is_empty()) {
        return Err(Diagnostics::of_manifest(vec![Diagnostic::new(finding, &file, None)]));
    }
    let in_file = |w: &reading::Wrong| Diagnostic::in_text(w.finding.clone(), &file, (text, w.span.clone()));
    let mut items: Vec<Diagnostic> = read.wrong.iter().map(in_file).collect();
    let mut refused = Vec::new();
    let read = read.map(|experiment| {
        refused.clear();
        with_overrides(experiment, overrides, &mut refused)
    });
    items.append(&mut refused);
    if let Some(experiment) = read.value() {
        items.extend(place_all(read.checked(check::check), experiment, text, &file, overrides));
    }
    items.sort_by_key(|d| (d.line.is_none(), d.line, d.column));
    match read.into_value() {
        Some(experiment) if items.iter().all(|d| d.severity == Severity::Warning) => {
            let (text, path, overrides) = (text.to_owned(), path.to_owned(), overrides.to_vec());
            Ok(Loaded { experiment, text, path, overrides, warnings: items })
        }
        _ => Err(Diagnostics::of_manifest(items)),
    }
}

/// A file of this program, but of another kind.
fn other_kind(text: &str) -> Option<Finding> {
    let (what, help) = match syntax::scan(text).kind.name()? {
        "Ablation" => ("the file is an ablation, not a manifest", "`nano4m ablate FILE` checks and runs it"),
        "Slurm" => {
            ("the file is a Slurm profile, not a manifest", "`nano4m ablate NAME --profile FILE` takes it")
        }
        _ => return None,
    };
    Some(Finding::error("", what).help(help))
}

/// `experiment` with every override that can be applied; what is wrong with the others goes into `refused`.
fn with_overrides(
    mut experiment: Experiment,
    overrides: &[String],
    refused: &mut Vec<Diagnostic>,
) -> Experiment {
    for argument in overrides {
        match overrides::applied(&experiment, argument) {
            Ok(changed) => experiment = changed,
            Err(wrong) => refused
                .extend(wrong.into_iter().map(|w| Diagnostic::in_override(w.finding, argument, w.span))),
        }
    }
    experiment
}

/// Gives every finding its place in the file, or in the override that set its value.
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
    let place = |finding: Finding| {
        let (start, end) = span(&finding.path);
        let set = overrides.iter().rev().find(|argument| {
            let Some((path, _)) = argument.split_once('=') else { return false };
            let set = lookup::follow(&whole, &whole_root, path.trim());
            set.rest.is_empty() && set.node.start <= start && end <= set.node.end
        });
        match set {
            Some(argument) => {
                let value = argument.find('=').map_or(0, |i| i + 1);
                Diagnostic::in_override(finding, argument, value..argument.len())
            }
            None => {
                let found = lookup::follow(text, &root, &finding.path);
                let span = found.start..found.node.end;
                Diagnostic::in_text(finding, file, (text, span))
            }
        }
    };
    findings.into_iter().map(place).collect()
}

/// Of a file that is not there: the one that may be meant, in its folder or where this repository's manifests lie.
fn neighbour(path: &Path, finding: Finding) -> Finding {
    if path.exists() {
        return finding;
    }
    let own = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folders = own.map_or_else(|| vec![Path::new(""), Path::new(FOLDER)], |folder| vec![folder]);
    let wanted = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match folders.into_iter().find_map(|folder| Some(folder.join(near(folder, &wanted)?))) {
        Some(near) => finding.help(format!("did you mean `{}`?", near.display())),
        None => finding,
    }
}

/// The manifest in `folder` whose name is most like `wanted`.
fn near(folder: &Path, wanted: &str) -> Option<String> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut names: Vec<String> = std::fs::read_dir(here)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".ron"))
        .collect();
    names.sort();
    suggest::nearest(wanted, names.iter().map(String::as_str)).map(str::to_owned)
}
