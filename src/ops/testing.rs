//! Finite differences and parity for operations on the CPU.

use super::cpu::data;
use super::Mat;
use crate::rng::{stream, Purpose};
use dfdx::prelude::*;
use rand_distr::{Distribution, StandardNormal};

/// A matrix of standard normal numbers, a function of `seed`.
pub fn random(dev: &Cpu, rows: usize, cols: usize, seed: u64) -> Mat<Cpu> {
    let mut s = stream(seed, Purpose::Simulation, &[]);
    let values = (0..rows * cols).map(|_| StandardNormal.sample(&mut s)).collect::<Vec<f32>>();
    dev.tensor_from_vec(values, (rows, cols))
}

type Owned = OwnedTape<f32, Cpu>;

/// Output and gradients of all inputs under the loss `Σ c_i out_i` with fixed, uneven `c`.
pub fn run(
    inputs: &[Mat<Cpu>],
    op: impl Fn(&mut Owned, &[Mat<Cpu>]) -> Result<Mat<Cpu>, CpuError>,
) -> Vec<Vec<f32>> {
    let mut tape = Owned::default();
    let out = op(&mut tape, inputs).unwrap();
    let weights = random(out.device(), out.shape().0, out.shape().1, 777);
    let loss = out.clone().put_tape(tape).try_mul(weights).unwrap().sum::<Rank0, _>();
    let mut grads = loss.backward();
    let mut all = vec![data(&out).to_vec()];
    for x in inputs {
        let g: &Vec<f32> = grads.get_or_alloc_mut(x).unwrap();
        all.push(g.clone());
    }
    all
}

/// Holds the gradient of every input to central differences.
pub fn check(inputs: &[Mat<Cpu>], op: impl Fn(&mut Owned, &[Mat<Cpu>]) -> Result<Mat<Cpu>, CpuError>) {
    let loss = |inputs: &[Mat<Cpu>]| {
        let out = op(&mut Owned::default(), inputs).unwrap();
        let w = random(out.device(), out.shape().0, out.shape().1, 777);
        data(&out).iter().zip(data(&w)).map(|(a, b)| *a as f64 * *b as f64).sum::<f64>()
    };
    let analytic = run(inputs, &op);
    for (i, x) in inputs.iter().enumerate() {
        let numel = data(x).len();
        let scale = analytic[i + 1].iter().fold(0.1_f32, |m, g| m.max(g.abs()));
        for j in (0..numel).step_by(1 + numel / 40) {
            let h = 1e-2;
            let moved = |by: f32| {
                let mut values = data(x).to_vec();
                values[j] += by;
                let mut all = inputs.to_vec();
                all[i] = x.device().tensor_from_vec(values, *x.shape());
                loss(&all)
            };
            let numeric =
                (8.0 * (moved(h) - moved(-h)) - (moved(2.0 * h) - moved(-2.0 * h))) / (12.0 * h as f64);
            let error = (numeric - analytic[i + 1][j] as f64).abs();
            assert!(
                error < 2e-3 * scale as f64,
                "input {i} element {j}: numeric {numeric}, analytic {}",
                analytic[i + 1][j]
            );
        }
    }
}

/// All numbers within `tolerance` of the largest number of their tensor.
pub fn assert_close(a: &[Vec<f32>], b: &[Vec<f32>], tolerance: f32) {
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let scale = a.iter().fold(1e-3_f32, |m, x| m.max(x.abs()));
        assert_eq!(a.len(), b.len());
        for (j, (x, y)) in a.iter().zip(b).enumerate() {
            assert!(
                (x - y).abs() <= tolerance * scale,
                "tensor {i} element {j}: {x} against {y} (scale {scale})"
            );
        }
    }
}
