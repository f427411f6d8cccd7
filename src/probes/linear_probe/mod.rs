//! A linear classifier on mean encoder outputs: what of the class can be read off the encoder.
//!
//! ```text
//! feature of a clip   mean over the tokens of the encoder's output (after enc_norm), given the whole input
//!                     modalities of row 0
//! fitted on           the training split; γ (see `discriminant`) is the one with the most hits on the
//!                     validation split, the largest of equals
//! measured on         the test split
//! ```
//! Controls: `shuffled_labels` (training and validation labels permuted: what the classifier can learn by
//! heart) and `random_weights` (the same, on the network before training: what any encoder of this shape
//! gives away); `majority_class` answers the largest class of the training split. Row 0 alone is used in every
//! split, so each clip counts once and costs one forward pass.
//! Alain & Bengio, Understanding intermediate layers using linear classifier probes, 2016.

mod cholesky;
mod discriminant;
mod measure;
mod run;

pub use measure::measure;
pub(super) use run::{run, tokens};

#[cfg(test)]
mod tests;
