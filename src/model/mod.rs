//! FourM: the encoder–decoder transformer over packed tokens (REFERENCE §1).

pub mod batch;
pub mod network;
