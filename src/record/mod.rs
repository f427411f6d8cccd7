//! What a finished run says: `record.json`.
//!
//! One plain struct per thing, absent is `Option`, every metric carries its unit, direction and n.
//! Nothing here depends on the time or the place a run happened. The record's last line is the digest of what
//! is before it; [`SEAL`] has the digests of all files of a finished run.

pub mod ablation;
mod complete;
mod parts;
mod run_record;
mod seal;
mod sealing;

pub use ablation::AblationRecord;
pub use complete::{missing, unmade};
pub use parts::{parts, Parts, SEAL};
#[cfg(test)]
pub(crate) use run_record::tests::sample;
pub use run_record::{changed, Clips, FileDigest, ModalityInfo, Record, AGAIN, SCHEMA};
pub use seal::{digest, Seal};
pub use sealing::{open, removed, OpenSeal};
