//! Measurements on a trained network: one probe per file. Each gives per-example scores; tables and
//! metrics are made from those alone (`record`, `report`).

pub mod baselines;
mod class_texts;
pub mod classification;
pub mod cross_entropy;
pub mod directions;
mod evaluation;
pub mod forward_vs_autoregressive;
pub mod generation;
pub mod linear_probe;
pub mod memorization;
pub mod packing;
pub mod retrieval;
pub mod shuffled;
pub mod suite;
#[cfg(test)]
pub(crate) mod testing;
pub mod workload;

pub use evaluation::Evaluation;
