//! All parameters in one launch each: squares, norm and factor, update. Nothing is read back before all is under way.

use super::{AdamW, Optimizer, Stepped};
use crate::ops::backend::{CudaKernels, Mat, RowLosses};
use crate::ops::cuda::launch::{launch, Argument};
use crate::ops::cuda::memory::{of, Address, Scratch};
use crate::ops::cuda::{Context, List, Plain};
use dfdx::prelude::*;

/// Numbers of a chunk, as in `kernels.cu`.
const CHUNK: usize = 16384;
/// Threads of a block that goes over a chunk.
const THREADS: u32 = 512;

/// As in `kernels.cu`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Chunk {
    tensor: u32,
    count: u32,
    first: u64,
}

impl Plain for Chunk {}

/// As in `kernels.cu`.
#[repr(C)]
struct Step {
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    rate: f32,
    correction: f32,
}

impl Argument for Step {}

/// The numbers of all tensors in chunks.
struct Chunks {
    list: List,
    count: u32,
}

impl Chunks {
    fn new(context: &Context, tensors: &[Mat<Cuda>]) -> Result<Chunks, CudaError> {
        let mut chunks = Vec::new();
        for (tensor, t) in tensors.iter().enumerate() {
            let numel = t.shape().num_elements();
            chunks.extend((0..numel).step_by(CHUNK).map(|first| Chunk {
                tensor: tensor as u32,
                count: CHUNK.min(numel - first) as u32,
                first: first as u64,
            }));
        }
        Ok(Chunks { count: chunks.len() as u32, list: context.upload(&chunks)? })
    }
}

/// Addresses of tensors, on the device.
fn table<'a>(context: &Context, tensors: impl Iterator<Item = &'a Mat<Cuda>>) -> Result<List, CudaError> {
    Ok(context.upload(&tensors.map(of).collect::<Vec<Address>>())?)
}

/// `[norm, factor, 1 if finite]` in double precision.
fn norm(
    context: &Context,
    grads: &List,
    chunks: &Chunks,
    losses: Address,
    clip: Option<f64>,
) -> Result<Scratch<f64>, CudaError> {
    let squares = context.scratch::<f64>(chunks.count as usize)?;
    launch!(context, "optimizer_squares", (chunks.count, 1, 1), THREADS, 0; squares.at(), grads.at(), chunks.list.at())?;
    let norm = context.scratch::<f64>(3)?;
    launch!(context, "optimizer_norm", (1, 1, 1), 1024, 0;
        norm.at(), squares.at(), chunks.count, losses, clip.unwrap_or(-1.0))?;
    Ok(norm)
}

/// The update, with the factor and the consent that `norm` holds.
fn update(
    context: &Context,
    params: &[Mat<Cuda>],
    moments: &[(Mat<Cuda>, Mat<Cuda>)],
    (grads, chunks): (&List, &Chunks),
    weight_decays: &[f64],
    hyper: &AdamW,
    norm: Address,
) -> Result<(), CudaError> {
    let (first, second) = (moments.iter().map(|(m, _)| m), moments.iter().map(|(_, v)| v));
    let (params, first, second) =
        (table(context, params.iter())?, table(context, first)?, table(context, second)?);
    let keeps: Vec<f32> = weight_decays.iter().map(|decay| (1.0 - hyper.lr * decay) as f32).collect();
    let keeps = context.upload(&keeps)?;
    let (rate, correction) = hyper.corrections();
    let (beta1, beta2, epsilon) = (hyper.betas.0 as f32, hyper.betas.1 as f32, hyper.eps as f32);
    launch!(context, "optimizer_adamw", (chunks.count, 1, 1), THREADS, 0;
        params.at(), first.at(), second.at(), grads.at(), chunks.list.at(), keeps.at(), norm,
        Step { beta1, beta2, epsilon, rate, correction })?;
    Ok(())
}

/// Double-precision numbers out of the halves they were read as.
fn doubles(halves: &[f32]) -> Vec<f64> {
    let double = |pair: &[f32]| u64::from(pair[0].to_bits()) | u64::from(pair[1].to_bits()) << 32;
    halves.chunks_exact(2).map(|pair| f64::from_bits(double(pair))).collect()
}

