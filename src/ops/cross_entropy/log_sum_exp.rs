//! `log Σ exp`, without overflow, in the roundings that records hold. All are the same number but for its last
//! digits, and stay apart so that those digits stay.
//!
//! | rounding | recorded in |
//! |---|---|
//! | [`RowScore::of`](super::RowScore::of): single precision throughout, as the training loss | `metrics.csv`, `eval.csv`; cross-entropies, directions, memorization, forward against autoregressive |
//! | [`of_logits`]: double throughout | classification by key tokens (`logit_rank_*`) |
//! | [`of_single_exponentials`]: single exponentials, summed in double | classification by captions: a caption's likelihood |
//! | [`of_likelihoods`]: double, from double | classification by captions: a class's over its captions, and its prior |

/// Of a row of logits, in double precision.
pub fn of_logits(row: &[f32]) -> f64 {
    let m = row.iter().fold(f32::NEG_INFINITY, |m, x| m.max(*x)) as f64;
    m + row.iter().map(|x| (*x as f64 - m).exp()).sum::<f64>().ln()
}

/// Of a row of logits, exponentials in single precision and their sum in double.
pub fn of_single_exponentials(row: &[f32]) -> f64 {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = row.iter().map(|x| f64::from((x - largest).exp())).sum();
    f64::from(largest) + sum.ln()
}

/// Of log-likelihoods.
pub fn of_likelihoods(row: &[f64]) -> f64 {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + row.iter().map(|x| (x - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::super::RowScore;
    use super::*;

    #[test]
    fn all_agree_to_single_precision() {
        let row: Vec<f32> = (0..100).map(|i| (i as f32 * 0.37).sin() * 9.0).collect();
        let exact = of_likelihoods(&row.iter().copied().map(f64::from).collect::<Vec<_>>());
        assert_eq!(of_logits(&row), exact);
        assert!((of_single_exponentials(&row) - exact).abs() < 1e-5);
        assert!((f64::from(RowScore::of(&mut row.clone()).log_sum) - exact).abs() < 1e-5);
    }

    #[test]
    fn nothing_overflows_and_what_is_not_a_number_stays_so() {
        assert!((of_likelihoods(&[0.25f64.ln(), 0.5f64.ln()]) - 0.75f64.ln()).abs() < 1e-12);
        assert!((of_likelihoods(&[-2000.0; 4]) - (4f64.ln() - 2000.0)).abs() < 1e-9);
        for sum in [of_logits, of_single_exponentials] {
            assert!((sum(&[1000.0, 1000.0]) - (1000.0 + 2f64.ln())).abs() < 1e-9);
            assert!(sum(&[0.0, f32::NAN]).is_nan());
        }
    }
}
