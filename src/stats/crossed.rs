//! A paired difference seen with several seeds on the same clips: does it hold for other seeds *and*
//! other clips?
//!
//! The table `d[seed][clip]` has a seed part, a clip part and noise. With the mean squares of a
//! two-way layout, `(MS_seed + MS_clip) / (k · n)` is the variance of the grand mean, never too
//! small (the noise counts twice). Each part has its own degrees of freedom, so the critical value
//! is `√(t²(k−1) · MS_seed + t²(n−1) · MS_clip) / √(k · n)` (Howe, JASA 69 (1974)): Student's test
//! over seeds where they dominate, over clips where they do. One t with Satterthwaite's degrees of
//! freedom rejects a true null in 10 % of cases with two seeds. Testing clips alone would take two
//! seeds of one recipe for two recipes.

use super::estimate::{all_equal, check_level, enough, Alternative, Estimable, NotEstimable};
use super::proportion::normal_quantile;
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT};

/// Points at which the unknown spread between seeds is averaged over.
const POINTS: usize = 64;
/// Steps to a p-value on the logarithmic scale: nine digits.
const HALVINGS: usize = 40;

/// Mean and mean squares of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    pub mean: f64,
    pub seeds: usize,
    pub clips: usize,
    squares: Squares,
}

/// Mean squares of seeds, clips and the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Squares {
    seed: f64,
    clip: f64,
    rest: f64,
}

/// Standard deviations of the parts of a paired difference, in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Of a seed's mean difference.
    pub seed: f64,
    /// Of a clip's.
    pub clip: f64,
    /// Of what is neither.
    pub noise: f64,
}

/// Fits `d[seed][clip]`.
///
/// # Errors
/// Fewer than two seeds or clips, a ragged table, values that are not finite or all equal.
pub fn fit(d: &[Vec<f64>]) -> Estimable<Fit> {
    let (k, n) = (d.len(), d.first().map_or(0, Vec::len));
    if d.iter().any(|row| row.len() != n) {
        return Err(NotEstimable::Unpaired);
    }
    if d.iter().flatten().any(|x| !x.is_finite()) {
        return Err(NotEstimable::NotFinite);
    }
    match (k, n) {
        (0, _) | (_, 0) => return Err(NotEstimable::NoData),
        (1, _) | (_, 1) => return Err(NotEstimable::OneUnit),
        _ if all_equal(d.iter().flatten().copied()) => return Err(NotEstimable::NoSpread),
        _ => {}
    }
    let mean = |x: &mut dyn Iterator<Item = f64>, count: usize| x.sum::<f64>() / count as f64;
    let rows: Vec<f64> = d.iter().map(|row| mean(&mut row.iter().copied(), n)).collect();
    let columns: Vec<f64> = (0..n).map(|c| mean(&mut d.iter().map(|row| row[c]), k)).collect();
    let grand = mean(&mut rows.iter().copied(), k);
    let about = |x: &[f64]| x.iter().map(|x| (x - grand).powi(2)).sum::<f64>();
    let rest = d
        .iter()
        .zip(&rows)
        .flat_map(|(row, r)| row.iter().zip(&columns).map(move |(x, c)| (x - r - c + grand).powi(2)));
    let (free_k, free_n) = ((k - 1) as f64, (n - 1) as f64);
    let squares = Squares {
        seed: n as f64 * about(&rows) / free_k,
        clip: k as f64 * about(&columns) / free_n,
        rest: rest.sum::<f64>() / (free_k * free_n),
    };
    // Noise that cancels to the last bit in every row and column says nothing of the mean.
    if squares.seed + squares.clip <= 1e-12 * squares.rest {
        return Err(NotEstimable::NoSpread);
    }
    Ok(Fit { mean: grand, seeds: k, clips: n, squares })
}

impl Fit {
    /// p-value of the mean against `margin`.
    pub fn p(&self, margin: f64, alternative: Alternative) -> f64 {
        let distance = self.mean - margin;
        let two_sided = self.two_sided(distance.abs());
        let (towards, away) = (two_sided / 2.0, 1.0 - two_sided / 2.0);
        match alternative {
            Alternative::TwoSided => two_sided,
            Alternative::Greater if distance > 0.0 => towards,
            Alternative::Less if distance < 0.0 => towards,
            Alternative::Greater | Alternative::Less => away,
        }
    }

