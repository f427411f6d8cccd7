//! Elementwise kernels that the compiler turns into vector code, with the same bits everywhere.
//!
//! Each is compiled twice, for the baseline CPU and for AVX2, from one body. No fused
//! multiply-add is used and sums run over 16 fixed lanes, so both versions give identical bits.

/// Defines a function compiled for the baseline and for AVX2, and picks one when it is called.
macro_rules! vectorized {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                unsafe fn avx2($($arg: $ty),*) $(-> $ret)? { body($($arg),*) }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the feature was just detected.
                    return unsafe { avx2($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}
pub(crate) use vectorized;

/// Lanes of every sum.
pub const LANES: usize = 16;

/// Adds the lanes in a fixed tree.
#[inline(always)]
pub fn fold(mut acc: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            acc[i] += acc[i + half];
        }
        half /= 2;
    }
    acc[0]
}

/// `Σ f(i)` for `i` in `0..n` over fixed lanes.
#[inline(always)]
pub fn sum(n: usize, f: impl Fn(usize) -> f32) -> f32 {
    let mut acc = [0.0; LANES];
    let whole = n / LANES * LANES;
    let mut i = 0;
    while i < whole {
        for (l, a) in acc.iter_mut().enumerate() {
            *a += f(i + l);
        }
        i += LANES;
    }
    for (l, a) in acc.iter_mut().enumerate().take(n - whole) {
        *a += f(whole + l);
    }
    fold(acc)
}

/// The largest number of a row; −∞ for an empty one. NaN does not survive: callers check their sums.
#[inline(always)]
pub fn max(x: &[f32]) -> f32 {
    let mut acc = [f32::NEG_INFINITY; LANES];
    let mut chunks = x.chunks_exact(LANES);
    for c in &mut chunks {
        for l in 0..LANES {
            acc[l] = if c[l] > acc[l] { c[l] } else { acc[l] };
        }
    }
    let mut m = f32::NEG_INFINITY;
    for v in acc.iter().chain(chunks.remainder()) {
        m = if *v > m { *v } else { m };
    }
    m
}

/// `eˣ` to about 1 ulp: x = n·ln 2 + r with |r| ≤ ½ ln 2, a degree-6 Taylor–minimax polynomial in r
/// (Cephes `expf` coefficients), scaled by 2ⁿ. Below −87.3 it is 0 (softmax needs no denormals); NaN stays NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const LOG2E: f32 = std::f32::consts::LOG2_E;
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it rounds to the nearest integer
    let clamped = x.clamp(-87.3, 88.0);
    let shifted = clamped * LOG2E + ROUND;
    let n = shifted - ROUND;
    let r = clamped - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let p = ((((1.987_569_1e-4 * r + 1.398_199_9e-3) * r + 8.333_452e-3) * r + 4.166_579_6e-2) * r
        + 0.166_666_65)
        * r
        + 0.5;
    let y = p * r * r + r + 1.0;
    let scale =
        f32::from_bits((shifted.to_bits().wrapping_sub(ROUND.to_bits()) << 23).wrapping_add(127 << 23));
    let out = y * scale;
    if x < -87.3 {
        0.0
    } else {
        out
    }
}

/// The error function to about 3e-7: a rational approximation on [−4, 4]
/// (coefficients as in Eigen's `generic_fast_erf`), ±1 beyond.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let s = x * x;
    let p = ((((((-2.726_142_3e-10 * s + 2.770_681_4e-8) * s - 2.101_024e-6) * s - 5.692_506_5e-5) * s
        - 7.349_906_4e-4)
        * s
        - 2.954_6e-3)
        * s
        - 1.609_603_3e-2)
        * x;
    let q =
        (((-1.456_607_2e-5 * s - 2.133_740_6e-4) * s - 1.682_827e-3) * s - 7.373_329e-3) * s - 1.426_473_9e-2;
    p / q
}

vectorized! {
    /// `a += b`.
    pub fn add_assign(a: &mut [f32], b: &[f32]) {
        for (x, y) in a.iter_mut().zip(b) {
            *x += y;
        }
    }
}

vectorized! {
    /// `x *= s`.
    pub fn scale(x: &mut [f32], s: f32) {
        for v in x.iter_mut() {
            *v *= s;
        }
    }
}

vectorized! {
    /// Turns a row of logits into `exp(logit − max)`; returns (max, Σ).
    pub fn exp_row(row: &mut [f32]) -> (f32, f32) {
        let m = max(row);
        for v in row.iter_mut() {
            *v = exp(*v - m);
        }
        let r: &[f32] = row;
        (m, sum(r.len(), |i| r[i]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exact_to_two_ulp() {
        for i in -870..=880 {
            let x = i as f32 / 10.0 + 0.0137;
            if x > 88.0 {
                continue;
            }
            let (got, want) = (exp(x) as f64, (x as f64).exp());
            assert!(((got - want) / want).abs() < 2.5e-7, "exp({x}) = {got}, not {want}");
        }
        assert_eq!((exp(f32::NEG_INFINITY), exp(0.0)), (0.0, 1.0));
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn erf_is_within_five_e_minus_seven() {
        // erf by its Maclaurin series in double precision (converges fast enough for |x| ≤ 4).
        let exact = |x: f64| {
            let (mut term, mut sum) = (x, x);
            for n in 1..200 {
                term *= -x * x / n as f64;
                sum += term / (2 * n + 1) as f64;
            }
            sum * 2.0 / std::f64::consts::PI.sqrt()
        };
        for i in -400..=400 {
            let x = i as f32 / 100.0;
            let (got, want) = (erf(x) as f64, exact(x as f64));
            assert!((got - want).abs() < 5e-7, "erf({x}) = {got}, not {want}");
        }
        assert!((erf(30.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn sums_and_maxima_cover_the_remainder() {
        let x: Vec<f32> = (0..37).map(|i| i as f32).collect();
        assert_eq!(sum(37, |i| x[i]), 666.0);
        assert_eq!(max(&x), 36.0);
        assert_eq!(max(&[]), f32::NEG_INFINITY);
    }
}
