//! What an ablation leaves for the comparison.

use super::job::{Existing, Job};
use super::plan::Plan;
use super::spec::AxisSpec;
use crate::fault::Result;
use crate::record::ablation::{AblationRecord, Axis, Cell, CellRun, SCHEMA};

/// The record of what is complete now; a run that is not is simply not there.
///
/// # Errors
/// If a run cannot be read.
pub fn record(plan: &Plan) -> Result<AblationRecord> {
    let ablation = &plan.ablation;
    let axis = |axis: &AxisSpec| Axis {
        name: axis.name.clone(),
        labels: axis.choices().into_iter().map(|(label, _)| label).collect(),
    };
    Ok(AblationRecord {
        schema: SCHEMA,
        name: ablation.name.clone(),
        about: ablation.about.clone(),
        reference: plan.reference().to_owned(),
        metrics: ablation.metrics.clone(),
        claims: ablation.claims.clone(),
        axes: ablation.axes.iter().map(axis).collect(),
        cells: (0..plan.cells.len()).map(|i| cell(plan, i)).collect::<Result<_>>()?,
    })
}

fn cell(plan: &Plan, index: usize) -> Result<Cell> {
    let mut runs = Vec::new();
    for job in plan.jobs.iter().filter(|j| j.cell == index) {
        runs.extend(run(job)?);
    }
    runs.sort_by_key(|r| r.seed);
    let cell = &plan.cells[index];
    Ok(Cell { label: cell.label.clone(), values: cell.values.clone(), runs })
}

fn run(job: &Job) -> Result<Option<CellRun>> {
    let Existing::Complete(run) = job.existing()? else { return Ok(None) };
    let directory = run.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Some(CellRun { seed: job.seed, directory, identity: job.identity.clone() }))
}
