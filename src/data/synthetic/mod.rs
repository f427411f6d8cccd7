//! Synthetic data with planted structure and a known optimum (DESIGN §5).
//!
//! Each clip has a latent class, drawn uniformly. Every modality has one prototype sequence per class,
//! uniform over its vocabulary. A token shows its class's prototype with probability `strength`, else
//! a uniform id (which may be the prototype too); given the class, all tokens are independent:
//! ```text
//! p(x | class, modality, position) = strength · [x = prototype] + (1 − strength) / vocab
//! ```
//! The class is what modalities have in common, so the strength of a *pair* follows from the strengths
//! of its two. A caption modality shows the name of the class (`c03`) without noise, whatever the
//! strength says. Rows of a clip are independent noise over the same class.
//!
//! `Source` makes the clips (`source`) and knows what the best possible predictor of them would
//! score, by enumeration over the classes (`optimum`).

mod generate;
mod optimum;
mod source;

pub use generate::generate;
pub use source::Source;

#[cfg(test)]
mod tests;
