//! A step in parts is the step of the whole batch, and everything is the same for every kernel set.

use super::network::{Config, Kernels, LossWeights, Network, StepConfig, StepOutcome};
use super::open;
use crate::batch::{Batch, SampleMask};
use crate::manifest::schema::{Loss, Model, Softmax};
use crate::modality::Modality;
use crate::ops::device::places;
use crate::place::Place;
use crate::store::tensors::NamedTensor;

fn config(softmax: Softmax) -> Config {
    let modality = |(i, (length, vocab)): (usize, &(usize, usize))| -> Modality {
        ron::from_str(&format!("(name: \"m{i}\", length: {length}, vocab: {vocab})")).unwrap()
    };
    let modalities: Vec<Modality> = [(6, 7), (4, 9), (5, 5)].iter().enumerate().map(modality).collect();
    let (init_std, embedding_std, logits_std) = (0.2, 0.5, 0.3);
    let model = Model {
        dim: 8,
        enc_depth: 1,
        dec_depth: 2,
        head_dim: 4,
        softmax,
        init_std,
        embedding_std,
        logits_std,
        ..Model::default()
    };
    Config::new(&modalities, &model)
}

/// Eight samples, the last without targets; only the first two have targets of the last modality, only the fourth of the second.
fn batch() -> Batch {
    let mut batch = Batch::default();
    for i in 0..8u32 {
        let ids: Vec<Vec<u32>> = [(6, 7), (4, 9), (5, 5)]
            .map(|(n, vocab)| (0..n).map(|p| (i * 3 + p * p) % vocab).collect())
            .to_vec();
        let input = vec![(0..1 + i % 3).collect(), vec![0, 3], vec![i % 5]];
        let last = if i < 2 { vec![1, 4] } else { vec![] };
        let second = if i == 3 { vec![1, 2] } else { vec![] };
        let first = if i < 7 { vec![4, 5][..1 + i as usize % 2].to_vec() } else { vec![] };
        let mask = SampleMask { input, target: vec![first, second, last] };
        batch.push(&ids.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mask);
    }
    batch
}

const STEP: StepConfig =
    StepConfig { lr: 0.01, betas: (0.9, 0.95), eps: 1e-8, weight_decay: 0.05, clip: Some(0.5) };

/// The gradient over parts of this size.
fn gradient(net: &mut dyn Network, loss: Loss, size: usize) -> (StepOutcome, Vec<NamedTensor>) {
    let batch = batch();
    let weights = LossWeights::new(loss, net.config().modalities.len(), &batch.dec).unwrap();
    batch.parts(size).for_each(|part| net.accumulate(&part, &weights).unwrap());
    (net.reduce().unwrap(), net.gradients())
}

fn assert_close(a: &[NamedTensor], b: &[NamedTensor]) {
    for (a, b) in a.iter().zip(b) {
        let largest = b.values.iter().fold(1e-3_f32, |m, x| m.max(x.abs()));
        let far = |(x, y): (&f32, &f32)| (x - y).abs() > 1e-5 * largest;
        assert!(!a.values.iter().zip(&b.values).any(far), "{}: {:?} {:?}", a.name, a.values, b.values);
    }
}

#[test]
fn a_gradient_in_parts_is_the_gradient_of_the_batch() {
    for place in places() {
        for softmax in [Softmax::Unified, Softmax::Restricted] {
            let mut net = open(place, config(softmax), 3).unwrap();
            for loss in [Loss::PerModalityMean, Loss::TokenMean] {
                let (whole, gradients) = gradient(&mut *net, loss, 8);
                assert_eq!(whole.counts, [10, 2, 4]);
                for size in [1, 2, 3, 4, 5] {
                    let (outcome, parts) = gradient(&mut *net, loss, size);
                    assert_close(&parts, &gradients);
                    assert!((outcome.loss - whole.loss).abs() < 1e-6, "{place:?} {loss:?} {size}");
                    assert!((outcome.grad_norm / whole.grad_norm - 1.0).abs() < 1e-5);
                    assert_eq!(outcome.counts, whole.counts);
                    assert_eq!(gradient(&mut *net, loss, size).1, parts, "the same bits again");
                }
            }
        }
    }
}

