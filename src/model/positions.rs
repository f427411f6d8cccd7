//! The fixed position table (REFERENCE §1), digit by digit as the published code makes it.
//!
//! There every operation is one of float32, and a frequency that differs in its last bit is another angle at
//! position 2,000 by 1e-4. So the order of the operations is kept here, and with it the power function of
//! PyTorch's vectors, which is not always the nearest float32. Sine and cosine may round differently: by 6e-8.

use crate::architecture::Config;

/// Lanes of PyTorch's loop: so many powers come from its vector function, the rest from the C library.
const BLOCK: usize = 32;

/// By how much of itself an angle may differ between programs: eight units in the last place.
const OF_AN_ANGLE: f32 = 8.0 * f32::EPSILON;

/// The table `[positions, dim]`: row n = [sin(n·ω) ‖ cos(n·ω)], ω_d = 1 / 10000^(d / (dim/2)).
pub fn positions(config: &Config) -> Vec<f32> {
    let rows = config.modalities.iter().map(|m| m.length).max().unwrap_or(0);
    let omega = frequencies(config.dim / 2);
    let mut table = Vec::with_capacity(rows * config.dim);
    for n in 0..rows {
        let angle = |omega: &f32| f64::from(n as f32 * omega);
        table.extend(omega.iter().map(|omega| angle(omega).sin() as f32));
        table.extend(omega.iter().map(|omega| angle(omega).cos() as f32));
    }
    table
}

/// Whether `values` are this table of `config`, as any program may have rounded it: angles may be off by a few
/// roundings of ω, values by `precision` of themselves. Otherwise the first place that differs: row and column.
pub fn is_table(config: &Config, values: &[f32], precision: f32) -> Result<(), (usize, usize)> {
    let omega = frequencies(config.dim / 2);
    let own = positions(config);
    let differs = |i: &usize| {
        let (row, column) = (i / config.dim, i % config.dim);
        let angle = row as f32 * omega[column % omega.len()];
        // Written so that NaN differs.
        let allowed = 1e-6 + angle * OF_AN_ANGLE + own[*i].abs() * precision;
        let within = (values[*i] - own[*i]).abs() <= allowed;
        !within
    };
    match (0..own.len()).find(differs) {
        Some(i) => Err((i / config.dim, i % config.dim)),
        None => Ok(()),
    }
}

/// ω, `[half]`.
fn frequencies(half: usize) -> Vec<f32> {
    let vectors = half / BLOCK * BLOCK;
    let power = |d: usize| {
        let exponent = d as f32 / half as f32;
        if d < vectors {
            power_of_10000(exponent)
        } else {
            10000_f32.powf(exponent)
        }
    };
    (0..half).map(|d| 1.0 / power(d)).collect()
}

/// An unevaluated sum of two float32, the larger first.
type Pair = (f32, f32);

/// ln 10000, as that power function's logarithm gives it: 8e-14 more than the nearest pair.
const LN_10000: Pair = (9.210_340_5, -1.279_019e-7);

/// ln 2 in two parts; products of the first with the exponents here are exact.
const LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];

/// Coefficients of (eˢ − 1 − s) / s² on |s| ≤ ln 2 / 2, highest power first.
const EXP: [f32; 5] = [0.001_363_246_5, 0.008_365_969, 0.041_671_082, 0.166_665_52, 0.499_999_85];

/// 10000ʸ for 0 ≤ y < 1, within one unit in the last place: y · ln 10000 and its exponential in pairs of
/// float32 with fused multiply-adds, so the same bits on every machine.
fn power_of_10000(y: f32) -> f32 {
    let product = times(LN_10000, y);
    let doublings = ((product.0 + product.1) * std::f32::consts::LOG2_E).round_ties_even();
    let rest = LN_2.iter().fold(product, |rest, part| plus(rest, doublings * -part));
    let s = sum(rest.0, rest.1);
    let polynomial = EXP.iter().copied().reduce(|p, c| p.mul_add(s.0, c)).unwrap_or_default();
    let square = (s.0 * s.0, (s.0 + s.0).mul_add(s.1, s.0.mul_add(s.0, -(s.0 * s.0))));
    let tail = times(square, polynomial);
    let (high, low) = sum(s.0, tail.0);
    let (whole, carried) = sum(1.0, high);
    (whole + (carried + (low + s.1 + tail.1))) * 2_f32.powi(doublings as i32)
}

/// `a · b`.
fn times(a: Pair, b: f32) -> Pair {
    let product = a.0 * b;
    (product, a.1.mul_add(b, a.0.mul_add(b, -product)))
}

/// `a + b`, whichever is larger.
fn plus(a: Pair, b: f32) -> Pair {
    let sum = a.0 + b;
    let of_b = sum - a.0;
    (sum, (a.0 - (sum - of_b)) + (b - of_b) + a.1)
}

/// `a + b` where a is the larger.
fn sum(a: f32, b: f32) -> Pair {
    let sum = a + b;
    (sum, a - sum + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(dim: usize, length: usize) -> Config {
        let modality = ron::from_str(&format!("(name: \"m\", length: {length}, vocab: 2)")).unwrap();
        let model = crate::manifest::schema::Model { dim, ..Default::default() };
        Config::new(&[modality], &model)
    }

    /// With sums of float64, as earlier versions of this program made it, and with the nearest powers.
    #[test]
    fn a_table_rounded_otherwise_is_the_table_and_another_one_is_not() {
        let config = config(200, 1024);
        let table = positions(&config);
        let rounded = |angle: &dyn Fn(usize, usize) -> f64| -> Vec<f32> {
            let row = |n: usize| (0..200).map(move |d| (n, d));
            let value = |(n, d): (usize, usize)| {
                let angle = angle(n, d % 100);
                (if d < 100 { angle.sin() } else { angle.cos() }) as f32
            };
            (0..1024).flat_map(row).map(value).collect()
        };
        let exact = rounded(&|n, d| n as f64 * 10000_f64.powf(-(d as f64) / 100.0));
        let nearest = rounded(&|n, d| {
            let power = 10000_f64.powf(f64::from(d as f32 / 100.0)) as f32;
            f64::from(n as f32 * (1.0 / power))
        });
        for other in [&exact, &nearest] {
            assert_ne!(&table, other);
            assert_eq!(is_table(&config, other, 0.0), Ok(()));
        }
        for (at, change) in [(5 * 200 + 3, 1e-4), (1023 * 200, 0.01), (0, f32::NAN), (100, -1.0)] {
            let mut other = table.clone();
            other[at] += change;
            assert_eq!(is_table(&config, &other, 0.0), Err((at / 200, at % 200)));
        }
        let other = rounded(&|n, d| n as f64 * 1000_f64.powf(-(d as f64) / 100.0));
        assert!(is_table(&config, &other, 0.0).is_err());
        assert!(is_table(&config, &vec![0.0; table.len()], 0.0).is_err());
    }

    #[test]
    fn powers_are_within_one_unit_in_the_last_place() {
        let units = |a: f32, b: f32| a.to_bits().abs_diff(b.to_bits());
        let mut off = 0;
        for i in 0..100_000 {
            let y = i as f32 / 100_000.0;
            let exact = 10000_f64.powf(f64::from(y)) as f32;
            assert!(units(power_of_10000(y), exact) <= 1, "{y}");
            off += units(power_of_10000(y), exact);
        }
        assert!((1_000..3_000).contains(&off), "{off} are not the nearest, of PyTorch's 1.8 %");
        assert_eq!((power_of_10000(0.0), power_of_10000(0.5)), (1.0, 100.0));
    }
}
