//! Main effects of the axes of an ablation.

use super::tested::{counts, difference, direction, tested_cells, tested_columns, SCHEMA};
use crate::metrics::estimate::ALPHA;
use crate::report::comparison::effects::{self, Effect};
use crate::report::comparison::sides::Comparison;
use crate::report::scores::Metric;
use crate::report::table::{Cell, Heading, Row, Table};
use crate::stats::Bootstrap;

/// Main effects of every axis; `None` without axes.
pub fn main_effects(
    comparison: &Comparison,
    metrics: &[Metric],
    plan: &Bootstrap,
    mut notes: Vec<String>,
) -> Option<Table> {
    let (effects, m) = effects::all(comparison, metrics, plan);
    let mut columns = vec![
        Heading::key("metric"),
        Heading::key("axis"),
        Heading::key("label"),
        Heading::key("against"),
        Heading::text("unit", "unit"),
        Heading::text("better", "better"),
        Heading::estimate("effect", "effect", "", 4),
    ];
    columns.extend(tested_columns());
    columns.extend([Heading::count("pairs"), Heading::count("seeds"), Heading::count("clips")]);
    let row = |e: &Effect| {
        let metric = &metrics[e.metric];
        let value = e.tested.and_then(|t| t.estimate).map(|e| e.value);
        let verdict = match (e.adjusted, value) {
            (Some(p), Ok(v)) if p <= ALPHA && metric.better(v) => "better",
            (Some(p), Ok(_)) if p <= ALPHA => "worse",
            (Some(_), _) => "not distinguishable",
            (None, _) => "not estimable",
        };
        let mut cells = vec![
            Cell::text(&metric.key),
            Cell::text(&e.axis),
            Cell::text(&e.value),
            Cell::text(&e.against),
            Cell::text(metric.unit),
            direction(metric),
            difference(e.tested, false),
        ];
        cells.extend(tested_cells(e.tested, e.adjusted, false, verdict.into()));
        cells.push(Cell::Count(e.pairs as u64));
        cells.extend(counts(&e.tested));
        Row { digits: Some(metric.digits), ..Row::new(cells) }
    };
    let rows: Vec<Row> = effects.iter().map(row).collect();
    notes.insert(0, format!(
        "effect: a label of the axis minus the reference's label, averaged over the pairs of cells that differ in \
         nothing else (column pairs). Benjamini–Hochberg over the m = {m} tests of this table."
    ));
    (!rows.is_empty()).then(|| Table {
        name: format!("ablation_{}_effects", comparison.name).into(),
        title: format!("Ablation {}: main effects", comparison.name).into(),
        schema: SCHEMA,
        columns,
        rows,
        notes,
    })
}
