//! Run directories: plain files, written so that a crash at any moment loses nothing.
//!
//! ```text
//! runs/<name>-<first 10 hex of the identity>[-a<attempt>]/
//!   manifest.ron resolved.ron provenance.json   as the run was started
//!   status.json                                 state, step, times
//!   metrics.csv eval.csv digests.csv            append-only; on resume exactly what the checkpoint says
//!   checkpoints/step-00000123.safetensors       (+ .optimizer.safetensors, its other half)
//!   probes/<probe>.csv                          per-example scores
//!   record.json                                 written when all of it is there: the commit marker
//!   SHA256SUMS                                  digests of all of these, written last
//!   log.txt lock
//! ```

mod atomic;
mod csv_log;
mod find;
pub mod json;
pub mod last_line;
mod lock;
mod made_for;
pub mod regular;
mod rows;
mod run_dir;
pub mod sniff;
mod status;
pub mod tensors;

pub use atomic::{write_atomic, write_atomic_with, TEMPORARY};
pub use csv_log::{Columns, CsvLog};
pub use find::{attempts, find, list};
pub use lock::{Asked, Holder, Lock};
pub use made_for::CellOf;
pub use rows::{Follower, Rows, RowsDigest, Tables};
pub use run_dir::{RunDir, RunId};
pub use status::{State, Status, TableAt};
