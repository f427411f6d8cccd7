//! Axes and their combinations → cells.

use super::spec::{Ablation, AxisSpec, Combine, CELLS};
use crate::manifest::schema::Experiment;
use std::collections::BTreeMap;

/// Label of the cell that OneAtATime starts from, where there is more than one axis.
pub const BASE: &str = "base";

/// One combination of values, without a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Unique in its ablation.
    pub label: String,
    /// Axis → label of its value.
    pub values: BTreeMap<String, String>,
    /// The manifest with its values set.
    pub experiment: Experiment,
}

/// A cell before its values are set: the number of the option on every axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combination {
    pub label: String,
    pub options: Vec<usize>,
}

/// The combinations in the order of the file. Labels of a list that are unknown are left out here;
/// the check tells about them.
pub fn combinations(ablation: &Ablation) -> Vec<Combination> {
    let sizes = sizes(ablation);
    if sizes.is_empty() || sizes.contains(&0) || number(ablation).is_none_or(|n| n > CELLS) {
        return Vec::new();
    }
    let options = match &ablation.combine {
        Combine::Grid => grid(&sizes),
        Combine::OneAtATime => one_at_a_time(&sizes),
        Combine::List(list) => list.iter().filter_map(|entry| listed(&ablation.axes, entry)).collect(),
    };
    options.into_iter().map(|options| Combination { label: label(ablation, &options), options }).collect()
}

fn sizes(ablation: &Ablation) -> Vec<usize> {
    ablation.axes.iter().map(|axis| axis.values.len() + axis.options.len()).collect()
}

/// How many combinations there are, before any is made; `None`: more than can be counted.
pub fn number(ablation: &Ablation) -> Option<usize> {
    let sizes = sizes(ablation);
    match &ablation.combine {
        Combine::Grid => sizes.iter().try_fold(1usize, |product, &n| product.checked_mul(n)),
        Combine::OneAtATime => sizes.iter().try_fold(1usize, |sum, &n| sum.checked_add(n.saturating_sub(1))),
        Combine::List(list) => Some(list.len()),
    }
}

fn grid(sizes: &[usize]) -> Vec<Vec<usize>> {
    sizes.iter().fold(vec![Vec::new()], |cells, &size| {
        let longer = |cell: Vec<usize>| (0..size).map(move |o| [&cell[..], &[o]].concat());
        cells.into_iter().flat_map(longer).collect()
    })
}

fn one_at_a_time(sizes: &[usize]) -> Vec<Vec<usize>> {
    let base = vec![0; sizes.len()];
    let mut cells = vec![base.clone()];
    for (axis, &size) in sizes.iter().enumerate() {
        cells.extend((1..size).map(|option| {
            let mut cell = base.clone();
            cell[axis] = option;
            cell
        }));
    }
    cells
}

fn listed(axes: &[AxisSpec], entry: &BTreeMap<String, String>) -> Option<Vec<usize>> {
    let option = |axis: &AxisSpec| match entry.get(&axis.name) {
        Some(label) => axis.choices().iter().position(|(l, _)| l == label),
        None => Some(0),
    };
    axes.iter().map(option).collect()
}

/// One axis: its label. Several: `axis=label, …`; one at a time: only the axis that differs.
fn label(ablation: &Ablation, options: &[usize]) -> String {
    let named = |(axis, &option): (&AxisSpec, &usize)| format!("{}={}", axis.name, axis.choices()[option].0);
    let axes = || ablation.axes.iter().zip(options);
    match (&ablation.combine, &ablation.axes[..]) {
        (_, [only]) => only.choices()[options[0]].0.clone(),
        (Combine::OneAtATime, _) => axes().find(|(_, &option)| option > 0).map_or(BASE.into(), named),
        _ => axes().map(named).collect::<Vec<_>>().join(", "),
    }
}

/// Axis → label of a combination.
pub fn values(ablation: &Ablation, options: &[usize]) -> BTreeMap<String, String> {
    let axes = ablation.axes.iter().zip(options);
    axes.map(|(axis, &option)| (axis.name.clone(), axis.choices()[option].0.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ablation(combine: &str, axes: &str) -> Ablation {
        let text = format!(
            "Ablation(schema: 1, name: \"x\", base: \"b.ron\", axes: [{axes}], combine: {combine}, metrics: [])"
        );
        crate::manifest::read_as(&text).unwrap_or_else(|e| panic!("{e:?}"))
    }

    const TWO: &str = r#"
        (name: "lr", path: "train.lr", values: [1e-3, 2e-3]),
        (name: "mask", options: [(label: "random"), (label: "span", set: {"modalities[0].masking": Span(stride: 2)}),
                                 (label: "block")])"#;

    fn labels(ablation: &Ablation) -> Vec<String> {
        combinations(ablation).into_iter().map(|c| c.label).collect()
    }

    #[test]
    fn a_grid_has_every_combination() {
        let labels = labels(&ablation("Grid", TWO));
        assert_eq!(labels.len(), 6);
        assert_eq!(labels[..3], ["lr=1e-3, mask=random", "lr=1e-3, mask=span", "lr=1e-3, mask=block"]);
        let a = ablation("Grid", TWO);
        let values = values(&a, &combinations(&a)[4].options);
        assert_eq!((values["lr"].as_str(), values["mask"].as_str()), ("2e-3", "span"));
    }

    #[test]
    fn one_at_a_time_changes_one() {
        let expected = ["base", "lr=2e-3", "mask=span", "mask=block"];
        assert_eq!(labels(&ablation("OneAtATime", TWO)), expected);
    }

    #[test]
    fn a_list_names_its_cells() {
        let a = ablation(r#"List([{"mask": "block"}, {"lr": "2e-3", "mask": "span"}])"#, TWO);
        assert_eq!(labels(&a), ["lr=1e-3, mask=block", "lr=2e-3, mask=span"]);
    }

    #[test]
    fn one_axis_needs_no_name() {
        let a = ablation("Grid", r#"(name: "loss", path: "train.loss", values: [TokenMean, "x", (1, 2)])"#);
        assert_eq!(labels(&a), ["TokenMean", "x", "(1, 2)"]);
        assert_eq!(a.axes[0].choices()[1].1, [("train.loss".to_string(), "\"x\"".to_string())]);
        assert_eq!(labels(&ablation("Grid", "")), [""; 0]);
    }
}
