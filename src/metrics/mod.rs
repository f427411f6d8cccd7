//! Metrics, defined once: how a row of a probe becomes a number of a clip, and what is said about many clips.
//!
//! No tensors and no manifest in here: names of modalities come in as values.

pub mod clips;
pub mod estimate;

pub use clips::Clips;
