//! Main effects: what one value of an axis does, averaged over the cells that differ in nothing else.

use super::contrast::{Contrast, Runs, Tested};
use super::sides::{Comparison, Side};
use crate::metrics::Key;
use crate::report::tables::tested::correct;
use crate::stats::{Bootstrap, Estimable};

/// One value of an axis against the reference's value.
pub struct Effect {
    /// Index into the metrics.
    pub metric: usize,
    pub axis: String,
    pub value: String,
    pub against: String,
    /// Pairs of cells that differ in this axis only.
    pub pairs: usize,
    pub tested: Estimable<Tested>,
}

/// All effects and the size of their family.
pub fn all(comparison: &Comparison, metrics: &[Key], plan: &Bootstrap) -> (Vec<Effect>, usize) {
    let reference = &comparison.sides[comparison.reference];
    let mut effects = Vec::new();
    for (m, metric) in metrics.iter().enumerate() {
        for axis in &comparison.axes {
            let Some(base) = reference.values.get(&axis.name) else { continue };
            for value in axis.labels.iter().filter(|l| *l != base) {
                let matched = matched(&comparison.sides, &axis.name, value, base);
                if matched.is_empty() {
                    continue;
                }
                effects.push(Effect {
                    metric: m,
                    axis: axis.name.clone(),
                    value: value.clone(),
                    against: base.clone(),
                    pairs: matched.len(),
                    tested: Contrast::new(&matched, metric).map(|c| c.tested(plan)),
                });
            }
        }
    }
    let tested = effects.iter_mut().filter_map(|effect| effect.tested.as_mut().ok());
    let tests = correct(tested.map(|tested| &mut tested.test));
    (effects, tests)
}

/// Cells with `value` and their partners with `base`, equal on every other axis. A pair without
/// runs on one side is left out: the others still say something.
fn matched<'a>(sides: &'a [Side], axis: &str, value: &str, base: &str) -> Vec<(&'a Runs, &'a Runs)> {
    let on = |label: &str| {
        let label = label.to_string();
        sides.iter().filter(move |s| s.values.get(axis) == Some(&label) && !s.scores.is_empty())
    };
    let rest = |s: &Side| {
        let mut values = s.values.clone();
        values.remove(axis);
        values
    };
    let partner = |s: &Side| on(base).find(|p| rest(p) == rest(s));
    on(value).filter_map(|s| partner(s).map(|p| (&s.scores, &p.scores))).collect()
}
