//! Manifests: what an experiment is, whether it is valid, and what it is pinned to.
//!
//! `read` goes from a file to a checked `Experiment`: RON → types (`text`), overrides
//! (`overrides`), meaning (`check`), and every problem gets its line and column (`syntax`, `lookup`).

pub mod check;
mod decode;
pub mod diagnostic;
pub mod fields;
pub mod identity;
pub mod lookup;
mod masking;
pub mod measured;
pub mod overrides;
mod per_modality;
pub mod pins;
mod probes;
mod read;
pub mod schema;
pub mod syntax;
pub mod text;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use identity::{identity, run_dir_name};
pub use read::{parse, read, Loaded};
pub use text::{read_as, resolved};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
