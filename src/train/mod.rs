//! Training: one loop, read from top to bottom in the order in which it happens.
//!
//! The step is the only state beside the network: order, rows, masks and learning rate are functions
//! of the manifest and the step, so a run that was stopped, killed or moved continues with the same bits.

mod anomaly;
pub mod checkpoint;
mod evaluate;
mod sampler;
pub mod schedule;
mod step;
#[cfg(test)]
pub(crate) mod toy;
mod training_log;
mod training_loop;

pub use checkpoint::Position;
pub use evaluate::evaluate;
pub use sampler::{Drawn, Sampler};
pub use step::take_step;
pub use training_log::TABLES;
pub use training_loop::{train, Ended, Job};

#[cfg(test)]
mod tests;
