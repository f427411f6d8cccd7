//! Synthetic data with planted structure and a known optimum (DESIGN §5).
//!
//! Each clip has a latent class, drawn uniformly. Every modality has one prototype sequence per class,
//! uniform over its vocabulary. A token shows its class's prototype with probability `strength`, else
//! a uniform id (which may be the prototype too); given the class, all tokens are independent:
//! ```text
//! p(x | class, modality, position) = strength · [x = prototype] + (1 − strength) / vocab
//! ```
//! The class is what modalities have in common, so the strength of a *pair* follows from the strengths
//! of its two. A caption modality shows the name of the class (`c03`) without noise, whatever the
//! strength says. Rows of a clip are independent noise over the same class.
//!
//! `Source` makes the clips (`source`) and knows what the best possible predictor of them would
//! score, by enumeration over the classes (`optimum`).

mod optimum;
mod source;

pub use source::Source;

use super::{ClipData, Dataset, Part};
use crate::fault::{Fault, Result};
use crate::manifest::schema::Synthetic;
use crate::modality::Modality;
use rayon::prelude::*;

/// Most clips of a dataset: their numbers have six digits in a stem.
const MOST_CLIPS: usize = 999_999;

/// The dataset of a generator: a pure function of its arguments.
///
/// # Errors
/// A number that makes no sense, or a vocabulary too small for the captions.
pub fn generate(spec: &Synthetic, modalities: &[Modality]) -> Result<Dataset> {
    let source = Source::new(spec, modalities)?;
    let sizes = [spec.clips.0, spec.clips.1, spec.clips.2];
    let parts = Part::ALL.map(|part| {
        let first: usize = 1 + sizes[..part as usize].iter().sum::<usize>();
        let clip = |i| clip(&source, spec.rows, part, i, first + i);
        (0..sizes[part as usize]).into_par_iter().map(clip).collect::<Vec<_>>()
    });
    Dataset::from_parts(modalities, parts)
}

/// Clip number `index` of a split; `number` counts over all splits.
fn clip(source: &Source, rows: usize, part: Part, index: usize, number: usize) -> ClipData {
    let (class, tokens) = source.clip(part, index, rows);
    let label = source.classes()[class].clone();
    let captions = if source.has_captions() { vec![label.clone(); rows] } else { Vec::new() };
    ClipData { stem: format!("syn_{number:06}"), label, captions, tokens }
}

/// Refuses what cannot be generated, naming the field.
fn check(spec: &Synthetic, modalities: &[Modality]) -> Result<()> {
    let refuse = |field: &str, found: String, expected: &str| {
        let fault = Fault::invalid("synthetic data cannot be made like this");
        Err(fault.at(format!("data.synthetic.{field}")).found(found).expected(expected))
    };
    if spec.classes == 0 {
        return refuse("classes", "0".into(), "at least 1 class");
    }
    if spec.rows == 0 {
        return refuse("rows", "0".into(), "at least 1 row");
    }
    let clips = [spec.clips.0, spec.clips.1, spec.clips.2];
    if clips.iter().try_fold(0usize, |sum, n| sum.checked_add(*n)).is_none_or(|n| n > MOST_CLIPS) {
        return refuse("clips", format!("{clips:?}"), "at most 999999 clips in all splits together");
    }
    for m in modalities {
        let strength = source::strength(spec, m);
        if !(0.0..=1.0).contains(&strength) {
            return refuse("strength", format!("{strength} for {}", m.name), "a probability in 0..=1");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
