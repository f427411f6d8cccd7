//! What a finished run says: `record.json`.
//!
//! One plain struct per thing, absent is `Option`, every metric carries its unit, direction and n.
//! Nothing here depends on the time or the place a run happened. The record's last line is the digest of what
//! is before it.

pub mod ablation;
mod complete;
mod last_line;
mod run_record;

pub use ablation::AblationRecord;
pub use complete::missing;
pub use last_line::LastLine;
#[cfg(test)]
pub(crate) use run_record::tests::sample;
pub use run_record::{changed, Clips, FileDigest, ModalityInfo, Record, AGAIN, SCHEMA};
