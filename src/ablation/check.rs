//! What a well-typed ablation can still get wrong. All problems are collected.

use super::cells::{combinations, values, Cell, Combination};
use super::spec::{Ablation, AxisSpec, Combine, SCHEMA};
use crate::manifest::diagnostic::Finding;
use crate::manifest::schema::Experiment;
use crate::manifest::{self, identity, lookup, overrides, syntax, Diagnostic, Severity};
use crate::suggest::hint;
use std::path::Path;

/// Paths an axis may not set, and why.
const TAKEN: [(&str, &str); 4] = [
    ("name", "cells are named by their labels"),
    ("about", "cells are described by their labels"),
    ("seeds", "list the seeds in the ablation's `seeds`"),
    ("pins", "pin the base manifest"),
];

/// Problems of the file alone.
pub fn file(a: &Ablation, path: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    header(a, path, &mut found);
    for (i, axis) in a.axes.iter().enumerate() {
        self::axis(axis, &format!("axes[{i}]"), &mut found);
    }
    if a.axes.is_empty() {
        found.push(Finding::error("axes", "nothing varies: `axes` is empty").expected("at least one axis"));
    }
    twice("axes", "axis", a.axes.iter().map(|x| x.name.as_str()), &mut found);
    overlap(a, &mut found);
    list(a, &mut found);
    labels(a, &mut found);
    found
}

