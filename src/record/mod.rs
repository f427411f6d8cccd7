//! What a finished run says: `record.json`.
//!
//! One plain struct per thing, absent is `Option`, every metric carries its unit, direction and n.
//! Nothing here depends on the time or the place a run happened.

pub mod ablation;
mod complete;
mod run_record;

pub use ablation::AblationRecord;
pub use complete::missing;
#[cfg(test)]
pub(crate) use run_record::tests::sample;
pub use run_record::{Clips, FileDigest, ModalityInfo, Record, AGAIN, SCHEMA};