    /// The significance whose critical value is `distance`.
    fn two_sided(&self, distance: f64) -> f64 {
        let (mut low, mut high) = (f64::MIN_POSITIVE.ln(), 0.0);
        for _ in 0..HALVINGS {
            let middle: f64 = 0.5 * (low + high);
            if self.squares.critical(self.seeds, self.clips, middle.exp()) > distance {
                low = middle;
            } else {
                high = middle;
            }
        }
        high.exp()
    }

    /// The parts of the spread, by the method of moments; what comes out negative is 0.
    pub fn spread(&self) -> Spread {
        let Squares { seed, clip, rest } = self.squares;
        Spread {
            seed: ((seed - rest).max(0.0) / self.clips as f64).sqrt(),
            clip: ((clip - rest).max(0.0) / self.seeds as f64).sqrt(),
            noise: rest.sqrt(),
        }
    }
}

impl Squares {
    /// Critical value of the grand mean's distance at the two-sided significance `alpha`.
    fn critical(&self, seeds: usize, clips: usize, alpha: f64) -> f64 {
        let sum = t(seeds, alpha).powi(2) * self.seed + t(clips, alpha).powi(2) * self.clip;
        (sum / (seeds * clips) as f64).sqrt()
    }
}

/// Student's two-sided critical value for `units` units.
fn t(units: usize, alpha: f64) -> f64 {
    let t = StudentsT::new(0.0, 1.0, (units - 1) as f64).expect("at least one degree of freedom");
    // The lower tail keeps its digits where `1 − alpha / 2` would be 1.
    -t.inverse_cdf(alpha / 2.0)
}

impl Spread {
    /// Probability that the two-sided test at `alpha` finds a true difference of `effect`. With one
    /// seed there is only the test over clips, which knows nothing of other seeds.
    pub fn power(&self, seeds: usize, clips: usize, effect: f64, alpha: f64) -> Estimable<f64> {
        Ok(Forecast::new(self, seeds, clips, alpha)?.power(effect))
    }