fn header(a: &Ablation, path: &Path, found: &mut Vec<Finding>) {
    if a.schema != SCHEMA {
        found.push(Finding::error("schema", "unknown ablation schema").found(a.schema).expected(SCHEMA));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if a.name.is_empty() || a.name.len() > 40 || a.name.starts_with(['.', '-']) || !a.name.chars().all(plain)
    {
        found.push(
            Finding::error("name", "`name` cannot name a file")
                .found(format!("{:?}", a.name))
                .expected("1 to 40 letters, digits, `_`, `-` or `.`, not beginning with `-` or `.`"),
        );
    } else if a.name != stem {
        found.push(
            Finding::error("name", "`name` is not the file's name")
                .found(format!("{:?}", a.name))
                .expected(format!("{stem:?}"))
                .help("two ablations of one name would share one record: rename one of the two"),
        );
    }
    if a.seeds.is_empty() {
        found.push(Finding::error("seeds", "`seeds` is empty").expected("at least one seed"));
    }
    let seeds: Vec<String> = a.seeds.iter().map(u64::to_string).collect();
    twice("seeds", "seed", seeds.iter().map(String::as_str), found);
    if a.metrics.is_empty() {
        found.push(
            Finding::error("metrics", "`metrics` is empty")
                .expected("the keys of a record that matter, e.g. \"cross_entropy/tok_audio@512\""),
        );
    }
    twice("metrics", "metric", a.metrics.iter().map(String::as_str), found);
}

fn axis(axis: &AxisSpec, at: &str, found: &mut Vec<Finding>) {
    let name = &axis.name;
    if name.trim().is_empty() || name.contains(['=', ',']) {
        let at = format!("{at}.name");
        let finding = Finding::error(at, "not a name of an axis").found(format!("{name:?}"));
        found.push(finding.expected("a name without `=` and `,`"));
    }
    let both = "give `path` with `values`, or `options`";
    match (&axis.path, axis.values.is_empty(), axis.options.is_empty()) {
        (Some(_), false, true) | (None, true, false) => {}
        (None, false, _) => found
            .push(Finding::error(at, format!("axis `{name}` has values but no path to set them")).help(both)),
        (Some(_), true, _) => found
            .push(Finding::error(at, format!("axis `{name}` has a path but no values for it")).help(both)),
        (Some(_), false, false) => {
            found.push(Finding::error(at, format!("axis `{name}` has both values and options")).help(both))
        }
        (None, true, true) => {
            found.push(Finding::error(at, format!("axis `{name}` has nothing to vary")).help(both))
        }
    }
    let choices = axis.choices();
    let kind = format!("label of `{name}`");
    twice(at, &kind, choices.iter().map(|(label, _)| label.as_str()), found);
    for (i, (label, _)) in choices.iter().enumerate().filter(|(_, (l, _))| l.trim() != *l || l.is_empty()) {
        let at = format!("{at}.options[{i}].label");
        found
            .push(Finding::error(at, "a label is empty or has blanks around it").found(format!("{label:?}")));
    }
    for (at, path) in paths(axis, at) {
        if let Some((_, why)) = TAKEN.iter().find(|(t, _)| within(&path, t)) {
            found.push(Finding::error(at, format!("an axis cannot set `{path}`")).help(*why));
        }
    }
}

/// Every path an axis sets, with its place in the file.
fn paths(axis: &AxisSpec, at: &str) -> Vec<(String, String)> {
    let short = axis.path.iter().map(|p| (format!("{at}.path"), p.clone()));
    let long = axis.options.iter().enumerate().flat_map(|(i, option)| {
        option.set.keys().map(move |p| (format!("{at}.options[{i}].set.{p}"), p.clone()))
    });
    short.chain(long).collect()
}

/// Whether `path` is `outer` or a part of it.
fn within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Two axes must not set the same thing: the later one would win silently.
fn overlap(a: &Ablation, found: &mut Vec<Finding>) {
    let all: Vec<_> = a.axes.iter().enumerate().map(|(i, x)| (x, paths(x, &format!("axes[{i}]")))).collect();
    for (i, (axis, own)) in all.iter().enumerate() {
        for (at, path) in own {
            let other =
                all[..i].iter().find(|(_, p)| p.iter().any(|(_, p)| within(p, path) || within(path, p)));
            if let Some((other, _)) = other {
                let what = format!("axes `{}` and `{}` both set `{path}`", other.name, axis.name);
                found.push(Finding::error(at, what).help("a value must come from one axis"));
            }
        }
    }
}

fn list(a: &Ablation, found: &mut Vec<Finding>) {
    let Combine::List(list) = &a.combine else { return };
    if list.is_empty() {
        found.push(Finding::error("combine", "the list of cells is empty"));
    }
    for (i, entry) in list.iter().enumerate() {
        for (name, label) in entry {
            let at = format!("combine[0][{i}].{name}");
            let Some(axis) = a.axes.iter().find(|x| x.name == *name) else {
                let names = a.axes.iter().map(|x| x.name.as_str());
                found.push(
                    Finding::error(at, format!("no axis is named `{name}`")).help(hint(name, "axes", names)),
                );
                continue;
            };
            let labels: Vec<String> = axis.choices().into_iter().map(|(l, _)| l).collect();
            if !labels.contains(label) {
                let what = format!("axis `{name}` has no option `{label}`");
                let help = hint(label, "options", labels.iter().map(String::as_str));
                found.push(Finding::error(at, what).help(help));
            }
        }
    }
}

/// Reference and claims name cells and metrics that exist.
fn labels(a: &Ablation, found: &mut Vec<Finding>) {
    let cells = combinations(a);
    twice("combine", "cell", cells.iter().map(|c| c.label.as_str()), found);
    let cell = |at: String, label: &str, found: &mut Vec<Finding>| {
        if !cells.is_empty() && !cells.iter().any(|c| c.label == label) {
            let help = hint(label, "cells", cells.iter().map(|c| c.label.as_str()));
            found.push(Finding::error(at, format!("no cell is called `{label}`")).help(help));
        }
    };
    if let Some(reference) = &a.reference {
        cell("reference".into(), reference, found);
    }
    for (i, claim) in a.claims.iter().enumerate() {
        let at = |field: &str| format!("claims[{i}].{field}");
        cell(at("a"), &claim.a, found);
        cell(at("b"), &claim.b, found);
        if claim.a == claim.b {
            found.push(Finding::error(at("b"), format!("`{}` is claimed to be better than itself", claim.a)));
        }
        if !a.metrics.contains(&claim.metric) {
            let help = hint(&claim.metric, "metrics", a.metrics.iter().map(String::as_str));
            let what = format!("`{}` is not one of the ablation's metrics", claim.metric);
            found.push(Finding::error(at("metric"), what).help(help));
        }
        if !claim.margin.is_finite() || claim.margin < 0.0 {
            let finding = Finding::error(at("margin"), "a margin is 0 or more").found(claim.margin);
            found.push(finding.help("swap `a` and `b` to claim the opposite"));
        }
    }
}

fn twice<'a>(at: &str, kind: &str, names: impl Iterator<Item = &'a str>, found: &mut Vec<Finding>) {
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if seen.contains(&name) {
            found.push(Finding::error(at, format!("{kind} `{name}` occurs twice")));
        }
        seen.push(name);
    }
}

