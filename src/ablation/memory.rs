//! What the jobs that are not complete need of memory, before one of them is begun.

use super::job::{Existing, Job};
use super::plan::Plan;
use crate::fault::{Fault, Result};
use crate::ops::device::{self, CardMemory};
use crate::place::{Device, Devices};
use crate::runner::card_memory;
use crate::runner::memory::{hold_all, Need};

/// Holds what is needed against what there is, with `workers` jobs at the same time, in turn on the devices.
///
/// # Errors
/// Exit 2, with the first cell of which one run, or as many as run together, certainly do not fit, and for a device
/// that is not there.
pub fn hold(plan: &Plan, found: &[Existing], workers: usize, devices: &Devices) -> Result<()> {
    let open: Vec<&Job> = plan
        .jobs
        .iter()
        .zip(found)
        .filter(|(_, f)| !matches!(f, Existing::Complete(_)))
        .map(|(j, _)| j)
        .collect();
    // Asked once: a card that nobody uses takes a moment to answer.
    let used = devices.all().iter().take(workers.min(open.len()));
    let cards: Vec<(Device, Option<CardMemory>)> =
        used.map(|&device| Ok((device, device::memory(device)?))).collect::<Result<_>>()?;
    // Seeds of a cell follow each other, so they run together.
    for jobs in open.chunk_by(|a, b| a.cell == b.cell) {
        let job = jobs[0];
        let need = Need::of(&job.experiment);
        let together = workers.min(jobs.len());
        let cell = |fault: Fault| fault.at(format!("cell `{}`", job.label));
        hold_all(&need, together, &job.experiment, devices.first()).map_err(cell)?;
        for (device, memory) in &cards {
            let Some(memory) = memory else { continue };
            let runs = devices.sharing(together);
            card_memory::hold_in(&job.experiment, *device, runs, *memory).map_err(cell)?;
        }
    }
    Ok(())
}