#[test]
fn steps_of_both_kernel_sets_and_of_parts_agree() {
    let run = |place, size| {
        let mut net = open(place, config(Softmax::Unified), 3).unwrap();
        for _ in 0..3 {
            gradient(&mut *net, Loss::PerModalityMean, size);
            net.update(&STEP).unwrap();
        }
        assert_eq!(net.steps_taken(), 3);
        assert!(net.gradients().is_empty());
        net.parameters()
    };
    let whole = run(Place::CPU, 8);
    assert_eq!(run(Place::CPU, 9), whole);
    for (place, size) in places().into_iter().flat_map(|place| [(place, 8), (place, 3), (place, 2)]) {
        for (a, b) in run(place, size).iter().zip(&whole) {
            // A moment near 0 divides rounding by rounding: an update is at most the learning rate.
            let off = a.values.iter().zip(&b.values).filter(|(x, y)| (**x - **y).abs() > 1e-4).count();
            assert!(off * 50 <= a.values.len(), "{}: {off} of {}", a.name, a.values.len());
        }
    }
}

#[test]
fn a_batch_without_targets_has_no_gradient() {
    let mut net =
        open(Place { kernels: Kernels::Composed, ..Place::CPU }, config(Softmax::Unified), 3).unwrap();
    let batch = batch().parts(7).last().unwrap();
    let weights = LossWeights::new(Loss::PerModalityMean, 3, &batch.dec).unwrap();
    net.accumulate(&batch, &weights).unwrap();
    let outcome = net.reduce().unwrap();
    assert_eq!((outcome.loss, outcome.grad_norm, outcome.counts), (0.0, 0.0, vec![0; 3]));
    assert!(net.gradients().iter().all(|g| g.values.iter().all(|x| *x == 0.0)));
}

/// Four processes with two parts each, of which one has no target, would get the bits of a single one.
#[test]
fn aligned_parts_are_subtrees() {
    for place in places() {
        let mut net = open(place, config(Softmax::Unified), 3).unwrap();
        let weights = LossWeights::new(Loss::PerModalityMean, 3, &batch().dec).unwrap();
        let mut parts: Vec<Batch> = batch().parts(1).collect();
        parts.swap(1, 7);
        assert!(parts[1].dec.is_empty());
        let mut sum_of = |parts: &[Batch]| -> Vec<f32> {
            parts.iter().for_each(|part| net.accumulate(part, &weights).unwrap());
            net.reduce().unwrap();
            net.gradients().into_iter().flat_map(|g| g.values).collect()
        };
        let add = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
        let blocks: Vec<Vec<f32>> = parts.chunks(2).map(&mut sum_of).collect();
        let tree = add(&add(&blocks[0], &blocks[1]), &add(&blocks[2], &blocks[3]));
        assert_eq!(sum_of(&parts), tree, "{place:?}");
    }
}

#[test]
fn a_fault_and_a_discard_leave_nothing_of_the_gradient() {
    for place in places() {
        let mut net = open(place, config(Softmax::Unified), 3).unwrap();
        let expected = gradient(&mut *net, Loss::TokenMean, 3);
        net.discard();
        assert!(net.gradients().is_empty());
        let weights = LossWeights::new(Loss::TokenMean, 3, &batch().dec).unwrap();
        let parts: Vec<Batch> = batch().parts(3).collect();
        let mut bad = parts[1].clone();
        bad.dec.ids[0] = 1000;
        net.accumulate(&parts[0], &weights).unwrap();
        assert!(net.accumulate(&bad, &weights).is_err());
        assert_eq!(gradient(&mut *net, Loss::TokenMean, 3), expected);
        net.accumulate(&parts[0], &weights).unwrap();
        net.discard();
        assert_eq!(gradient(&mut *net, Loss::TokenMean, 3), expected);
    }
}

#[test]
fn every_network_of_the_cpu_may_be_shared() {
    for place in places() {
        let net = open(place, config(Softmax::Unified), 3).unwrap();
        assert!(net.shared().is_some());
    }
}
