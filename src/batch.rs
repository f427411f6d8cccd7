//! A batch without padding: the valid tokens of all samples, one after another.

use std::ops::Range;

/// The division of one sample: for each modality (in the manifest's order) ascending positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleMask {
    pub input: Vec<Vec<u32>>,
    pub target: Vec<Vec<u32>>,
}

/// Tokens of one side (encoder or decoder): four parallel columns and the samples' boundaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Token ids, `[T]`; for the decoder the ids to be predicted.
    pub ids: Vec<u32>,
    /// Position inside its modality, `[T]`.
    pub positions: Vec<u32>,
    /// Index of the modality, `[T]`.
    pub modalities: Vec<u32>,
    /// Sample `b` owns tokens `offsets[b]..offsets[b + 1]`; `[B + 1]`, starts with 0.
    pub offsets: Vec<usize>,
}

impl Default for Packed {
    fn default() -> Self {
        Packed { ids: Vec::new(), positions: Vec::new(), modalities: Vec::new(), offsets: vec![0] }
    }
}

impl Packed {
    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Appends one token to the sample being built.
    pub fn token(&mut self, id: u32, position: u32, modality: u32) {
        self.ids.push(id);
        self.positions.push(position);
        self.modalities.push(modality);
    }

    /// Ends the sample being built.
    pub fn close(&mut self) {
        self.offsets.push(self.ids.len());
    }

    /// The tokens of some samples.
    fn part(&self, samples: Range<usize>) -> Packed {
        let tokens = self.offsets[samples.start]..self.offsets[samples.end];
        Packed {
            ids: self.ids[tokens.clone()].to_vec(),
            positions: self.positions[tokens.clone()].to_vec(),
            modalities: self.modalities[tokens.clone()].to_vec(),
            offsets: self.offsets[samples.start..=samples.end].iter().map(|o| o - tokens.start).collect(),
        }
    }
}

/// Encoder and decoder tokens of the same samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub enc: Packed,
    pub dec: Packed,
}

impl Batch {
    /// Appends a sample: `tokens[m]` holds all ids of modality `m`, `mask` says which are used.
    pub fn push(&mut self, tokens: &[&[u32]], mask: &SampleMask) {
        self.push_sides(tokens, tokens, mask);
    }

    /// As [`Batch::push`], with the input's ids from one clip and the targets' from another.
    pub fn push_sides(&mut self, inputs: &[&[u32]], targets: &[&[u32]], mask: &SampleMask) {
        let sides = [(&mut self.enc, inputs, &mask.input), (&mut self.dec, targets, &mask.target)];
        for (side, tokens, chosen) in sides {
            for (m, positions) in chosen.iter().enumerate() {
                for &p in positions {
                    side.token(tokens[m][p as usize], p, m as u32);
                }
            }
            side.close();
        }
    }

    /// The samples in parts of `size`, in order; the last may be smaller.
    ///
    /// # Panics
    /// If `size` is 0.
    pub fn parts(&self, size: usize) -> impl Iterator<Item = Batch> + '_ {
        let samples = self.samples();
        (0..samples).step_by(size).map(move |start| {
            let part = start..samples.min(start.saturating_add(size));
            Batch { enc: self.enc.part(part.clone()), dec: self.dec.part(part) }
        })
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.enc.samples()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_batch() {
        let mut batch = Batch::default();
        for sample in 0..5u32 {
            let mask = SampleMask { input: vec![(0..sample).collect()], target: vec![vec![sample]] };
            batch.push(&[&[10, 11, 12, 13, 14]], &mask);
        }
        for size in [1, 2, 3, 5, 9] {
            let parts: Vec<Batch> = batch.parts(size).collect();
            assert_eq!(parts.iter().map(Batch::samples).sum::<usize>(), 5);
            assert!(parts.iter().rev().skip(1).all(|p| p.samples() == size));
            let mut whole = Batch::default();
            for part in &parts {
                for (side, part) in [(&mut whole.enc, &part.enc), (&mut whole.dec, &part.dec)] {
                    for sample in part.offsets.windows(2) {
                        let tokens = sample[0]..sample[1];
                        tokens.for_each(|t| side.token(part.ids[t], part.positions[t], part.modalities[t]));
                        side.close();
                    }
                }
            }
            assert_eq!(whole, batch, "parts of {size}");
        }
    }
}