impl Optimizer<Cuda> for CudaKernels {
    fn take_grads(
        mut grads: Gradients<f32, Cuda>,
        params: &[Mat<Cuda>],
    ) -> Result<Vec<Mat<Cuda>>, CudaError> {
        params.iter().map(|p| super::composed::take_grad(&mut grads, p)).collect()
    }

    fn add_grads(sum: &mut [Mat<Cuda>], part: Vec<Mat<Cuda>>) -> Result<(), CudaError> {
        let Some(first) = sum.first() else { return Ok(()) };
        let context = Context::of(first);
        let (sums, parts) = (table(&context, sum.iter())?, table(&context, part.iter())?);
        let chunks = Chunks::new(&context, sum)?;
        launch!(&context, "optimizer_add", (chunks.count, 1, 1), THREADS, 0;
            sums.at(), parts.at(), chunks.list.at())?;
        Ok(())
    }

    fn grad_norm(grads: &[Mat<Cuda>]) -> Result<f64, CudaError> {
        let Some(first) = grads.first() else { return Ok(0.0) };
        let context = Context::of(first);
        let chunks = Chunks::new(&context, grads)?;
        let found = norm(&context, &table(&context, grads.iter())?, &chunks, Address::NULL, None)?;
        Ok(doubles(&context.read(&[(found.at(), 2)])?[0])[0])
    }

    fn adamw(
        params: &mut [Mat<Cuda>],
        moments: &mut [(Mat<Cuda>, Mat<Cuda>)],
        grads: Vec<Mat<Cuda>>,
        weight_decays: &[f64],
        hyper: &AdamW,
    ) -> Result<(), CudaError> {
        let Some(first) = params.first() else { return Ok(()) };
        let context = Context::of(first);
        let (chunks, table) = (Chunks::new(&context, params)?, table(&context, grads.iter())?);
        let consent: Vec<f32> = [0.0, hyper.grad_scale, 1.0].iter().flat_map(|x: &f64| halves(*x)).collect();
        let consent = context.upload(&consent)?;
        update(&context, params, moments, (&table, &chunks), weight_decays, hyper, consent.at())
    }

    fn step(
        params: &mut [Mat<Cuda>],
        moments: &mut [(Mat<Cuda>, Mat<Cuda>)],
        grads: Vec<Mat<Cuda>>,
        weight_decays: &[f64],
        hyper: &AdamW,
        clip: Option<f64>,
        losses: &[RowLosses<Cuda>],
    ) -> Result<Stepped, CudaError> {
        let context = Context::of(&params[0]);
        let (chunks, table) = (Chunks::new(&context, params)?, table(&context, grads.iter())?);
        let total = context.scratch::<f64>(1)?;
        for (i, list) in losses.iter().enumerate() {
            let count = list.shape().0 as u32;
            launch!(&context, "optimizer_losses", (1, 1, 1), 1024, 0;
                total.at(), of(list), count, i32::from(i > 0))?;
        }
        let total = if losses.is_empty() { Address::NULL } else { total.at() };
        let found = norm(&context, &table, &chunks, total, clip)?;
        update(&context, params, moments, (&table, &chunks), weight_decays, hyper, found.at())?;
        let mut lists = vec![(found.at(), 6)];
        lists.extend(losses.iter().map(|list| (of(list), list.shape().0)));
        let mut read = context.read(&lists)?;
        let losses = read.split_off(1);
        let found = doubles(&read[0]);
        Ok(Stepped { norm: found[0], losses, updated: found[2] != 0.0 })
    }
}

/// A double-precision number as two that are uploaded.
fn halves(x: f64) -> [f32; 2] {
    let bits = x.to_bits();
    [bits as u32, (bits >> 32) as u32].map(f32::from_bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_survive_their_halves() {
        for x in [0.1, -1e300, f64::INFINITY, 5e-324] {
            assert_eq!(doubles(&halves(x)), [x]);
        }
    }
}
