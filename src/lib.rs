//! nano4m: reproducible experiments for masked multimodal training.
//!
//! Layers (a module imports only from its own row or above; held by `tests/house`):
//! ```text
//! L0 pure           batch · observer · modality · stats · metrics · rng · digest · fault
//! L1 what persists  manifest · architecture · provenance · record · store
//! L2 tensors        device · ops · data · masking · model
//! L3 doing          train · probes · decode        showing (no tensors): report · verify · interop
//! L4 gluing         runner · ablation · cli · main.rs
//! ```

pub mod ablation;
pub mod architecture;
pub mod batch;
pub mod cli;
pub mod data;
pub mod decode;
pub mod device;
pub mod digest;
pub mod fault;
pub mod interop;
pub mod manifest;
pub mod masking;
pub mod metrics;
pub mod modality;
pub mod model;
pub mod observer;
pub mod ops;
pub mod probes;
pub mod provenance;
pub mod record;
pub mod report;
pub mod rng;
pub mod runner;
pub mod stats;
pub mod store;
pub mod suggest;
pub mod train;
pub mod verify;
