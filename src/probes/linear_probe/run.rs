//! The probe as a suite runs it, and what it costs.

use super::measure::measure;
use crate::data::Part;
use crate::fault::Result;
use crate::metrics;
use crate::probes::scores::Scores;
use crate::probes::workload::Workload;

/// Runs the probe.
pub(in crate::probes) fn run(scores: &mut Scores, sets: &[Vec<String>]) -> Result<()> {
    let (evaluation, untrained) = (scores.evaluation, (scores.untrained)()?);
    let rows = measure(&evaluation, untrained.as_ref(), sets, &mut scores.observe("linear probe"))?;
    if rows.is_empty() {
        return Ok(());
    }
    scores.keep(&rows, metrics::linear_probe::metrics(&rows, scores.seed()))
}

/// Tokens of the passes it makes: the model and the untrained network on every split.
pub(in crate::probes) fn tokens(load: &Workload, sets: &[Vec<String>]) -> Result<f64> {
    let clips: f64 = Part::ALL.map(|part| load.split(part)).iter().sum();
    Ok(2.0 * clips * sets.iter().map(|set| load.lengths(set)).sum::<Result<f64>>()?)
}
