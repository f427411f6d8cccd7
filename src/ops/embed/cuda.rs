//! One launch forward; backward the rows of each id, sorted on the host, added piece by piece in their order.

use super::Embed;
use crate::batch::Packed;
use crate::ops::backend::{CudaKernels, Mat};
use crate::ops::cuda::launch::{blocks, launch, threads_of_row, THREADS};
use crate::ops::cuda::memory::{grad, of, take_grad, Address};
use crate::ops::cuda::{output, Context};
use dfdx::prelude::*;

/// Rows that one thread adds: long enough for a table of thousands of ids, short enough for one of five modalities.
const PIECE: usize = 32;

/// The rows of a batch by the id they were taken from.
#[derive(Debug, Default, PartialEq, Eq)]
struct Segments {
    /// Row numbers, ids ascending, rows of one id ascending.
    order: Vec<u32>,
    /// Where each piece begins in `order`, and the end of the last.
    starts: Vec<u32>,
    /// The first piece of each id, and the end of the last.
    firsts: Vec<u32>,
    /// The ids that occur, ascending.
    keys: Vec<u32>,
}

impl Segments {
    fn new(ids: &[u32]) -> Segments {
        let mut order: Vec<u32> = (0..ids.len() as u32).collect();
        order.sort_by_key(|&row| ids[row as usize]);
        let mut segments = Segments::default();
        let mut start = 0;
        for segment in order.chunk_by(|a, b| ids[*a as usize] == ids[*b as usize]) {
            segments.keys.push(ids[segment[0] as usize]);
            segments.firsts.push(segments.starts.len() as u32);
            for piece in segment.chunks(PIECE) {
                segments.starts.push(start);
                start += piece.len() as u32;
            }
        }
        segments.firsts.push(segments.starts.len() as u32);
        segments.starts.push(start);
        Segments { order, ..segments }
    }

    /// Adds the rows of `g` to the rows of `table` that they came from.
    fn scatter(&self, context: &Context, table: Address, g: Address, dim: usize) -> Result<(), CudaError> {
        let pieces = self.starts.len() - 1;
        let parts = context.scratch::<f32>(pieces * dim)?;
        let (order, starts) = (context.upload(&self.order)?, context.upload(&self.starts)?);
        let (firsts, keys) = (context.upload(&self.firsts)?, context.upload(&self.keys)?);
        let (columns, width) = (blocks(dim, THREADS), dim as u32);
        launch!(context, "embed_pieces", (pieces as u32, columns, 1), THREADS, 0;
            parts.at(), g, order.at(), starts.at(), width)?;
        launch!(context, "embed_segments", (self.keys.len() as u32, columns, 1), THREADS, 0;
            table, parts.at(), firsts.at(), keys.at(), width)?;
        Ok(())
    }
}

impl Embed<Cuda> for CudaKernels {
    fn embed<T: Tape<f32, Cuda>>(
        tape: &mut T,
        tokens: Option<&Mat<Cuda>>,
        modalities: &Mat<Cuda>,
        positions: &Mat<Cuda>,
        index: &Packed,
    ) -> Result<Mat<Cuda>, CudaError> {
        let (rows, dim) = (index.len(), modalities.shape().1);
        let (out, context) = output(modalities, rows, dim)?;
        let (ids, of_modality, at) = (
            context.upload(&index.ids)?,
            context.upload(&index.modalities)?,
            context.upload(&index.positions)?,
        );
        launch!(context, "embed_forward", (rows as u32, 1, 1), threads_of_row(dim), 0;
            of(&out), tokens.map_or(Address::NULL, of), of(modalities), of(positions), ids.at(), of_modality.at(),
            at.at(), dim as u32)?;
        if T::OWNS_TAPE {
            let (tokens, modalities, y) = (tokens.cloned(), modalities.clone(), out.clone());
            let of_modality = Segments::new(&index.modalities);
            let of_id = tokens.as_ref().map(|_| Segments::new(&index.ids));
            tape.add_backward_op(move |grads| {
                let g = take_grad(grads, &y)?;
                of_modality.scatter(&context, grad(grads, &modalities)?, g.at(), dim)?;
                if let Some((table, segments)) = tokens.as_ref().zip(of_id) {
                    segments.scatter(&context, grad(grads, table)?, g.at(), dim)?;
                }
                Ok(())
            });
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_an_id_are_a_segment_in_their_order() {
        let segments = Segments::new(&[7, 3, 7, 3, 3]);
        assert_eq!(
            segments,
            Segments {
                order: vec![1, 3, 4, 0, 2],
                starts: vec![0, 3, 5],
                firsts: vec![0, 1, 2],
                keys: vec![3, 7]
            }
        );
        let long = Segments::new(&[5; 2 * PIECE + 1]);
        assert_eq!((long.starts.len(), long.firsts.as_slice()), (4, &[0, 3][..]));
        assert_eq!(Segments::new(&[]), Segments { starts: vec![0], firsts: vec![0], ..Segments::default() });
    }
}
