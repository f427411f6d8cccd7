//! The reference's YAML configuration → a manifest.
//!
//! Only what the reference documents (model, modalities, masking, optimization) is understood, under the
//! names in [`KEYS`]; sections may be nested in any way, `${a.b}` stands for the value at `a.b`. Every other
//! key is refused by name: a setting that is dropped silently would give another experiment.

mod import;
mod keys;

pub use import::{import, Imported};
pub use keys::{KEYS, WITHOUT_EFFECT};

#[cfg(test)]
mod tests;
