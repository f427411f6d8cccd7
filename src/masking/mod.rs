//! Which positions are input and which are targets (REFERENCE §3).
//!
//! A mask is made in three steps, one file each: how many tokens a modality gives (`budget`), what
//! its strategy makes of that number (`fit`), and which positions they are (`positions`).
//!
//! Every mask has at least one input token, as an attention over nothing is not a number. A mask may
//! have *no* targets: the range allows 0, the inputs took every position, or rounding to a stride left
//! nothing. Such a sample is kept, as in the reference: it adds no term to the loss.

mod budget;
mod dirichlet;
mod fit;
mod positions;

use crate::batch::SampleMask;
use crate::fault::Result;
use crate::manifest::schema::{Direction, Masking};
use crate::modality::{indices, Modality};
use crate::rng::{self, Purpose, Stream};
pub use budget::Budget;
use rand::Rng;

/// What masks are drawn from; every name is looked up once.
#[derive(Clone, Debug)]
pub struct Masks {
    modalities: Vec<Modality>,
    masking: Masking,
    /// The mask of every direction.
    directions: Vec<SampleMask>,
}

impl Masks {
    /// Of a manifest's modalities and masking.
    ///
    /// # Errors
    /// If a direction names a modality that does not exist; checking a manifest refuses it first.
    pub fn new(modalities: &[Modality], masking: &Masking) -> Result<Masks> {
        let whole = |d: &Direction| -> Result<SampleMask> {
            Ok(direction(modalities, &indices(modalities, &d.inputs)?, &indices(modalities, &d.targets)?))
        };
        let directions = masking.directions.iter().map(whole).collect::<Result<_>>()?;
        Ok(Masks { modalities: modalities.to_vec(), masking: masking.clone(), directions })
    }

    /// The mask of `clip` in `epoch` (training) or of `clip` in mask number `epoch` (probes): a pure
    /// function of its arguments, whatever was drawn before.
    pub fn of_clip(&self, seed: u64, epoch: u64, clip: u64) -> SampleMask {
        self.draw(&mut rng::stream(seed, Purpose::Mask, &[epoch, clip]))
    }

    /// Draws one mask: one of the directions with the probability of its share, else budgets and positions.
    pub fn draw(&self, rng: &mut Stream) -> SampleMask {
        if let Some(chosen) = choose(&self.masking.directions, rng) {
            return self.directions[chosen].clone();
        }
        let budgets = fit::all(&self.modalities, budget::draw(&self.modalities, &self.masking, rng));
        let drawn = self.modalities.iter().zip(budgets).map(|(m, b)| positions::draw(m, b, rng));
        let (input, target) = drawn.unzip();
        SampleMask { input, target }
    }
}

/// Whole modalities given, whole modalities asked for; indices into `modalities`. One that is listed
/// on both sides is input only, so that no target is ever visible.
pub fn direction(modalities: &[Modality], inputs: &[usize], targets: &[usize]) -> SampleMask {
    let whole = |wanted: &dyn Fn(usize) -> bool| {
        let chosen = modalities.iter().enumerate();
        chosen.map(|(i, m)| (0..if wanted(i) { m.length as u32 } else { 0 }).collect()).collect()
    };
    SampleMask {
        input: whole(&|i| inputs.contains(&i)),
        target: whole(&|i| targets.contains(&i) && !inputs.contains(&i)),
    }
}

/// Number of a direction, or none. One uniform number per sample decides; nothing is drawn when there are
/// no directions.
fn choose(directions: &[Direction], rng: &mut Stream) -> Option<usize> {
    if directions.is_empty() {
        return None;
    }
    let u: f64 = rng.gen();
    let mut upper = 0.0;
    directions.iter().position(|d| {
        upper += d.share;
        u < upper
    })
}

#[cfg(test)]
mod tests;
