//! Proving that a run is intact, or that two runs have the same bits; naming the first step and tensor
//! that differ.
//!
//! Works on files alone: tables, per-example scores, and the digests of parameters and optimizer state.
//!
//! ```text
//! intact.rs    one run: its last lines and SHA256SUMS (sealed), then what can be made again
//!              of its record: from its manifest (manifest), its scores (metrics), its checkpoints (state),
//!              and of its status and provenance (description)
//! compare.rs   two runs: records, tables, scores, checkpoints; what one lacks is a difference
//! ```

mod compare;
mod description;
mod findings;
mod intact;
mod manifest;
mod metrics;
mod sealed;
mod state;
mod table;
mod tables;
mod tensors;

pub use compare::compare;
pub use findings::{Difference, Findings};
pub use intact::intact;

#[cfg(test)]
mod tests;
