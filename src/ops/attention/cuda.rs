//! Blocks of 64 rows of one sample and head; see `kernels.cu`. Only the output and each row's log-sum-exp are kept.

use super::Attention;
use crate::ops::backend::{CudaKernels, Mat, Spans};
use crate::ops::cuda::launch::{blocks, launch, THREADS};
use crate::ops::cuda::memory::{grad, of, take_grad, Address};
use crate::ops::cuda::{output, Context, List};
use dfdx::prelude::*;

/// Rows of a tile and threads of a block, as in `kernels.cu`.
const ROWS: usize = 64;
const BLOCK: u32 = 128;
/// Threads that make one number of `delta`.
const DELTA_THREADS: usize = 16;

/// The kernels for heads up to a size.
struct Instance {
    forward: &'static str,
    query: &'static str,
    key: &'static str,
    /// Bytes of shared memory.
    shared: u32,
}

macro_rules! instance {
    ($width:literal, $shared:literal) => {
        Instance {
            forward: concat!("attention_forward_", $width),
            query: concat!("attention_backward_query_", $width),
            key: concat!("attention_backward_key_", $width),
            shared: $shared,
        }
    };
}

impl Instance {
    /// # Panics
    /// If heads are wider than 128, which no manifest may ask for on CUDA.
    fn of(head_dim: usize) -> Instance {
        match head_dim {
            0..=32 => instance!(32, 32768),
            33..=64 => instance!(64, 49152),
            65..=128 => instance!(128, 49152),
            _ => panic!("the CUDA kernels take heads of at most 128 numbers"),
        }
    }
}

/// Where queries, keys and values are, and whose they are.
struct Operands {
    q: Address,
    q_stride: u32,
    k: Address,
    v: Address,
    kv_stride: u32,
    heads: u32,
    head_dim: u32,
    scale: f32,
    q_offsets: List,
    k_offsets: List,
    q_tiles: (List, u32),
    k_tiles: (List, u32),
    rows: u32,
}

/// Pairs of a sample and the first of up to 64 of its rows; long samples first, which balances a card best.
fn tiles(context: &Context, offsets: &[usize]) -> Result<(List, u32), CudaError> {
    let mut samples: Vec<(usize, usize)> = offsets.windows(2).map(|s| s[1] - s[0]).enumerate().collect();
    samples.sort_by_key(|&(_, length)| std::cmp::Reverse(length));
    let pairs = samples.into_iter().flat_map(|(sample, length)| {
        (0..length).step_by(ROWS).flat_map(move |first| [sample as u32, first as u32])
    });
    let pairs: Vec<u32> = pairs.collect();
    Ok((context.upload(&pairs)?, (pairs.len() / 2) as u32))
}

impl Operands {
    fn new(
        context: &Context,
        q: &Mat<Cuda>,
        kv: Option<&Mat<Cuda>>,
        spans: Spans<'_>,
        head_dim: usize,
    ) -> Result<Operands, CudaError> {
        let (rows, width) = *q.shape();
        let (dim, kv_stride) = kv.map_or((width / 3, width), |kv| (width, kv.shape().1));
        let k = kv.map_or(of(q).plus(dim), of);
        let list =
            |offsets: &[usize]| context.upload(&offsets.iter().map(|&o| o as u32).collect::<Vec<u32>>());
        Ok(Operands {
            q: of(q),
            q_stride: width as u32,
            k,
            v: k.plus(dim),
            kv_stride: kv_stride as u32,
            heads: (dim / head_dim) as u32,
            head_dim: head_dim as u32,
            scale: (head_dim as f32).powf(-0.5),
            q_offsets: list(spans.q)?,
            k_offsets: list(spans.k)?,
            q_tiles: tiles(context, spans.q)?,
            k_tiles: tiles(context, spans.k)?,
            rows: rows as u32,
        })
    }

    /// `[heads, queries]`.
    fn numbers(&self) -> usize {
        self.heads as usize * self.rows as usize
    }
}

/// Starts a kernel over tiles: its own arguments, then the operands.
macro_rules! launch_tiles {
    ($context:expr, $kernel:expr, $shared:expr, $x:expr, $tiles:expr; $($argument:expr),+) => {
        launch!($context, $kernel, ($tiles.1, $x.heads, 1), BLOCK, $shared;
            $($argument),+, $x.q, $x.q_stride, $x.k, $x.v, $x.kv_stride, $x.heads, $x.head_dim, $x.scale,
            $x.q_offsets.at(), $x.k_offsets.at(), $tiles.0.at(), $x.rows)
    };
}

impl Attention<Cuda> for CudaKernels {
    fn attention<T: Tape<f32, Cuda>>(
        tape: &mut T,
        q: &Mat<Cuda>,
        kv: Option<&Mat<Cuda>>,
        spans: Spans<'_>,
        head_dim: usize,
    ) -> Result<Mat<Cuda>, CudaError> {
        let dim = if kv.is_some() { q.shape().1 } else { q.shape().1 / 3 };
        let (out, context) = output(q, q.shape().0, dim)?;
        let (x, kernels) = (Operands::new(&context, q, kv, spans, head_dim)?, Instance::of(head_dim));
        let lse = context.scratch::<f32>(x.numbers())?;
        launch_tiles!(&context, kernels.forward, kernels.shared, x, x.q_tiles; of(&out), lse.at())?;
        if T::OWNS_TAPE {
            let (q, kv, y) = (q.clone(), kv.cloned(), out.clone());
            tape.add_backward_op(move |grads| {
                let g = take_grad(grads, &y)?;
                let delta = context.scratch::<f32>(x.numbers())?;
                launch!(&context, "attention_delta", (blocks(DELTA_THREADS * x.numbers(), THREADS), 1, 1), THREADS, 0;
                    delta.at(), of(&y), g.at(), x.heads, x.head_dim, x.rows)?;
                let dq = grad(grads, &q)?;
                let dk = match &kv {
                    Some(kv) => grad(grads, kv)?,
                    None => dq.plus(dim),
                };
                launch_tiles!(&context, kernels.query, kernels.shared, x, x.q_tiles;
                    dq, x.q_stride, g.at(), lse.at(), delta.at())?;
                launch_tiles!(&context, kernels.key, kernels.shared, x, x.k_tiles;
                    dk, dk.plus(dim), x.kv_stride, g.at(), lse.at(), delta.at())?;
                Ok(())
            });
        }
        Ok(out)
    }
}
