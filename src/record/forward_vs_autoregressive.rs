//! From `probes/forward_vs_autoregressive.csv` to metrics, nats per token:
//! `forward_vs_autoregressive.single`, `.autoregressive`, and `.gain` = single − autoregressive.

use super::examples::{Example, ForwardVsAutoregressive};
use super::measured::{add, Clips, Maker, Unit, BOOTSTRAP};
use super::{Direction, Metric};
use crate::stats::bootstrap::{difference_interval, Bootstrap};

/// Three metrics about the modality `target`.
pub fn metrics(rows: &[ForwardVsAutoregressive], target: &str, seed: u64) -> Vec<Metric> {
    let maker = Maker { file: ForwardVsAutoregressive::FILE, seed };
    let (mut single, mut steps) = (Clips::new(), Clips::new());
    for r in rows {
        add(&mut single, &r.clip, r.single_ce_nats, r.tokens as f64);
        add(&mut steps, &r.clip, r.autoregressive_ce_nats, r.tokens as f64);
    }
    let lower = Unit::Nats(Direction::Lower);
    let of = |clips: &Clips| clips.values().copied().collect::<Vec<_>>();
    let plan = Bootstrap { seed, ..Bootstrap::default() };
    let gain = difference_interval(&of(&single), &of(&steps), &plan);
    let neither = Unit::Nats(Direction::Neither);
    vec![
        maker.mean("forward_vs_autoregressive.single", Some(target), &single, lower),
        maker.mean("forward_vs_autoregressive.autoregressive", Some(target), &steps, lower),
        maker.estimate("forward_vs_autoregressive.gain", Some(target), gain, neither, BOOTSTRAP),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gain_is_paired() {
        let row = |i: usize| ForwardVsAutoregressive {
            clip: format!("c{i}"),
            tokens: 4,
            single_ce_nats: 8.0 + i as f64,
            autoregressive_ce_nats: 4.0 + i as f64,
        };
        let all = metrics(&(0..3).map(row).collect::<Vec<_>>(), "scene_desc", 1);
        assert_eq!(all.iter().map(|m| m.value).collect::<Vec<_>>(), [Some(2.25), Some(1.25), Some(1.0)]);
        assert_eq!((all[2].key().as_str(), all[2].low), ("forward_vs_autoregressive.gain/scene_desc", None));
    }
}
