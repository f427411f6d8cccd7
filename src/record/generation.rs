//! From the scores of `probes/generation.csv` to the metrics of a record.
//!
//! For each condition, in order of appearance: `generation.distinct`, `generation.entropy`,
//! `generation.entropy_minus_real`, `generation.agreement` and `generation.agreement_of_real`. The modality
//! of a metric is `inputs->target`, with ` (first n given)` where part of the target was given.

use super::cross_entropy::INTERVAL;
use super::examples::{Example, Generation};
use super::{Direction, Metric};
use crate::stats::bootstrap::{difference_interval, mean_interval, Bootstrap};
use crate::stats::{Estimable, Estimate};

/// Metrics of all conditions.
pub fn metrics(rows: &[Generation], seed: u64) -> Vec<Metric> {
    let plan = Bootstrap { seed, ..Bootstrap::default() };
    let mut conditions: Vec<(String, Vec<&Generation>)> = Vec::new();
    for row in rows {
        let name = condition(row);
        match conditions.iter_mut().find(|c| c.0 == name) {
            Some(found) => found.1.push(row),
            None => conditions.push((name, vec![row])),
        }
    }
    conditions.iter().flat_map(|(name, rows)| of_condition(name, rows, &plan)).collect()
}

fn condition(r: &Generation) -> String {
    match r.given {
        0 => format!("{}->{}", r.inputs, r.target),
        n => format!("{}->{} (first {n} given)", r.inputs, r.target),
    }
}

/// (sum, weight) of each clip that has the quantity.
fn weighted(rows: &[&Generation], of: impl Fn(&Generation) -> Option<(f64, f64)>) -> Vec<(f64, f64)> {
    rows.iter().filter_map(|r| of(r)).collect()
}

fn of_condition(name: &str, rows: &[&Generation], plan: &Bootstrap) -> Vec<Metric> {
    let distinct = weighted(rows, |r| Some((r.distinct as f64, r.tokens as f64)));
    let entropy = weighted(rows, |r| Some((r.entropy_nats, 1.0)));
    let real = weighted(rows, |r| Some((r.real_entropy_nats, 1.0)));
    let share = |of: fn(&Generation) -> Option<f64>| {
        let clips = weighted(rows, |r| of(r).map(|share| (share * r.tokens as f64, r.tokens as f64)));
        mean_interval(&clips, plan)
    };
    [
        ("distinct", mean_interval(&distinct, plan), "ids/token"),
        ("entropy", mean_interval(&entropy, plan), "nats"),
        ("entropy_minus_real", difference_interval(&entropy, &real, plan), "nats"),
        ("agreement", share(|r| r.agreement), "share"),
        ("agreement_of_real", share(|r| r.real_agreement), "share"),
    ]
    .into_iter()
    .map(|(what, estimate, unit)| metric(&format!("generation.{what}"), name, estimate, unit))
    .collect()
}

fn metric(name: &str, condition: &str, estimate: Estimable<Estimate>, unit: &str) -> Metric {
    let (value, n, interval) = match &estimate {
        Ok(e) => (Some(e.value), e.n, e.interval.ok().map(|i| (i.low, i.high))),
        Err(_) => (None, 0, None),
    };
    Metric::new(name, Some(condition), value, n, unit, Direction::Neither)
        .with_interval(interval, INTERVAL)
        .with_file(Generation::FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(clip: usize, given: u64, agreement: Option<f64>) -> Generation {
        Generation {
            clip: format!("c{clip}"),
            inputs: "a".into(),
            target: "b".into(),
            given,
            tokens: 10,
            distinct: 1 + clip as u64,
            entropy_nats: clip as f64,
            real_entropy_nats: 2.0,
            agreement,
            real_agreement: Some(0.1),
        }
    }

    #[test]
    fn one_block_per_condition_and_absent_stays_absent() {
        let mut rows: Vec<Generation> = (0..5).map(|c| row(c, 0, Some(0.2 * c as f64))).collect();
        rows.push(row(0, 8, None));
        let metrics = metrics(&rows, 1);
        assert_eq!(metrics.len(), 10);
        assert_eq!(metrics[0].key(), "generation.distinct/a->b");
        let values: Vec<f64> = metrics[..5].iter().map(|m| m.value.unwrap()).collect();
        for (got, want) in values.iter().zip([0.3, 2.0, 0.0, 0.4, 0.1]) {
            assert!((got - want).abs() < 1e-12, "{values:?}");
        }
        assert_eq!(metrics[8].key(), "generation.agreement/a->b (first 8 given)");
        assert_eq!((metrics[8].value, metrics[8].n), (None, 0));
    }
}
