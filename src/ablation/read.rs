//! From a file to a checked ablation with its cells.

use super::cells::Cell;
use super::check;
use super::spec::Ablation;
use crate::fault::{Fault, Result};
use crate::manifest::diagnostic::{Finding, STAND_IN};
use crate::manifest::reading::{self, Reading, Wrong};
use crate::manifest::schema::Experiment;
use crate::manifest::{self, file, lookup, syntax, Diagnostic, Diagnostics, Severity};
use crate::suggest;
use std::path::{Path, PathBuf};

/// An ablation that passed every check.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub ablation: Ablation,
    pub path: PathBuf,
    /// The base manifest as named by the ablation.
    pub base: PathBuf,
    pub cells: Vec<Cell>,
    /// Problems that do not make it unusable.
    pub warnings: Vec<Diagnostic>,
}

/// Folder of the shipped ablations.
pub const FOLDER: &str = "ablations";

/// `NAME` → `ablations/NAME.ron`; what ends in `.ron` or holds a `/` is a path.
///
/// # Errors
/// Exit 2 if there is none, with the nearest name.
pub fn locate(name: &str) -> Result<PathBuf> {
    let path = if name.ends_with(".ron") || name.contains('/') {
        PathBuf::from(name)
    } else {
        Path::new(FOLDER).join(format!("{name}.ron"))
    };
    if path.is_file() {
        return Ok(path);
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".ron")?.to_owned()))
        .collect();
    names.sort();
    let wanted = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Err(Fault::invalid("no such ablation").at(path.display().to_string()).help(suggest::hint(
        &wanted,
        "ablations",
        names.iter().map(String::as_str),
    )))
}

/// Reads and checks the ablation at `path` and every cell of it.
///
/// # Errors
/// Exit 2 with everything that is wrong, each with its place.
pub fn read(path: &Path) -> Result<Loaded> {
    let file = path.display().to_string();
    let text = file::text(path, "ablation").map_err(|f| invalid(vec![Diagnostic::new(f, &file, None)]))?;
    let (read, mut items) = written(&text, &file);
    if !items.is_empty() && syntax::scan(&text).kind.name() == Some("Experiment") {
        let finding = Finding::error("", "the file is a manifest, not an ablation");
        let finding = finding.help("`nano4m run FILE` runs it; an ablation names it as its `base`");
        return Err(invalid(vec![Diagnostic::new(finding, &file, None)]));
    }
    let Some(ablation) = read.value() else { return Err(invalid(items)) };
    let base = base_of(path, &ablation.base);
    let experiment = match manifest::read(&base, &[]) {
        Ok(loaded) => {
            items.extend(loaded.warnings);
            Some(loaded.experiment)
        }
        // Of a file whose `base` cannot be read, no base is missed.
        Err(_) if ablation.base == STAND_IN => None,
        Err(problems) => {
            items.extend(problems.items);
            None
        }
    };
    let check = |ablation: &Ablation| match &experiment {
        Some(experiment) => checked(ablation, experiment, path).1,
        None => check::file(ablation, path),
    };
    items.extend(place(read.checked(check), &text, &file));
    if items.iter().any(|d| d.severity == Severity::Error) {
        return Err(invalid(items));
    }
    let ablation = ablation.clone();
    let cells = experiment.map_or_else(Vec::new, |base| check::cells(&ablation, &base).0);
    Ok(Loaded { ablation, path: path.to_owned(), base, cells, warnings: items })
}

/// An ablation's text, and what is wrong with its writing; nothing is looked up.
pub fn parse(text: &str) -> std::result::Result<Ablation, Diagnostics> {
    let (read, items) = written(text, "ablation");
    match read.into_value() {
        Some(ablation) if items.is_empty() => Ok(ablation),
        _ => Err(Diagnostics { kind: "ablation", items }),
    }
}

fn written(text: &str, file: &str) -> (Reading<Ablation>, Vec<Diagnostic>) {
    let read = reading::of_text::<Ablation>(text);
    let placed = |w: &Wrong| Diagnostic::in_text(w.finding.clone(), file, (text, w.span.clone()));
    let items = read.wrong.iter().map(placed).collect();
    (read, items)
}

fn checked(ablation: &Ablation, base: &Experiment, path: &Path) -> (Vec<Cell>, Vec<Finding>) {
    let mut findings = check::file(ablation, path);
    let (cells, more) = check::cells(ablation, base);
    findings.extend(more);
    (cells, findings)
}

/// The base beside the ablation, else from the working directory.
fn base_of(ablation: &Path, base: &str) -> PathBuf {
    let beside = ablation.parent().unwrap_or(Path::new("")).join(base);
    if !beside.exists() && Path::new(base).exists() {
        PathBuf::from(base)
    } else {
        beside
    }
}

/// Gives every finding its line and column in the ablation's text.
fn place(findings: Vec<Finding>, text: &str, file: &str) -> Vec<Diagnostic> {
    let root = syntax::scan(text);
    let placed = |finding: Finding| {
        let found = lookup::follow(text, &root, &finding.path);
        let span = found.start..found.node.end;
        Diagnostic::in_text(finding, file, (text, span))
    };
    let mut items: Vec<Diagnostic> = findings.into_iter().map(placed).collect();
    items.sort_by_key(|d| (d.severity == Severity::Warning, d.line, d.column));
    items
}

fn invalid(items: Vec<Diagnostic>) -> Fault {
    Diagnostics { kind: "ablation", items }.into()
}
