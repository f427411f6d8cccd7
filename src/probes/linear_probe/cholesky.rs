//! Solving `A x = b` for a symmetric positive definite A by A = L Lᵀ; sums in one fixed order.

/// The lower triangle L, row-major `[n, n]`.
pub struct Cholesky {
    n: usize,
    l: Vec<f64>,
}

impl Cholesky {
    /// Factors `a`, of which the lower triangle is read. `None` when it is not positive definite.
    pub fn new(mut a: Vec<f64>, n: usize) -> Option<Cholesky> {
        for i in 0..n {
            let (above, rest) = a.split_at_mut(i * n);
            let row = &mut rest[..n];
            for j in 0..i {
                let other = &above[j * n..][..=j];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let pivot = row[i] - dot(&row[..i], &row[..i]);
            // Also refuses NaN.
            if pivot.is_nan() || pivot <= 0.0 {
                return None;
            }
            row[i] = pivot.sqrt();
        }
        Some(Cholesky { n, l: a })
    }

    /// `x` with `A x = b`.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let row = |i: usize| &self.l[i * self.n..][..=i];
        let mut x = b.to_vec();
        for i in 0..self.n {
            x[i] = (x[i] - dot(&row(i)[..i], &x[..i])) / row(i)[i];
        }
        for i in (0..self.n).rev() {
            x[i] /= row(i)[i];
            let xi = x[i];
            x[..i].iter_mut().zip(row(i)).for_each(|(x, l)| *x -= l * xi);
        }
        x
    }
}

/// Four running sums, always in the same order: a fixed shape that a compiler can keep in registers.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (quads_a, quads_b) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = quads_a.remainder().iter().zip(quads_b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in quads_a.zip(quads_b) {
        (0..4).for_each(|i| sums[i] += a[i] * b[i]);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solutions_solve() {
        let n = 9;
        // M Mᵀ + I of a matrix of small integers.
        let m = |i: usize, j: usize| ((i * 7 + j * 3) % 5) as f64 - 2.0;
        let product = |i, j| (0..n).map(|k| m(i, k) * m(j, k)).sum::<f64>() + f64::from(u8::from(i == j));
        let a: Vec<f64> = (0..n * n).map(|k| product(k / n, k % n)).collect();
        let b: Vec<f64> = (0..n).map(|i| i as f64 - 3.0).collect();
        let x = Cholesky::new(a.clone(), n).unwrap().solve(&b);
        for (i, b) in b.iter().enumerate() {
            let got: f64 = (0..n).map(|j| a[i * n + j] * x[j]).sum();
            assert!((got - b).abs() < 1e-9);
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        assert!(Cholesky::new(vec![1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(Cholesky::new(vec![f64::NAN], 1).is_none());
        assert!(Cholesky::new(vec![0.0], 1).is_none());
    }
}
