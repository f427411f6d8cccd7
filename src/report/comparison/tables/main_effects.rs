//! Main effects of the axes of an ablation.

use super::tested::{self, better, verdict_columns, SideDifference, SCHEMA};
use crate::metrics::{Key, Standing};
use crate::report::comparison::effects::{self, Effect};
use crate::report::comparison::sides::Comparison;
use crate::report::comparison::words::Words;
use crate::report::table::{Column, Table};
use crate::stats::Bootstrap;

/// A label of an axis against the reference's, on one metric.
struct Line<'a> {
    metric: &'a Key,
    effect: &'a Effect,
    difference: SideDifference,
    words: Words,
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = vec![
        Column::key("metric", |l: &Line| l.metric.to_string()),
        Column::key("axis", |l: &Line| l.effect.axis.clone()),
        Column::key("label", |l: &Line| l.effect.value.clone()),
        Column::key("against", |l: &Line| l.effect.against.clone()),
        Column::text("unit", "unit", |l: &Line| l.metric.spec.unit.name().to_string()),
        Column::text("better", "better", |l: &Line| better(l.metric)),
        Column::estimate("effect", "effect", ("", 4), |l: &Line| l.difference.estimate),
    ];
    columns.extend(tested::columns(|l: &Line| Some(&l.difference)));
    columns.extend(verdict_columns(|l: &Line| &l.words));
    columns.extend([
        Column::count("pairs", |l: &Line| l.effect.pairs as u64),
        Column::count("seeds", |l: &Line| l.difference.seeds),
        Column::count("clips", |l: &Line| l.difference.clips),
    ]);
    columns
}

/// Main effects of every axis; `None` without axes.
pub fn main_effects(
    comparison: &Comparison,
    metrics: &[Key],
    plan: &Bootstrap,
    mut notes: Vec<String>,
) -> Option<Table> {
    let (effects, tests) = effects::all(comparison, metrics, plan);
    let lines: Vec<Line> = effects.iter().map(|effect| line(&metrics[effect.metric], effect)).collect();
    notes.insert(0, format!(
        "effect: a label of the axis minus the reference's label, averaged over the pairs of cells that differ in \
         nothing else (column pairs). Benjamini–Hochberg over the m = {tests} tests of this table."
    ));
    let name = format!("ablation_{}_effects", comparison.name);
    let title = format!("Ablation {}: main effects", comparison.name);
    let table = Table::new(name, title, SCHEMA, columns(), &lines, notes);
    (!lines.is_empty()).then(|| table.with_digits(&lines, |line| line.metric.spec.digits))
}

fn line<'a>(metric: &'a Key, effect: &'a Effect) -> Line<'a> {
    let difference = SideDifference::new(&effect.tested, false);
    let adjusted = difference.test.and_then(|test| test.adjusted);
    let standing = Standing::new(metric.spec.better, difference.estimate.ok().map(|e| e.value), adjusted);
    let words = Words::of_side(standing, difference.seeds, true);
    Line { metric, effect, difference, words }
}
