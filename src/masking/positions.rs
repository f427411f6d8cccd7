//! Which positions a fitted budget becomes (REFERENCE §3, items 5 and 6; `Block2d` is ours).

use super::budget::Budget;
use crate::modality::{Modality, Strategy};
use crate::rng::Stream;
use rand::Rng;

/// Input and target positions of one modality, ascending.
///
/// `budget` is as `fit` left it: it fits into the length, and a span's is in whole strides.
pub fn draw(modality: &Modality, budget: Budget, rng: &mut Stream) -> (Vec<u32>, Vec<u32>) {
    match modality.masking {
        Strategy::Random => random(modality.length, budget, rng),
        Strategy::Span { stride, aligned } => {
            let step = if aligned { stride.max(1) } else { 1 };
            span(modality.length, step, budget, rng)
        }
        Strategy::Block2d => block(grid(modality), budget, rng),
    }
}

/// The head of a random permutation: first the inputs, then the targets.
fn random(length: usize, budget: Budget, rng: &mut Stream) -> (Vec<u32>, Vec<u32>) {
    let mut input = choose((0..length as u32).collect(), budget.input + budget.target, rng);
    let mut target = input.split_off(budget.input.min(input.len()));
    input.sort_unstable();
    target.sort_unstable();
    (input, target)
}

/// One window from a uniformly drawn multiple of `step`: its head is input, its tail target.
fn span(length: usize, step: usize, budget: Budget, rng: &mut Stream) -> (Vec<u32>, Vec<u32>) {
    let total = budget.input + budget.target;
    let start = below(length.saturating_sub(total) / step + 1, rng) * step;
    let range = |from: usize, n: usize| (from as u32..(from + n) as u32).collect();
    (range(start, budget.input), range(start + budget.input, budget.target))
}

/// Rows and columns; anything that is no grid is one row.
fn grid(modality: &Modality) -> (usize, usize) {
    let grid = modality.grid_or_square().filter(|(rows, columns)| rows * columns == modality.length);
    grid.unwrap_or((1, modality.length))
}

/// Targets in one rectangle, inputs anywhere else.
///
/// The rectangle's aspect (rows : columns) is log-uniform in 1:3 … 3:1 and its place uniform. It is
/// the smallest of that height that holds the target budget, grown in the other direction where the
/// grid cuts it off; a random subset of its cells, as many as the budget, are the targets. Inputs
/// are a random subset of the cells outside; only when those are too few do the rectangle's unused
/// cells (less than one row or column) serve too. Both budgets are therefore always met.
fn block((rows, columns): (usize, usize), budget: Budget, rng: &mut Stream) -> (Vec<u32>, Vec<u32>) {
    let (height, width) = rectangle((rows, columns), budget.target, rng);
    let (top, left) = (below(rows - height + 1, rng), below(columns - width + 1, rng));
    let inside = |cell: &u32| {
        let (row, column) = (*cell as usize / columns, *cell as usize % columns);
        (top..top + height).contains(&row) && (left..left + width).contains(&column)
    };
    let (inner, outer): (Vec<u32>, Vec<u32>) = (0..(rows * columns) as u32).partition(inside);
    let mut target = choose(inner, usize::MAX, rng);
    let unused = target.split_off(budget.target);
    let mut input = choose(outer, budget.input, rng);
    input.extend(unused.iter().take(budget.input - input.len()));
    input.sort_unstable();
    target.sort_unstable();
    (input, target)
}

/// Height and width of a rectangle of at least `cells` cells inside the grid; (0, 0) for none.
fn rectangle((rows, columns): (usize, usize), cells: usize, rng: &mut Stream) -> (usize, usize) {
    let aspect = 3f64.powf(rng.gen_range(-1.0..=1.0));
    if cells == 0 {
        return (0, 0);
    }
    let height = ((cells as f64 * aspect).sqrt().round() as usize).clamp(1, rows);
    let width = cells.div_ceil(height).min(columns);
    (cells.div_ceil(width), width)
}

