//! Semantic checks: what a well-typed manifest can still get wrong. All problems are collected.
//!
//! Each file checks one part of the manifest and is given the whole of it. Values that are not
//! finite are found once, over the printed manifest; the other checks stay silent on them.

mod all;
pub mod bounds;
mod claims;
mod data;
pub(super) mod findings;
mod general;
pub(super) mod inputs;
pub(super) mod masking;
mod modalities;
mod probes;
mod train;

pub use all::{check, generation, on_data};
