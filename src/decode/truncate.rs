//! Top-k and top-p: which ids may be drawn at all.
//!
//! ```text
//! top-k   the k most likely ids (k above the vocabulary: all)
//! top-p   of those, the most likely ids up to and with the first at which their summed probability
//!         exceeds p; never none
//! ```
//! Both look at the network's own distribution, before the temperature: which ids compete does not change
//! while MaskGIT cools down. Equal logits are taken in the order of their ids. Source: REFERENCE §6;
//! Holtzman et al., The Curious Case of Neural Text Degeneration, ICLR 2020 (top-p).

use std::cmp::Ordering;

/// First guess at how many ids a nucleus has; four times as many each time that is too few.
const NUCLEUS: usize = 256;

/// The ids of `logits` that survive. None is NaN.
pub fn truncate(logits: &[f32], top_k: Option<usize>, top_p: Option<f64>) -> Vec<u32> {
    let mut ids: Vec<u32> = (0..logits.len() as u32).collect();
    if let Some(k) = top_k {
        let k = k.clamp(1, ids.len());
        front(&mut ids, k, logits);
        ids.truncate(k);
    }
    if let Some(p) = top_p {
        nucleus(&mut ids, p, logits);
    }
    ids
}

/// The more likely first, then the lower id.
fn order(logits: &[f32]) -> impl Fn(&u32, &u32) -> Ordering + '_ {
    |&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b))
}

/// Brings the `k` most likely ids to the front, in order.
fn front(ids: &mut [u32], k: usize, logits: &[f32]) {
    if k < ids.len() {
        ids.select_nth_unstable_by(k, order(logits));
    }
    ids[..k].sort_unstable_by(order(logits));
}

/// Sorts only as much of a large vocabulary as the nucleus needs.
fn nucleus(ids: &mut Vec<u32>, p: f64, logits: &[f32]) {
    let largest = ids.iter().map(|&id| logits[id as usize]).fold(f32::NEG_INFINITY, f32::max);
    let weight = |id: u32| f64::from(logits[id as usize] - largest).exp();
    let total: f64 = ids.iter().map(|&id| weight(id)).sum();
    let (mut sorted, mut mass) = (0, 0.0);
    for kept in 0..ids.len() {
        if kept == sorted {
            let more = (3 * sorted).max(NUCLEUS).min(ids.len() - sorted);
            front(&mut ids[sorted..], more, logits);
            sorted += more;
        }
        mass += weight(ids[kept]);
        if mass > p * total {
            return ids.truncate(kept + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities 0.1, 0.4, 0.1, 0.2, 0.2.
    fn logits() -> Vec<f32> {
        [0.1f32, 0.4, 0.1, 0.2, 0.2].map(f32::ln).to_vec()
    }

    #[test]
    fn top_k() {
        assert_eq!(truncate(&logits(), Some(1), None), [1]);
        assert_eq!(truncate(&logits(), Some(2), None), [1, 3]);
        assert_eq!(truncate(&logits(), Some(4), None), [1, 3, 4, 0]);
        assert_eq!(truncate(&logits(), Some(99), None).len(), 5);
        assert_eq!(truncate(&logits(), Some(0), None), [1]);
    }

    #[test]
    fn top_p_keeps_the_first_id_above_the_threshold() {
        assert_eq!(truncate(&logits(), None, Some(1e-9)), [1]);
        assert_eq!(truncate(&logits(), None, Some(0.39)), [1]);
        assert_eq!(truncate(&logits(), None, Some(0.41)), [1, 3]);
        assert_eq!(truncate(&logits(), None, Some(0.7)), [1, 3, 4]);
        assert_eq!(truncate(&logits(), None, Some(1.0)).len(), 5);
    }

    #[test]
    fn top_p_counts_within_what_top_k_left() {
        // 0.4 and 0.2 of 0.6: two thirds and one third.
        assert_eq!(truncate(&logits(), Some(2), Some(0.66)), [1]);
        assert_eq!(truncate(&logits(), Some(2), Some(0.67)), [1, 3]);
    }

    /// More ids than the first guess, against sorting everything.
    #[test]
    fn a_wide_nucleus_is_that_of_a_full_sort() {
        let logits: Vec<f32> =
            (0..3000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 20) as f32 / 1500.0).collect();
        let mut sorted: Vec<u32> = (0..3000).collect();
        sorted.sort_by(order(&logits));
        let total: f64 = logits.iter().map(|&l| f64::from(l).exp()).sum();
        for p in [0.01, 0.3, 0.6, 0.95] {
            let mut mass = 0.0;
            let above = |&id: &u32| {
                mass += f64::from(logits[id as usize]).exp();
                mass > p * total
            };
            let n = sorted.iter().position(above).unwrap() + 1;
            assert_eq!(truncate(&logits, None, Some(p)), sorted[..n], "{p}");
        }
    }
}
