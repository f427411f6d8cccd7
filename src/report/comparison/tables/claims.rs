//! Claims about cells, declared before the runs, judged by Holm's procedure.

use super::tested::SCHEMA;
use crate::record::ablation::CellClaim;
use crate::report::comparison::contrast::Contrast;
use crate::report::comparison::sides::Comparison;
use crate::report::scores::{canonical, Metric};
use crate::report::table::{Cell, Heading, Row, Table};
use crate::report::tables::verdict;
use crate::stats::{multiple, Alternative, Bootstrap, Estimable, NotEstimable};

/// Declared claims, judged apart; `None` without any.
pub fn claims(comparison: &Comparison, plan: &Bootstrap, notes: Vec<String>) -> Option<Table> {
    let mut columns = vec![
        Heading::key("metric"),
        Heading::key("a"),
        Heading::key("b"),
        Heading::text("unit", "unit"),
        Heading::estimate("gain", "gain of a", "", 4).higher(),
    ];
    columns.extend(verdict::columns());
    columns.extend([Heading::count("seeds"), Heading::count("clips")]);
    let judged: Vec<Judged> = comparison.claims.iter().map(|c| Judged::new(comparison, c, plan)).collect();
    let holm = multiple::holm(&judged.iter().map(|j| j.p.ok()).collect::<Vec<_>>());
    let rows: Vec<Row> = judged.into_iter().zip(holm.adjusted).map(|(j, p)| j.row(p, holm.m)).collect();
    (!rows.is_empty()).then(|| Table {
        name: format!("ablation_{}_claims", comparison.name).into(),
        title: format!("Ablation {}: declared claims", comparison.name).into(),
        schema: SCHEMA,
        columns,
        rows,
        notes,
    })
}

/// A claim before correction.
struct Judged {
    digits: usize,
    cells: Vec<Cell>,
    margin: f64,
    p: Estimable<f64>,
    counts: [Cell; 2],
}

impl Judged {
    fn new(comparison: &Comparison, claim: &CellClaim, plan: &Bootstrap) -> Judged {
        let metric = Metric::new(&canonical(&claim.metric));
        let side = |label: &str| comparison.sides.iter().find(|s| s.label == label);
        // A gain is positive whichever way is better.
        let contrast = match (side(&claim.a), side(&claim.b)) {
            (Some(a), Some(b)) if metric.lower => Contrast::new(&[(&b.scores, &a.scores)], &metric.key),
            (Some(a), Some(b)) => Contrast::new(&[(&a.scores, &b.scores)], &metric.key),
            _ => Err(NotEstimable::NoData),
        };
        let cells = vec![
            Cell::text(&metric.key),
            Cell::text(&claim.a),
            Cell::text(&claim.b),
            Cell::text(metric.unit),
            Cell::estimate(contrast.as_ref().map_err(|e| *e).and_then(|c| c.estimate(plan))),
        ];
        let counts = contrast.as_ref().map_or([0, 0], |c| c.size().map(|n| n as u64)).map(Cell::Count);
        let p = contrast.and_then(|c| c.p(claim.margin, Alternative::Greater, plan));
        Judged { digits: metric.digits, cells, margin: claim.margin, p, counts }
    }

    fn row(self, holm: Option<f64>, m: usize) -> Row {
        let mut cells = self.cells;
        cells.extend(verdict::cells(self.margin, self.p, holm, m));
        cells.extend(self.counts);
        Row { digits: Some(self.digits), ..Row::new(cells) }
    }
}
