//! Measurements on a trained network. Each writes per-example scores; tables are made from those.

pub mod baselines;
pub mod cross_entropy;
