//! Every cell's manifest: the base with the values set, and what is wrong with it.

use super::paths::within;
use crate::ablation::cells::{combinations, values, Cell, Combination};
use crate::ablation::spec::Ablation;
use crate::manifest::diagnostic::Finding;
use crate::manifest::schema::Experiment;
use crate::manifest::{self, identity, measured, overrides};
use std::collections::BTreeMap;

/// The cells of `base`, and what is wrong with them.
pub fn cells(ablation: &Ablation, base: &Experiment) -> (Vec<Cell>, Vec<Finding>) {
    let (mut cells, mut found): (Vec<Cell>, Vec<Finding>) = (Vec::new(), Vec::new());
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for combination in combinations(ablation) {
        let experiment = match set(ablation, base, &combination) {
            Ok(experiment) => experiment,
            Err(finding) => {
                push(&mut found, finding);
                continue;
            }
        };
        for finding in manifest::check::check(&experiment) {
            push(&mut found, of_cell(ablation, &combination, finding));
        }
        let canonical = identity::canonical(&experiment);
        if let Some(same) = known.get(&canonical) {
            let what = format!("cells `{same}` and `{}` are the same experiment", combination.label);
            push(
                &mut found,
                Finding::error("axes", what).help("remove one of them, or set what should differ"),
            );
        }
        known.entry(canonical).or_insert_with(|| combination.label.clone());
        let values = values(ablation, &combination.options);
        cells.push(Cell { label: combination.label, values, experiment });
    }
    metrics(ablation, &cells, &mut found);
    (cells, found)
}

/// Cells share most of their values: the same problem is told once.
fn push(found: &mut Vec<Finding>, finding: Finding) {
    // Nobody reads more.
    if found.len() < 100 && !found.iter().any(|f| (&f.path, &f.what) == (&finding.path, &finding.what)) {
        found.push(finding);
    }
}

/// The base with a combination's values.
fn set(ablation: &Ablation, base: &Experiment, combination: &Combination) -> Result<Experiment, Finding> {
    let mut experiment = base.clone();
    for (at, path, value) in settings(ablation, combination) {
        experiment = overrides::apply(&experiment, &format!("{path}={value}"))
            .map_err(|finding| Finding { path: at, ..finding })?;
    }
    Ok(experiment)
}

/// Place in the file, path of the manifest and value, for everything a combination sets.
fn settings(ablation: &Ablation, combination: &Combination) -> Vec<(String, String, String)> {
    let mut settings = Vec::new();
    for (i, (axis, &option)) in ablation.axes.iter().zip(&combination.options).enumerate() {
        let (_, values) = axis.choices().swap_remove(option);
        let at = |path: &str| match option.checked_sub(axis.values.len()) {
            None => format!("axes[{i}].values[{option}]"),
            Some(n) => format!("axes[{i}].options[{n}].set.{path}"),
        };
        settings.extend(values.into_iter().map(|(path, value)| (at(&path), path, value)));
    }
    settings
}

/// A problem of a cell's manifest, at the value that caused it if that can be told.
fn of_cell(ablation: &Ablation, combination: &Combination, finding: Finding) -> Finding {
    let settings = settings(ablation, combination);
    let cause =
        settings.iter().find(|(_, path, _)| within(&finding.path, path) || within(path, &finding.path));
    // A path by name and the same by number: the modality's own field decides.
    let field = finding.path.rsplit('.').next().unwrap_or_default();
    let cause = cause.or_else(|| settings.iter().find(|(_, path, _)| path.rsplit('.').next() == Some(field)));
    let at = cause.map_or("axes", |(at, ..)| at).to_owned();
    let what = format!("cell `{}`: {}", combination.label, finding.what);
    Finding { path: at, what, ..finding }
}

/// A metric is measured in every cell.
fn metrics(ablation: &Ablation, cells: &[Cell], found: &mut Vec<Finding>) {
    for (i, metric) in ablation.metrics.iter().enumerate() {
        let at = format!("metrics[{i}]");
        let lacks =
            |cell: &Cell| Some((cell.label.clone(), measured::find(&cell.experiment, &at, metric).err()?));
        let missing: Vec<(String, Finding)> = cells.iter().filter_map(lacks).collect();
        let everywhere = missing.len() == cells.len();
        for (label, finding) in missing {
            let what = if everywhere { finding.what } else { format!("cell `{label}`: {}", finding.what) };
            push(found, Finding { what, ..finding });
        }
    }
}
