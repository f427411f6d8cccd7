//! Proving that a run is intact, or that two runs have the same bits; naming the first step and tensor
//! that differ.
//!
//! Works on files alone: tables, per-example scores, and the digests of parameters and optimizer state.

mod compare;
mod digests;
mod findings;
mod intact;
mod tensors;

pub use compare::compare;
pub use findings::{Difference, Findings};
pub use intact::intact;

#[cfg(test)]
mod tests;
