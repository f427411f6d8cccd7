//! `log Σ exp`, without overflow. Of logits the exponentials are taken in single precision, as they came from
//! the network, and summed in double; log-likelihoods are double throughout. The two round differently, and
//! recorded scores hold either.

/// Of a row of logits.
pub fn of_logits(row: &[f32]) -> f64 {
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
    use super::*;

    #[test]
    fn both_are_right_and_do_not_overflow() {
        assert!((of_likelihoods(&[0.25f64.ln(), 0.5f64.ln()]) - 0.75f64.ln()).abs() < 1e-12);
        assert!((of_likelihoods(&[-2000.0; 4]) - (4f64.ln() - 2000.0)).abs() < 1e-9);
        assert!((of_logits(&[1000.0, 1000.0]) - (1000.0 + 2f64.ln())).abs() < 1e-9);
        assert!(of_logits(&[0.0, f32::NAN]).is_nan());
    }
}
