//! One draw at every decoder token of a batch.

use super::sample::{draw, Draw, Sampling};
use crate::batch::Batch;
use crate::fault::Result;
use crate::model::network::Inference;
use rayon::prelude::*;

/// Logits gathered before they are sampled in parallel (16 MiB).
const GATHERED: usize = 1 << 22;

/// Row `r` is sampled among the ids `0..vocab` with `u[r]`; `None` where a logit is not finite.
/// Nothing larger than a chunk of rows is held.
pub fn predict(
    net: &dyn Inference,
    batch: &Batch,
    vocab: usize,
    sampling: &Sampling,
    u: &[f64],
) -> Result<Vec<Option<Draw>>> {
    let mut draws: Vec<Option<Draw>> = Vec::with_capacity(u.len());
    let mut gathered: Vec<f32> = Vec::new();
    let mut flush = |gathered: &mut Vec<f32>| {
        let first = draws.len();
        let rows = gathered.par_chunks(vocab).enumerate();
        draws.par_extend(rows.map(|(i, logits)| draw(logits, sampling, u[first + i])));
        gathered.clear();
    };
    net.logits(batch, &mut |_, row| {
        gathered.extend_from_slice(&row[..vocab]);
        if gathered.len() + vocab > GATHERED {
            flush(&mut gathered);
        }
    })?;
    flush(&mut gathered);
    Ok(draws)
}
