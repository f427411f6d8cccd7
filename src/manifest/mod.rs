//! Manifests: what an experiment is, whether it is valid, and what it is pinned to.
//!
//! `read` goes from a file (`file`) to a checked `Experiment`: RON → types (`text`; where RON refuses, as it was
//! meant: `reading`), overrides (`overrides`), meaning (`check`). Every problem gets its line and column
//! (`syntax`, `lookup`) and is shown there (`excerpt`, `render`).

pub mod changed;
pub mod check;
mod decode;
pub mod diagnostic;
mod excerpt;
pub mod fields;
pub mod file;
pub mod identity;
pub mod lookup;
mod masking;
pub mod measured;
pub mod overrides;
mod per_modality;
pub mod pins;
mod probes;
mod read;
pub mod reading;
mod render;
pub mod schema;
pub mod syntax;
pub mod text;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use identity::{identity, run_dir_name};
pub use read::{parse, read, Loaded};
pub use render::listing;
pub use text::{read_as, resolved};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
