//! The baseline of every classification: the largest class of the training split, whatever the clip.

/// Classes `0..classes` by their number of `labels`, the most frequent first; of equals the first in order.
pub fn by_frequency(labels: &[usize], classes: usize) -> Vec<usize> {
    let mut counts = vec![0usize; classes];
    labels.iter().for_each(|&label| counts[label] += 1);
    let mut order: Vec<usize> = (0..classes).collect();
    order.sort_by_key(|&class| std::cmp::Reverse(counts[class]));
    order
}

#[cfg(test)]
mod tests {
    use super::by_frequency;

    #[test]
    fn the_largest_first_and_equals_in_order() {
        assert_eq!(by_frequency(&[2, 0, 2, 1, 1, 2], 4), [2, 1, 0, 3]);
        assert_eq!(by_frequency(&[], 2), [0, 1]);
    }
}
