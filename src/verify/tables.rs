//! The tables of a run: whether every row is there that its manifest asks for.

use super::findings::{some, Difference, Findings};
use super::table::Table;
use crate::manifest::schema::{Experiment, Train};
use crate::record::Record;
use crate::store::RunDir;
use std::collections::BTreeMap;

/// Steps at which something is due every `every` steps of `total`; the last always is.
fn due(every: u64, total: u64) -> impl Iterator<Item = u64> {
    let before = total.saturating_sub(1).checked_div(every).unwrap_or(0);
    (1..=before).map(move |n| n * every).chain((total > 0).then_some(total))
}

/// Holds the steps of `metrics.csv`, `eval.csv` and `digests.csv` against the manifest, and the sum of the tokens
/// against the record.
pub fn check(run: &RunDir, record: &Record, experiment: &Experiment, findings: &mut Findings) {
    let train = &experiment.train;
    for (file, every, rows) in [
        ("metrics.csv", 1, Some(1)),
        ("eval.csv", train.eval_every, Some(experiment.modalities.len())),
        ("digests.csv", train.digest_every, None),
    ] {
        let table = findings.hold(file, "a table", Table::read(run, file));
        let Some(table) = table.flatten() else {
            if !findings.differs(file) {
                findings.differences.push(Difference::of(file, "a table", "missing"));
            }
            continue;
        };
        steps(&table, every, train, rows, findings);
        if file == "metrics.csv" {
            tokens(&table, record, findings);
        }
    }
}

/// `rows`: those that each step has; where that is not known, as many as the last.
fn steps(table: &Table, every: u64, train: &Train, rows: Option<usize>, findings: &mut Findings) {
    let mut found: BTreeMap<u64, usize> = BTreeMap::new();
    for step in table.steps().unwrap_or_default() {
        *found.entry(step).or_default() += 1;
    }
    let each = rows.unwrap_or_else(|| found.values().last().copied().unwrap_or_default());
    let lacks = |step: &u64| found.get(step).is_none_or(|&n| n != each);
    // No more is looked at than a table could hold: a manifest that was changed may speak of any number of steps.
    let missing: Vec<u64> = due(every, train.steps()).take(found.len() + 1000).filter(lacks).collect();
    let extra: Vec<u64> = found.keys().copied().filter(|&step| !train.is_due(every, step)).collect();
    let count = found.len();
    if !missing.is_empty() {
        let (a, b) = (format!("rows of the steps {}", some(&missing)), "missing");
        findings.differences.push(Difference::of(&table.file, a, b));
    }
    if !extra.is_empty() {
        let a = format!("no rows of the steps {}", some(&extra));
        findings.differences.push(Difference::of(&table.file, a, "there"));
    }
    findings.checked.push(format!("{}: the rows of {count} steps, as resolved.ron asks for", table.file));
}

fn tokens(table: &Table, record: &Record, findings: &mut Findings) {
    let Some(column) = table.column("tokens") else {
        findings.differences.push(Difference::of(&table.file, "a column `tokens`", "missing"));
        return;
    };
    let cells = table.rows.iter().map(|row| row.get(column).and_then(|cell| cell.parse::<u64>().ok()));
    let sum = cells.sum::<Option<u64>>().map_or("not numbers".into(), |sum| sum.to_string());
    findings.equal("record.json", "train_tokens against metrics.csv", record.train_tokens.to_string(), sum);
}

#[cfg(test)]
mod tests {
    use super::due;

    #[test]
    fn the_last_step_is_always_due_and_once() {
        let steps = |every, total| due(every, total).collect::<Vec<_>>();
        assert_eq!(steps(15, 40), [15, 30, 40]);
        assert_eq!((steps(10, 40), steps(0, 40), steps(50, 40)), (vec![10, 20, 30, 40], vec![40], vec![40]));
        assert_eq!((steps(1, 0), steps(0, 0)), (vec![], vec![]));
        for (every, total) in [(15, 40), (10, 40), (0, 40), (50, 40), (1, 3)] {
            let mut train = crate::manifest::testing::small().train;
            train.tokens = total * (train.batch * train.tokens_per_sample) as u64;
            let are_due: Vec<u64> = (0..=total + 60).filter(|&step| train.is_due(every, step)).collect();
            assert_eq!(are_due, steps(every, total), "every {every} of {total}");
        }
    }
}
