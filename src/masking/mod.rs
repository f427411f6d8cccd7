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
use crate::manifest::schema::{Direction, Masking};
use crate::modality::Modality;
use crate::rng::{self, Purpose, Stream};
pub use budget::Budget;
use rand::Rng;

/// The mask of `clip` in `epoch` (training) or of `clip` in mask number `epoch` (probes): a pure
/// function of its arguments, whatever was drawn before.
///
/// # Panics
/// As [`draw`].
pub fn for_clip(modalities: &[Modality], masking: &Masking, seed: u64, epoch: u64, clip: u64) -> SampleMask {
    draw(modalities, masking, &mut rng::stream(seed, Purpose::Mask, &[epoch, clip]))
}

/// Draws one mask: one of the directions with the probability of its share, else budgets and positions.
///
/// # Panics
/// If a direction names a modality that does not exist; checking a manifest refuses it first.
pub fn draw(modalities: &[Modality], masking: &Masking, rng: &mut Stream) -> SampleMask {
    if let Some(chosen) = choose(&masking.directions, rng) {
        let find = |names: &[String]| names.iter().map(|name| index(modalities, name)).collect::<Vec<_>>();
        return direction(modalities, &find(&chosen.inputs), &find(&chosen.targets));
    }
    let budgets = fit::all(modalities, budget::draw(modalities, masking, rng));
    let (input, target) = modalities.iter().zip(budgets).map(|(m, b)| positions::draw(m, b, rng)).unzip();
    SampleMask { input, target }
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

/// One uniform number per sample decides; nothing is drawn when there are no directions.
fn choose<'a>(directions: &'a [Direction], rng: &mut Stream) -> Option<&'a Direction> {
    if directions.is_empty() {
        return None;
    }
    let u: f64 = rng.gen();
    let mut upper = 0.0;
    directions.iter().find(|d| {
        upper += d.share;
        u < upper
    })
}

fn index(modalities: &[Modality], name: &str) -> usize {
    modalities
        .iter()
        .position(|m| m.name == name)
        .unwrap_or_else(|| panic!("direction names `{name}`, which is no modality of the manifest"))
}

#[cfg(test)]
mod tests;
