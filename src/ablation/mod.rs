//! Ablations: a base manifest and what varies in it, run cell by cell and compared.
//!
//! ```text
//! read     ablations/NAME.ron → `Ablation` (spec), checked with its base: every problem at once (check)
//! cells    axes × combinations → `Cell`: a label, its values, its experiment
//! plan     cells × seeds → `Plan` of `Job`s (job): manifest text, identity, and what of it exists (`Existing`)
//! execute  an engine takes the plan and works on the jobs that are not complete; `local` runs them as
//!          processes of this program, `slurm` submits them as one array job
//! forecast what the missing jobs will take
//! outcome  what is complete goes into `runs/ablations/NAME.json` (`record::ablation`)
//! ```
//!
//! A job is an ordinary run: `nano4m run` on its manifest, which lies at `Job::manifest` once
//! `Plan::materialize` has written it, makes the run of identity `Job::identity` under `Plan::root`. An
//! engine therefore needs nothing of an ablation but the list of its jobs. Where a job stands is read
//! from the run directories (`Job::existing`) and nowhere else, so that engines can be mixed, killed
//! and started again, and a cell that anything else has finished counts as finished.

mod cells;
mod check;
pub mod forecast;
mod invocation;
mod job;
pub mod local;
pub mod memory;
mod outcome;
mod plan;
mod process;
mod read;
pub mod slurm;
mod spec;

pub use cells::Cell;
pub use invocation::Invocation;
pub use job::{folder, Existing, Job};
pub use local::{AblationObserver, JobState, LocalEngine};
pub use outcome::record;
pub use plan::Plan;
pub use read::{locate, parse, read, Loaded};
pub use spec::Ablation;
