//! From `probes/directions.csv` to metrics.
//!
//! ```text
//! directions.accuracy/INPUTS->TARGETS/TARGET       % of tokens, higher is better
//! directions.cross_entropy/INPUTS->TARGETS/TARGET  nats per token
//! ```
//! `.shuffled_input`, `.untrained`, `.unigram_marginal` and `.position_marginal` behind the quantity: the
//! same by another source.

use super::examples::{source, Direction as Row, Example};
use super::measured::{add, name, Clips, Maker, Unit};
use super::{Direction, Metric};

/// Metrics in the order the rows are in; of every direction the model first.
pub fn metrics(rows: &[Row], seed: u64) -> Vec<Metric> {
    let maker = Maker { file: Row::FILE, seed };
    let mut subjects: Vec<(&str, &str)> = Vec::new();
    let mut sources: Vec<&str> = vec![source::MODEL];
    for r in rows {
        let subject = (r.direction.as_str(), r.modality.as_str());
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
        if !sources.contains(&r.source.as_str()) {
            sources.push(&r.source);
        }
    }
    let mut all = Vec::new();
    for (direction, modality) in subjects {
        for by in &sources {
            let (mut accuracy, mut ce) = (Clips::new(), Clips::new());
            let of = |r: &&Row| {
                (r.direction.as_str(), r.modality.as_str(), r.source.as_str()) == (direction, modality, by)
            };
            for r in rows.iter().filter(of) {
                add(&mut accuracy, &r.clip, r.correct as f64, r.tokens as f64);
                add(&mut ce, &r.clip, r.ce_nats, r.tokens as f64);
            }
            if accuracy.is_empty() {
                continue;
            }
            let subject = format!("{direction}/{modality}");
            let (higher, lower) = (Unit::Percent(Direction::Higher), Unit::Nats(Direction::Lower));
            all.push(maker.mean(&name("directions.accuracy", by), Some(&subject), &accuracy, higher));
            all.push(maker.mean(&name("directions.cross_entropy", by), Some(&subject), &ce, lower));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_weighed() {
        let row = |clip: &str, source: &str, tokens, correct| Row {
            clip: clip.into(),
            direction: "a->b+c".into(),
            modality: "b".into(),
            source: source.into(),
            tokens,
            correct,
            ce_nats: 2.0 * tokens as f64 + correct as f64,
        };
        let rows = [row("x", "untrained", 4, 0), row("x", "model", 4, 1), row("y", "model", 6, 4)];
        let all = metrics(&rows, 1);
        let values: Vec<(String, Option<f64>)> = all.iter().map(|m| (m.key(), m.value)).collect();
        assert_eq!(
            values,
            [
                ("directions.accuracy/a->b+c/b".into(), Some(50.0)),
                ("directions.cross_entropy/a->b+c/b".into(), Some(2.5)),
                ("directions.accuracy.untrained/a->b+c/b".into(), Some(0.0)),
                ("directions.cross_entropy.untrained/a->b+c/b".into(), Some(2.0)),
            ]
        );
    }
}
