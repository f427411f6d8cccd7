//! Is one recipe better than another? Paired differences of trained networks, seed by seed and clip by clip.

use super::estimate::{Alternative, Estimable};
use super::{crossed, sign_flip};

/// p-value of the mean of `differences[seed][clip]` against `margin`. One seed: sign flips over clips, which speak
/// of the two trained networks alone. Several: the larger of sign flips of the clips' mean differences and the
/// t-test over seeds × clips, so that two seeds of one recipe are not two recipes.
pub fn test(
    differences: &[Vec<f64>],
    margin: f64,
    alternative: Alternative,
    seed: u64,
    replicates: usize,
) -> Estimable<f64> {
    let beyond: Vec<f64> = clip_means(differences).iter().map(|d| d - margin).collect();
    let flipped = sign_flip::test(&beyond, alternative, seed, replicates)?;
    match differences.len() {
        1 => Ok(flipped),
        _ => Ok(flipped.max(crossed::fit(differences)?.p(margin, alternative))),
    }
}

/// Mean over seeds of each clip's difference; every seed has the same clips.
pub fn clip_means(differences: &[Vec<f64>]) -> Vec<f64> {
    let seeds = differences.len() as f64;
    let clips = differences.first().map_or(0, Vec::len);
    (0..clips).map(|c| differences.iter().map(|row| row[c]).sum::<f64>() / seeds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::NotEstimable;

    #[test]
    fn seeds_that_disagree_are_not_a_recipe() {
        let row = |shift: f64| (0..30).map(|c| shift + 0.01 * f64::from(c % 7)).collect::<Vec<f64>>();
        let p = |rows: &[Vec<f64>]| test(rows, 0.0, Alternative::TwoSided, 1, 999).unwrap();
        assert!(p(&[row(0.5)]) < 0.01, "one network is surely ahead of the other");
        assert!(p(&[row(0.5), row(0.1)]) > 0.2, "and two seeds do not say so of the recipes");
        assert!(p(&[row(0.5), row(0.52), row(0.51)]) < 0.01);
        assert_eq!(test(&[], 0.0, Alternative::TwoSided, 1, 99), Err(NotEstimable::NoData));
    }
}
