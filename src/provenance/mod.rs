//! What produced a result: code, repository, data, machine (`provenance.json`).
//!
//! Nothing here enters a hash except the code hash; times and the device come in as values.

mod built;
pub mod code;
mod collect;
pub mod machine;
pub mod repository;

pub use built::{built, commit, Code, CODE_HASH};
pub use collect::{collect, Data, Provenance, Segment, Situation, SCHEMA};
