//! From `probes/memorization.csv` to metrics.
//!
//! ```text
//! memorization.accuracy/train       % of tokens; /test
//! memorization.cross_entropy/train  nats per token; /test
//! memorization.auc                  %: how often a training clip has a lower loss than a held-out one
//! ```

use super::examples::{Example, Memorization};
use super::measured::{add, Clips, Maker, Unit};
use super::{Direction, Metric};
use crate::stats::auc;

/// Both parts, then their separation.
pub fn metrics(rows: &[Memorization], seed: u64) -> Vec<Metric> {
    let maker = Maker { file: Memorization::FILE, seed };
    let mut all = Vec::new();
    let mut losses: Vec<Vec<f64>> = Vec::new();
    for part in ["train", "test"] {
        let (mut accuracy, mut ce) = (Clips::new(), Clips::new());
        for r in rows.iter().filter(|r| r.part == part) {
            add(&mut accuracy, &r.clip, r.correct as f64, r.tokens as f64);
            add(&mut ce, &r.clip, r.ce_nats, r.tokens as f64);
        }
        losses.push(ce.values().map(|c| -c.0 / c.1).collect());
        let (percent, nats) = (Unit::Percent(Direction::Neither), Unit::Nats(Direction::Neither));
        all.push(maker.mean("memorization.accuracy", Some(part), &accuracy, percent));
        all.push(maker.mean("memorization.cross_entropy", Some(part), &ce, nats));
    }
    let separation = auc::auc(&losses[0], &losses[1], 0.95);
    let unit = Unit::Percent(Direction::Neither);
    all.push(maker.estimate("memorization.auc", None, separation, unit, "DeLong over clips, 95 %"));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_and_their_separation() {
        let row = |part: &str, clip: usize, ce: f64| Memorization {
            clip: format!("c{clip}"),
            part: part.into(),
            tokens: 10,
            correct: 1,
            ce_nats: ce,
        };
        let rows = [row("train", 0, 10.0), row("train", 1, 20.0), row("test", 2, 15.0), row("test", 3, 30.0)];
        let all = metrics(&rows, 1);
        let of = |key: &str| all.iter().find(|m| m.key() == key).unwrap().value;
        assert_eq!(of("memorization.cross_entropy/train"), Some(1.5));
        assert_eq!(of("memorization.accuracy/test"), Some(10.0));
        assert_eq!(of("memorization.auc"), Some(75.0));
        assert!(metrics(&rows[..2], 1).last().unwrap().value.is_none());
    }
}
