//! One run as a library call: open a manifest with its data, find or make the run, train, measure, record.
//!
//! Nothing here prints, reads the environment or asks for the time (that a relative path means the working
//! directory is the system's doing): what comes from outside is a value of [`Settings`], what there is to
//! tell goes to an [`Observer`](crate::observer::Observer). The command
//! line's `run` is [`Session::open`] and [`run()`], and printing.

pub mod card_memory;
mod commit;
mod description;
pub mod evaluate;
pub mod explain;
pub mod generate;
mod journal;
pub mod memory;
pub mod needs;
mod origin;
mod rate;
mod run;
mod session;
mod settings;
mod sinks;
mod stages;

pub use journal::validation;
pub use rate::{clock, Rate};
pub use run::{resume, run};
pub use session::{current, dataset, drift, folder, Session};
pub use settings::{Limits, Settings};
pub use stages::Ended;

#[cfg(test)]
mod tests;
