//! One test of an operation, for every kernel set on every device that opens: gradients against
//! central differences, and outputs and gradients against those of [`Composed`] on the CPU.

use super::backend::{Backend, Composed, Mat};
use super::OpSet;
use crate::ops::device::{self, OnDevice};
use crate::rng::{stream, Purpose};
use dfdx::prelude::*;
use rand_distr::{Distribution, StandardNormal};
use std::marker::PhantomData;

/// A matrix of standard normal numbers, a function of `seed`.
pub fn random<D: Backend>(dev: &D, rows: usize, cols: usize, seed: u64) -> Mat<D> {
    let mut s = stream(seed, Purpose::Simulation, &[]);
    let values = (0..rows * cols).map(|_| StandardNormal.sample(&mut s)).collect::<Vec<f32>>();
    dev.tensor_from_vec(values, (rows, cols))
}

pub type Tensors = Vec<Vec<f32>>;

/// Something computed with a kernel set of whichever device, from random matrices of these shapes.
pub trait Case {
    const INPUTS: &'static [(usize, usize)];
    /// Relative to the largest number of a tensor.
    const TOLERANCE: f32;
    /// What is compared between kernel sets.
    fn results<D: Backend, O: OpSet<D>>(inputs: &[Mat<D>]) -> Result<Tensors, D::Err>;
}

/// A differentiable operation.
pub trait Operation: Case {
    fn apply<D: Backend, O: OpSet<D>>(tape: &mut OwnedTape<f32, D>, x: &[Mat<D>]) -> Result<Mat<D>, D::Err>;
}

/// `op_test!(name, [shapes of the inputs], tolerance, |O, tape, x| output)`: gradients and parity.
/// `op_test!(gradients of name, …)`: their parity, where differences would take too long.
/// `op_test!(parity of name, …, |O, x| results)`: parity alone.
macro_rules! op_test {
    (parity of $name:ident, $shapes:expr, $tolerance:expr, |$ops:ident, $x:ident| $body:expr) => {
        #[test]
        fn $name() {
            use crate::ops::{backend::*, testing::*, OpSet};
            #[allow(unused_imports)]
            use dfdx::prelude::*;
            struct This;
            impl Case for This {
                const INPUTS: &'static [(usize, usize)] = &$shapes;
                const TOLERANCE: f32 = $tolerance;
                fn results<D: Backend, $ops: OpSet<D>>($x: &[Mat<D>]) -> Result<Tensors, D::Err> {
                    $body
                }
            }
            parity::<This>();
        }
    };
    (gradients of $name:ident, $shapes:expr, $tolerance:expr, |$ops:ident, $tape:ident, $x:ident| $body:expr) => {
        #[test]
        fn $name() {
            op_test!(operation This, $shapes, $tolerance, |$ops, $tape, $x| $body);
            parity::<This>();
        }
    };
    ($name:ident, $shapes:expr, $tolerance:expr, |$ops:ident, $tape:ident, $x:ident| $body:expr) => {
        #[test]
        fn $name() {
            op_test!(operation This, $shapes, $tolerance, |$ops, $tape, $x| $body);
            differences::<This>();
            parity::<This>();
        }
    };
    (operation $this:ident, $shapes:expr, $tolerance:expr, |$ops:ident, $tape:ident, $x:ident| $body:expr) => {
        use crate::ops::{backend::*, testing::*, OpSet};
        #[allow(unused_imports)]
        use dfdx::prelude::*;
        struct $this;
        impl Case for $this {
            const INPUTS: &'static [(usize, usize)] = &$shapes;
            const TOLERANCE: f32 = $tolerance;
            fn results<D: Backend, O: OpSet<D>>(x: &[Mat<D>]) -> Result<Tensors, D::Err> {
                gradients::<$this, D, O>(x)
            }
        }
        impl Operation for $this {
            fn apply<D: Backend, $ops: OpSet<D>>(
                $tape: &mut OwnedTape<f32, D>,
                $x: &[Mat<D>],
            ) -> Result<Mat<D>, D::Err> {
                $body
            }
        }
    };
}
pub(crate) use op_test;

/// Output and gradients of all inputs under the loss `Σ c_i out_i` with fixed, uneven `c`.
pub fn gradients<C: Operation, D: Backend, O: OpSet<D>>(inputs: &[Mat<D>]) -> Result<Tensors, D::Err> {
    let mut tape = OwnedTape::default();
    let out = C::apply::<D, O>(&mut tape, inputs)?;
    let weights = random(out.device(), out.shape().0, out.shape().1, 777);
    let loss = out.clone().put_tape(tape).try_mul(weights)?.try_sum::<Rank0, _>()?;
    let mut grads = loss.try_backward()?;
    let mut all = vec![out.as_vec()];
    for x in inputs {
        grads.try_alloc_for(x)?;
        all.push(grads.get(x).as_vec());
    }
    Ok(all)
}

fn inputs<C: Case, D: Backend>(dev: &D) -> Vec<Mat<D>> {
    let matrix = |(i, &(rows, cols)): (usize, &(usize, usize))| random(dev, rows, cols, i as u64 + 1);
    C::INPUTS.iter().enumerate().map(matrix).collect()
}

/// The work of comparing a kernel set with the reference, on a device.
struct Parity<C>(PhantomData<C>);

impl<C: Case> OnDevice for Parity<C> {
    type Output = Tensors;

    fn cpu<O: OpSet<Cpu>>(self, dev: Cpu) -> Tensors {
        C::results::<Cpu, O>(&inputs::<C, Cpu>(&dev)).unwrap()
    }

    fn other<D: Backend, O: OpSet<D>>(self, dev: D) -> Tensors {
        C::results::<D, O>(&inputs::<C, D>(&dev)).unwrap()
    }
}

/// Holds every kernel set of every device to [`Composed`] on the CPU.
pub fn parity<C: Case>() {
    let reference = C::results::<Cpu, Composed>(&inputs::<C, Cpu>(&Cpu::default())).unwrap();
    for place in device::places() {
        println!("{place:?}");
        let found = device::on(place, Parity::<C>(PhantomData)).unwrap();
        assert_close(&found, &reference, C::TOLERANCE);
    }
}

/// Holds the gradients of [`Composed`] to central differences.
pub fn differences<C: Operation>() {
    let dev = Cpu::default();
    let inputs = inputs::<C, Cpu>(&dev);
    let loss = |inputs: &[Mat<Cpu>]| {
        let out = C::apply::<Cpu, Composed>(&mut OwnedTape::default(), inputs).unwrap();
        let w = random(&dev, out.shape().0, out.shape().1, 777);
        out.as_vec().iter().zip(w.as_vec()).map(|(a, b)| *a as f64 * b as f64).sum::<f64>()
    };
    let analytic = gradients::<C, Cpu, Composed>(&inputs).unwrap();
    for (i, x) in inputs.iter().enumerate() {
        let numel = x.as_vec().len();
        let scale = analytic[i + 1].iter().fold(0.1_f32, |m, g| m.max(g.abs()));
        for j in (0..numel).step_by(1 + numel / 40) {
            let h = 1e-2;
            let moved = |by: f32| {
                let mut values = x.as_vec();
                values[j] += by;
                let mut all = inputs.to_vec();
                all[i] = dev.tensor_from_vec(values, *x.shape());
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
