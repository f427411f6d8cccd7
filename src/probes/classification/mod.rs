//! Class of a clip from other modalities, read off the caption the network expects.
//!
//! Row 0 of every test clip, whole input modalities, one forward pass:
//! ```text
//! logit_rank_as_trained      target: caption position 1; classes ranked by the log-probability of their
//!                            key token, as it stands in training captions (the headline)
//! logit_rank_leading_space   the same with the published keys, which no caption has at that position
//! caption_likelihood         target: the whole caption; a class scores log sum exp over its captions of
//!                            the sum over positions of the log-probability of the caption's id
//! ..._minus_prior            minus log mean exp of the class's score over the other clips' inputs
//! sequence_decode            argmax of every position among ids of text, decoded, matched by name
//! ```
//! The softmax is the one of the training loss. Ties count against the model, but for classes that share
//! their key token ("pig oinking", "pigeon cooing"): these keep the order of the classes, as published. A
//! clip for which all classes score the same has no rank and no row. `shuffled_input`: another clip's
//! input, this class. `majority_class`: the classes in the order of their training clips, whatever the input.

mod caption_scores;
mod measure;
mod ranking;
mod run;

pub use measure::measure;
pub(super) use run::{run, tokens};

#[cfg(test)]
mod tests;
