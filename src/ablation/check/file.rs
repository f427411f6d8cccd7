//! The ablation's file alone.

use super::paths::within;
use crate::ablation::cells::{combinations, number};
use crate::ablation::spec::{Ablation, AxisSpec, Combine, CELLS, JOBS, SCHEMA};
use crate::fault::shortened;
use crate::manifest::check::bounds::NAME;
use crate::manifest::diagnostic::{Finding, Severity};
use crate::metrics::catalogue::canonical;
use crate::suggest::hint;
use std::collections::BTreeSet;
use std::path::Path;

/// Paths an axis may not set, and why.
const TAKEN: [(&str, &str); 4] = [
    ("name", "cells are named by their labels"),
    ("about", "cells are described by their labels"),
    ("seeds", "list the seeds in the ablation's `seeds` (`seeds.probes` alone may be an axis)"),
    ("pins", "pin the base manifest"),
];

/// The only seed an axis may set: seeds of an ablation leave it as the base has it.
const PROBE_SEED: &str = "seeds.probes";

/// Problems of the file alone.
pub fn file(ablation: &Ablation, path: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    header(ablation, path, &mut found);
    for (i, axis) in ablation.axes.iter().enumerate() {
        self::axis(axis, &format!("axes[{i}]"), &mut found);
    }
    if ablation.axes.is_empty() {
        found.push(Finding::error("axes", "nothing varies: `axes` is empty").expected("at least one axis"));
    }
    counts(ablation, &mut found);
    twice("axes", "axis", ablation.axes.iter().map(|x| x.name.as_str()), &mut found);
    overlap(ablation, &mut found);
    list(ablation, &mut found);
    labels(ablation, &mut found);
    found
}

/// Cells and runs, before any is made.
fn counts(ablation: &Ablation, found: &mut Vec<Finding>) {
    let cells = number(ablation);
    let shown = cells.map_or("more than can be counted".into(), |n| n.to_string());
    if cells.is_none_or(|n| n > CELLS) {
        let finding = Finding::error("axes", "the axes have too many combinations").found(shown);
        found
            .push(finding.expected(format!("at most {CELLS} cells")).help("`combine: OneAtATime` has fewer"));
    } else if let Some(n) = cells.filter(|n| n.saturating_mul(ablation.seeds.len()) > JOBS) {
        let finding = Finding::error("seeds", "the ablation has too many runs");
        let found_here = format!("{n} cells of {} seeds", ablation.seeds.len());
        found.push(finding.found(found_here).expected(format!("at most {JOBS} runs")));
    }
    for (i, axis) in ablation.axes.iter().enumerate() {
        for (at, text) in std::iter::once((format!("axes[{i}].name"), &axis.name)).chain(
            axis.options.iter().enumerate().map(|(j, o)| (format!("axes[{i}].options[{j}].label"), &o.label)),
        ) {
            let n = text.chars().count();
            if n > NAME {
                let finding = Finding::error(at, "the name is too long").found(format!("{n} characters"));
                found.push(finding.expected(format!("at most {NAME}")));
            }
        }
    }
}

fn header(ablation: &Ablation, path: &Path, found: &mut Vec<Finding>) {
    if ablation.schema != SCHEMA {
        found.push(
            Finding::error("schema", "unknown ablation schema").found(ablation.schema).expected(SCHEMA),
        );
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if ablation.name.is_empty()
        || ablation.name.len() > 40
        || ablation.name.starts_with(['.', '-'])
        || !ablation.name.chars().all(plain)
    {
        found.push(
            Finding::error("name", "`name` cannot name a file")
                .found(format!("{:?}", ablation.name))
                .expected("1 to 40 letters, digits, `_`, `-` or `.`, not beginning with `-` or `.`"),
        );
    } else if ablation.name != stem {
        found.push(
            Finding::error("name", "`name` is not the file's name")
                .found(format!("{:?}", ablation.name))
                .expected(format!("{stem:?}"))
                .help("two ablations of one name would share one record: rename one of the two"),
        );
    }
    if ablation.seeds.is_empty() {
        found.push(Finding::error("seeds", "`seeds` is empty").expected("at least one seed"));
    }
    let seeds: Vec<String> = ablation.seeds.iter().map(u64::to_string).collect();
    twice("seeds", "seed", seeds.iter().map(String::as_str), found);
    if ablation.metrics.is_empty() {
        found.push(
            Finding::error("metrics", "`metrics` is empty")
                .expected("the keys of a record that matter, e.g. \"cross_entropy/tok_audio@512\""),
        );
    }
    let metrics: Vec<String> = ablation.metrics.iter().map(|key| canonical(key)).collect();
    twice("metrics", "metric", metrics.iter().map(String::as_str), found);
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
        if path == PROBE_SEED {
            let what = "an axis over `seeds.probes`: its cells are measured under different masks and draws";
            found.push(Finding { severity: Severity::Warning, ..Finding::error(at, what) });
            continue;
        }
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

/// Two axes must not set the same thing: the later one would win silently.
fn overlap(ablation: &Ablation, found: &mut Vec<Finding>) {
    let set: Vec<_> =
        ablation.axes.iter().enumerate().map(|(i, x)| (x, paths(x, &format!("axes[{i}]")))).collect();
    for (i, (axis, own)) in set.iter().enumerate() {
        for (at, path) in own {
            let other =
                set[..i].iter().find(|(_, p)| p.iter().any(|(_, p)| within(p, path) || within(path, p)));
            if let Some((other, _)) = other {
                let what = format!("axes `{}` and `{}` both set `{path}`", other.name, axis.name);
                found.push(Finding::error(at, what).help("a value must come from one axis"));
            }
        }
    }
}

fn list(ablation: &Ablation, found: &mut Vec<Finding>) {
    let Combine::List(list) = &ablation.combine else { return };
    if list.is_empty() {
        found.push(Finding::error("combine", "the list of cells is empty"));
    }
    for (i, entry) in list.iter().enumerate() {
        for (name, label) in entry {
            let at = format!("combine[0][{i}].{name}");
            let Some(axis) = ablation.axes.iter().find(|x| x.name == *name) else {
                let names = ablation.axes.iter().map(|x| x.name.as_str());
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
fn labels(ablation: &Ablation, found: &mut Vec<Finding>) {
    let cells = combinations(ablation);
    twice("combine", "cell", cells.iter().map(|c| c.label.as_str()), found);
    let cell = |at: String, label: &str, found: &mut Vec<Finding>| {
        if !cells.is_empty() && !cells.iter().any(|c| c.label == label) {
            let help = hint(label, "cells", cells.iter().map(|c| c.label.as_str()));
            found.push(Finding::error(at, format!("no cell is called `{label}`")).help(help));
        }
    };
    if let Some(reference) = &ablation.reference {
        cell("reference".into(), reference, found);
    }
    let metrics: BTreeSet<String> = ablation.metrics.iter().map(|key| canonical(key)).collect();
    for (i, claim) in ablation.claims.iter().enumerate() {
        let at = |field: &str| format!("claims[{i}].{field}");
        cell(at("a"), &claim.a, found);
        cell(at("b"), &claim.b, found);
        if claim.a == claim.b {
            found.push(Finding::error(at("b"), format!("`{}` is claimed to be better than itself", claim.a)));
        }
        if !metrics.contains(&canonical(&claim.metric)) {
            let help = hint(&claim.metric, "metrics", ablation.metrics.iter().map(String::as_str));
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
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            let name = shortened(name, NAME);
            found.push(Finding::error(at, format!("{kind} `{name}` occurs twice")));
        }
    }
}
