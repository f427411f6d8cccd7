//! The probe as a suite runs it, and what it costs.

use super::measure::measure;
use crate::data::Part;
use crate::fault::Result;
use crate::metrics;
use crate::probes::scores::Scores;
use crate::probes::workload::Workload;

/// Runs the probe.
pub(in crate::probes) fn run(
    scores: &mut Scores,
    inputs: &[Vec<String>],
    templates: &[String],
) -> Result<()> {
    let evaluation = scores.evaluation;
    let rows = measure(&evaluation, inputs, templates, &mut scores.observe("classification"))?;
    let name = |set: &Vec<String>| evaluation.indices(set).map(|set| evaluation.joined(&set));
    let names = inputs.iter().map(name).collect::<Result<Vec<_>>>()?;
    scores.keep(&rows, metrics::classification::metrics(&rows, &names, scores.seed()))
}

/// Tokens of the passes it makes: one over whole captions, and one over key tokens. Byte pairs always have
/// these, words only where they tell the classes apart, which is not counted.
pub(in crate::probes) fn tokens(
    load: &Workload,
    inputs: &[Vec<String>],
    _templates: &[String],
) -> Result<f64> {
    let (caption, keys) = load.caption();
    let passes = if keys { 2.0 } else { 1.0 };
    let sets: f64 = inputs.iter().map(|set| load.lengths(set)).sum::<Result<f64>>()?;
    Ok(load.split(Part::Test) * (passes * sets + inputs.len() as f64 * (caption + passes - 1.0)))
}
