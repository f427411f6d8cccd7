//! The engine for those who outgrow one machine: one Slurm array job, one task per job of the plan.
//!
//! ```text
//! runs/ablations/NAME/slurm/0001/      one submission (`submission`)
//!   nano4m                             the very program that submitted: a job queued for a day must not
//!                                      run tomorrow's code
//!   tasks/1.ron 1.identity 1.cell …    the manifest of each task, the identity it must have, what it is made for
//!   NAME.ron base.ron                  the ablation as it was, for the report job
//!   array.sh report.sh                 what was submitted (`script`)
//!   submission.json                    job numbers and tasks; written when Slurm has accepted them
//!   task-1.log … report.log            what the jobs print
//! ```
//!
//! There is no scheduler, daemon or database here. Slurm decides when a task runs; where a run stands is
//! read from its directory; `squeue` (and `sacct`, where there is accounting) say what Slurm thinks of a
//! task (`client`, `status`). The submitter may log out. Everything lies in the runs folder, which must be
//! on a file system that the nodes share.
//!
//! Before the time limit, with preemption or when the node goes down, the task gets a signal; its program
//! writes a checkpoint and exits, and the script requeues its own task. A node that crashed is Slurm's to
//! notice: it requeues the task itself. Either way the next start resumes, bit for bit.

mod client;
mod profile;
mod script;
mod status;
mod submission;
mod time_limit;

pub use client::Client;
pub use profile::Profile;
pub use status::{Standing, TaskStanding};
pub use submission::{ArrayTask, Submission, Submit};