/// The cells of `base`, and what is wrong with them.
pub fn cells(a: &Ablation, base: &Experiment) -> (Vec<Cell>, Vec<Finding>) {
    let (mut cells, mut found): (Vec<Cell>, Vec<Finding>) = (Vec::new(), Vec::new());
    for combination in combinations(a) {
        let experiment = match set(a, base, &combination) {
            Ok(experiment) => experiment,
            Err(finding) => {
                push(&mut found, finding);
                continue;
            }
        };
        for finding in manifest::check::check(&experiment) {
            push(&mut found, of_cell(a, &combination, finding));
        }
        metrics(a, &experiment, &combination.label, &mut found);
        let canonical = identity::canonical(&experiment);
        if let Some(same) = cells.iter().find(|c| identity::canonical(&c.experiment) == canonical) {
            let what = format!("cells `{}` and `{}` are the same experiment", same.label, combination.label);
            found.push(Finding::error("axes", what).help("remove one of them, or set what should differ"));
        }
        let values = values(a, &combination.options);
        cells.push(Cell { label: combination.label, values, experiment });
    }
    (cells, found)
}

/// Cells share most of their values: the same problem is told once.
fn push(found: &mut Vec<Finding>, finding: Finding) {
    if !found.iter().any(|f| (&f.path, &f.what) == (&finding.path, &finding.what)) {
        found.push(finding);
    }
}

/// The base with a combination's values.
fn set(a: &Ablation, base: &Experiment, combination: &Combination) -> Result<Experiment, Finding> {
    let mut experiment = base.clone();
    for (at, path, value) in settings(a, combination) {
        experiment = overrides::apply(&experiment, &format!("{path}={value}"))
            .map_err(|finding| Finding { path: at, ..finding })?;
    }
    Ok(experiment)
}

/// Place in the file, path of the manifest and value, for everything a combination sets.
fn settings(a: &Ablation, combination: &Combination) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for (i, (axis, &option)) in a.axes.iter().zip(&combination.options).enumerate() {
        let (_, set) = axis.choices().swap_remove(option);
        let at = |path: &str| match option.checked_sub(axis.values.len()) {
            None => format!("axes[{i}].values[{option}]"),
            Some(n) => format!("axes[{i}].options[{n}].set.{path}"),
        };
        all.extend(set.into_iter().map(|(path, value)| (at(&path), path, value)));
    }
    all
}

/// A problem of a cell's manifest, at the value that caused it if that can be told.
fn of_cell(a: &Ablation, combination: &Combination, finding: Finding) -> Finding {
    let settings = settings(a, combination);
    let cause =
        settings.iter().find(|(_, path, _)| within(&finding.path, path) || within(path, &finding.path));
    // A path by name and the same by number: the modality's own field decides.
    let field = finding.path.rsplit('.').next().unwrap_or_default();
    let cause = cause.or_else(|| settings.iter().find(|(_, path, _)| path.rsplit('.').next() == Some(field)));
    let at = cause.map_or("axes", |(at, ..)| at).to_owned();
    let what = format!("cell `{}`: {}", combination.label, finding.what);
    Finding { path: at, what, ..finding }
}

/// A metric of a modality needs that modality.
fn metrics(a: &Ablation, e: &Experiment, label: &str, found: &mut Vec<Finding>) {
    for (i, metric) in a.metrics.iter().enumerate() {
        let Some(modality) = metric.strip_prefix("cross_entropy/") else { continue };
        let names = || e.modalities.iter().map(|m| m.name.as_str());
        if !names().any(|n| n == modality) {
            let all: Vec<&str> = names().collect();
            let what = format!("cell `{label}` has no modality `{modality}`");
            let finding = Finding::error(format!("metrics[{i}]"), what);
            push(found, finding.help(hint(modality, "modalities", all)));
        }
    }
}

/// Gives every finding its line and column in the ablation's text.
pub fn place(findings: Vec<Finding>, text: &str, file: &str) -> Vec<Diagnostic> {
    let root = syntax::scan(text);
    let of = |finding: Finding| {
        let start = lookup::follow(text, &root, &finding.path).start;
        Diagnostic::new(finding, file, Some(syntax::position(text, start)))
    };
    let mut items: Vec<Diagnostic> = findings.into_iter().map(of).collect();
    items.sort_by_key(|d| (d.severity == Severity::Warning, d.line, d.column));
    items
}
