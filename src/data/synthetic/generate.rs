//! A whole dataset from its source.

use super::source::Source;
use crate::data::dataset::Dataset;
use crate::data::part::Part;
use crate::data::parts::ClipData;
use crate::fault::Result;
use crate::manifest::schema::Synthetic;
use crate::modality::Modality;
use rayon::prelude::*;

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