/// A random ordered choice of up to `n` of `items` (the head of a Fisher–Yates shuffle).
fn choose(mut items: Vec<u32>, n: usize, rng: &mut Stream) -> Vec<u32> {
    let n = n.min(items.len());
    for i in 0..n {
        let j = i + below(items.len() - i, rng);
        items.swap(i, j);
    }
    items.truncate(n);
    items
}

/// Uniform in `0..n`; drawn as 32 bits so that it does not depend on the machine's word.
fn below(n: usize, rng: &mut Stream) -> usize {
    rng.gen_range(0..n as u32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{stream, Purpose};
    use statrs::distribution::{ChiSquared, ContinuousCDF};

    fn rng(seed: u64) -> Stream {
        stream(seed, Purpose::Simulation, &[])
    }

    fn uniformity(counts: &[usize]) -> f64 {
        let expected = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
        let x = counts.iter().map(|c| (*c as f64 - expected).powi(2) / expected).sum();
        ChiSquared::new(counts.len() as f64 - 1.0).unwrap().sf(x)
    }

    #[test]
    fn every_position_is_chosen_alike() {
        let (mut input, mut target) = (vec![0; 10], vec![0; 10]);
        let mut rng = rng(1);
        for _ in 0..20_000 {
            let (i, t) = random(10, Budget { input: 1, target: 1 }, &mut rng);
            input[i[0] as usize] += 1;
            target[t[0] as usize] += 1;
        }
        assert!(uniformity(&input) > 0.001 && uniformity(&target) > 0.001);
    }

    #[test]
    fn a_window_starts_at_every_multiple_of_the_stride_alike() {
        let mut rng = rng(2);
        for (step, starts) in [(2, 5), (1, 9)] {
            let mut counts = vec![0; starts];
            for _ in 0..20_000 {
                let (i, t) = span(12, step, Budget { input: 2, target: 2 }, &mut rng);
                assert_eq!(t, [i[0] + 2, i[0] + 3]);
                assert_eq!(i[0] as usize % step, 0);
                counts[i[0] as usize / step] += 1;
            }
            assert!(uniformity(&counts) > 0.001, "step {step}: {counts:?}");
        }
    }

    #[test]
    fn a_window_of_everything_has_one_place() {
        let (i, t) = span(4, 2, Budget { input: 2, target: 2 }, &mut rng(3));
        assert_eq!((i, t), (vec![0, 1], vec![2, 3]));
    }

    #[test]
    fn block_targets_fill_a_rectangle() {
        let mut rng = rng(4);
        for _ in 0..2000 {
            let n = 1 + below(150, &mut rng);
            let budget = Budget { input: below(197 - n, &mut rng), target: n };
            let (input, target) = block((14, 14), budget, &mut rng);
            assert_eq!((input.len(), target.len()), (budget.input, budget.target));
            let side = |cells: Vec<u32>| cells.iter().max().unwrap() - cells.iter().min().unwrap() + 1;
            let height = side(target.iter().map(|c| c / 14).collect()) as usize;
            let width = side(target.iter().map(|c| c % 14).collect()) as usize;
            assert!(height * width < n + height.max(width), "{n} targets in {height} × {width}");
        }
    }

    #[test]
    fn block_aspects_vary_both_ways() {
        let mut rng = rng(5);
        let shapes: Vec<_> = (0..400).map(|_| rectangle((14, 14), 30, &mut rng)).collect();
        assert!(shapes.iter().all(|(h, w)| h * w >= 30 && *h <= 14 && *w <= 14));
        let tall = shapes.iter().filter(|(h, w)| h > w).count();
        assert!((120..280).contains(&tall), "{tall} of 400 are tall");
        assert_eq!(rectangle((2, 50), 100, &mut rng), (2, 50));
        assert_eq!(rectangle((14, 14), 0, &mut rng), (0, 0));
    }

    #[test]
    fn what_is_no_grid_is_one_row() {
        let m = Modality {
            name: "m".into(),
            length: 7,
            vocab: 8,
            codebooks: 1,
            grid: None,
            text: None,
            masking: Strategy::Block2d,
        };
        assert_eq!(grid(&m), (1, 7));
        let (_, target) = draw(&m, Budget { input: 2, target: 3 }, &mut rng(6));
        assert_eq!(target[2] - target[0], 2);
    }
}
