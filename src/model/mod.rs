//! FourM: the encoder–decoder transformer over packed tokens (REFERENCE §1).

pub mod checkpoint;
pub mod digest;
mod engine;
mod failure;
mod fit;
mod fourm;
pub mod given;
mod loss;
mod names;
pub mod network;
mod open;
mod pairwise;
pub mod params;
pub mod positions;
mod state;
mod training;

pub use open::open;

#[cfg(test)]
mod tests;
