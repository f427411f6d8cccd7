//! Pins: what a manifest was last known to run with, checked before a run and refreshed on demand.

mod drift;
mod refresh;

pub use drift::{refusal, verify, Current, Drift};
pub use refresh::{refresh, Change, Refreshed};
