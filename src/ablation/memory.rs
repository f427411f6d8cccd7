//! What the jobs that are not complete need of memory, before one of them is begun.

use super::job::{Existing, Job};
use super::plan::Plan;
use crate::fault::Result;
use crate::place::Device;
use crate::runner::memory::{hold_all, Need};

/// Holds what is needed against what there is, with `workers` jobs at the same time.
///
/// # Errors
/// Exit 2, with the first cell of which one run, or as many as run together, certainly do not fit.
pub fn hold(plan: &Plan, found: &[Existing], workers: usize, device: Device) -> Result<()> {
    let open: Vec<&Job> = plan
        .jobs
        .iter()
        .zip(found)
        .filter(|(_, f)| !matches!(f, Existing::Complete(_)))
        .map(|(j, _)| j)
        .collect();
    // Seeds of a cell follow each other, so they run together.
    for jobs in open.chunk_by(|a, b| a.cell == b.cell) {
        let job = jobs[0];
        let need = Need::of(&job.experiment);
        hold_all(&need, workers.min(jobs.len()), &job.experiment, device)
            .map_err(|fault| fault.at(format!("cell `{}`", job.label)))?;
    }
    Ok(())
}
