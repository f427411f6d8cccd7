//! Claims about cells, declared before the runs, judged by Holm's procedure.

use super::tested::SCHEMA;
use crate::metrics::Key;
use crate::record::ablation::CellClaim;
use crate::report::comparison::contrast::Contrast;
use crate::report::comparison::sides::Comparison;
use crate::report::table::{Column, Table};
use crate::report::tables::verdict::{self, judge, Scope, Verdict};
use crate::stats::{Alternative, Bootstrap, Estimable, Estimate, NotEstimable};

struct Line<'a> {
    metric: &'a Key,
    claim: &'a CellClaim,
    gain: Estimable<Estimate>,
    verdict: Verdict,
    seeds: u64,
    clips: u64,
}

fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = vec![
        Column::key("metric", |l: &Line| l.metric.to_string()),
        Column::key("a", |l: &Line| l.claim.a.clone()),
        Column::key("b", |l: &Line| l.claim.b.clone()),
        Column::text("unit", "unit", |l: &Line| l.metric.spec.unit.name().to_string()),
        Column::estimate("gain", "gain of a", ("", 4), |l: &Line| l.gain).higher(),
    ];
    columns.extend(verdict::columns(|l: &Line| &l.verdict));
    columns.extend([Column::count("seeds", |l: &Line| l.seeds), Column::count("clips", |l: &Line| l.clips)]);
    columns
}

/// Declared claims, judged apart; `None` without any.
pub fn claims(comparison: &Comparison, plan: &Bootstrap, notes: Vec<String>) -> Option<Table> {
    let mut lines: Vec<Line> =
        comparison.claims.iter().map(|(key, claim)| line(comparison, key, claim, plan)).collect();
    judge(lines.iter_mut().map(|line| &mut line.verdict));
    let name = format!("ablation_{}_claims", comparison.name);
    let title = format!("Ablation {}: declared claims", comparison.name);
    let table = Table::new(name, title, SCHEMA, columns(), &lines, notes);
    (!lines.is_empty()).then(|| table.with_digits(&lines, |line| line.metric.spec.digits))
}

fn line<'a>(comparison: &Comparison, metric: &'a Key, claim: &'a CellClaim, plan: &Bootstrap) -> Line<'a> {
    let side = |label: &str| comparison.sides.iter().find(|side| side.label == label);
    // A gain is positive whichever way is better; where neither is, where a is larger.
    let contrast = match (side(&claim.a), side(&claim.b)) {
        (Some(a), Some(b)) if metric.spec.lower() => Contrast::new(&[(&b.scores, &a.scores)], metric),
        (Some(a), Some(b)) => Contrast::new(&[(&a.scores, &b.scores)], metric),
        _ => Err(NotEstimable::NoData),
    };
    let [seeds, clips] = contrast.as_ref().map_or([0, 0], |contrast| contrast.size().map(|n| n as u64));
    let gain = contrast.as_ref().map_err(|why| *why).and_then(|contrast| contrast.estimate(plan));
    let p = contrast.and_then(|contrast| contrast.p(claim.margin, Alternative::Greater, plan));
    let verdict = Verdict::new(claim.margin, p, Scope::of_recipes(seeds as usize));
    Line { metric, claim, gain, verdict, seeds, clips }
}
