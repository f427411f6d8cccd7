//! The reference's YAML configuration → a manifest.
//!
//! Only what the reference documents (model, modalities, masking, optimization) is understood, under the
//! names in [`KEYS`]; a key counts in the section that reads it. Absent keys mean what they mean there. Keys of
//! [`FIXED`] may say what is done here; every other key is refused by name: a setting that is dropped silently
//! would give another experiment.

mod arithmetic;
mod class;
mod import;
mod keys;
mod modalities;
mod node;
mod problems;
mod reference;
mod settings;
mod train;
mod values;
mod yaml;

pub use import::{import, import_text, Imported, Options};
pub use keys::{FIXED, KEYS, WITHOUT_EFFECT};
pub use yaml::MOST_BYTES;

#[cfg(test)]
mod tests;