    /// Smallest true difference that is found with probability `power`.
    ///
    /// # Errors
    /// As [`Spread::power`], and below [`FEWEST`](super::FEWEST) clips.
    pub fn detectable(&self, seeds: usize, clips: usize, alpha: f64, power: f64) -> Estimable<f64> {
        check_level(power)?;
        let forecast = Forecast::new(self, seeds, clips, alpha)?;
        enough(clips)?;
        let (mut low, mut high) = (0.0, forecast.deviation);
        while forecast.power(high) < power {
            high *= 2.0;
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if forecast.power(middle) < power {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(high)
    }
}

/// What the test will call significant, over the spreads between seeds that may be seen.
struct Forecast {
    /// Standard deviation of the mean difference.
    deviation: f64,
    /// Equally likely values of (critical t × standard error).
    thresholds: Vec<f64>,
}

impl Forecast {
    fn new(spread: &Spread, seeds: usize, clips: usize, alpha: f64) -> Estimable<Forecast> {
        check_level(alpha)?;
        let [seed, clip, noise] = [spread.seed, spread.clip, spread.noise].map(|s| s * s);
        let (k, n) = (seeds as f64, clips as f64);
        match (seeds, clips) {
            (0, _) | (_, 0) => return Err(NotEstimable::NoData),
            (_, 1) => return Err(NotEstimable::OneUnit),
            _ if !(seed + clip + noise).is_finite() => return Err(NotEstimable::NotFinite),
            _ if clip + noise <= 0.0 && (seeds == 1 || seed <= 0.0) => return Err(NotEstimable::NoSpread),
            _ => {}
        }
        if seeds == 1 {
            let deviation = ((clip + noise) / n).sqrt();
            let threshold = normal_quantile(1.0 - alpha / 2.0) * deviation;
            return Ok(Forecast { deviation, thresholds: vec![threshold] });
        }
        let chi = ChiSquared::new(k - 1.0).map_err(|_| NotEstimable::NotFinite)?;
        let (of_seeds, of_clips) = (t(seeds, alpha).powi(2), t(clips, alpha).powi(2));
        let threshold = |i: usize| {
            let drawn = chi.inverse_cdf((i as f64 + 0.5) / POINTS as f64) / (k - 1.0);
            ((of_seeds * drawn * (n * seed + noise) + of_clips * (k * clip + noise)) / (k * n)).sqrt()
        };
        let deviation = (seed / k + clip / n + noise / (k * n)).sqrt();
        Ok(Forecast { deviation, thresholds: (0..POINTS).map(threshold).collect() })
    }

    fn power(&self, effect: f64) -> f64 {
        let beyond = |t: &f64| {
            let above = |x: f64| Normal::standard().cdf(x / self.deviation);
            above(effect - t) + above(-effect - t)
        };
        self.thresholds.iter().map(beyond).sum::<f64>() / self.thresholds.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::FEWEST;

    /// Two seeds, three clips: 1 2 3 / 3 4 8. Rows 2 and 5, columns 2, 3, 5.5, grand mean 3.5.
    #[test]
    fn by_hand() {
        let f = fit(&[vec![1.0, 2.0, 3.0], vec![3.0, 4.0, 8.0]]).unwrap();
        assert_eq!((f.mean, f.seeds, f.clips), (3.5, 2, 3));
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(f.squares.seed, 3.0 * 4.5);
        close(f.squares.clip, 6.5);
        close(f.squares.rest, 1.5);
        // Closed forms of Student's quantiles with one and two degrees of freedom, solved for p:
        // 2.25 tan²(π(1−p)/2) + 13/12 · 2(1−p)²/(1−(1−p)²) = 3.5².
        let p = f.p(0.0, Alternative::TwoSided);
        assert!((p - 0.282560693).abs() < 1e-8, "{p}");
        close(p / 2.0, f.p(0.0, Alternative::Greater));
        close(1.0 - p / 2.0, f.p(0.0, Alternative::Less));
        assert!(f.p(3.5, Alternative::TwoSided) > 0.999);
        let s = f.spread();
        close(s.seed, 2.0);
        close(s.noise, 1.5f64.sqrt());
    }

    #[test]
    fn degenerate() {
        assert_eq!(fit(&[]), Err(NotEstimable::NoData));
        assert_eq!(fit(&[vec![1.0, 2.0]]), Err(NotEstimable::OneUnit));
        assert_eq!(fit(&[vec![1.0], vec![2.0]]), Err(NotEstimable::OneUnit));
        assert_eq!(fit(&[vec![1.0, 1.0], vec![1.0, 1.0]]), Err(NotEstimable::NoSpread));
        assert_eq!(fit(&[vec![1.0, -1.0], vec![-1.0, 1.0]]), Err(NotEstimable::NoSpread));
        assert_eq!(fit(&[vec![1.0, 2.0], vec![1.0]]), Err(NotEstimable::Unpaired));
        assert_eq!(fit(&[vec![1.0, f64::NAN], vec![1.0, 2.0]]), Err(NotEstimable::NotFinite));
        let none = Spread { seed: 0.0, clip: 0.0, noise: 0.0 };
        assert_eq!(none.power(3, 10, 1.0, 0.05), Err(NotEstimable::NoSpread));
        assert_eq!(none.detectable(0, 10, 0.05, 0.8), Err(NotEstimable::NoData));
        let some = Spread { seed: 0.1, clip: 0.2, noise: 0.3 };
        let of = |clips| some.detectable(3, clips, 0.05, 0.8);
        assert_eq!((of(FEWEST - 1), of(FEWEST).is_ok()), (Err(NotEstimable::TooFew), true));
    }

    /// What is detectable shrinks with clips and with seeds, and has just the power asked for.
    #[test]
    fn detectable_effects() {
        let s = Spread { seed: 0.01, clip: 0.2, noise: 0.3 };
        let all: Vec<f64> = [(1, 100), (3, 100), (3, 1000), (10, 1000)]
            .map(|(k, n)| s.detectable(k, n, 0.05, 0.8).unwrap())
            .to_vec();
        assert!(all[1] > all[2] && all[2] > all[3], "{all:?}");
        for (k, n) in [(1, 100), (2, 50), (5, 938)] {
            let effect = s.detectable(k, n, 0.05, 0.8).unwrap();
            assert!((s.power(k, n, effect, 0.05).unwrap() - 0.8).abs() < 1e-9);
        }
    }
}
