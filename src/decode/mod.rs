//! Iterative decoding: the tokens of one modality from others, by ROAR or MaskGIT (REFERENCE §6).
//!
//! ```text
//! known ← the first `given` tokens of the target
//! for each step:  ask the network for unknown positions, given the inputs and what is known
//!                 draw an id at each, restricted to the modality's vocabulary   (sample, truncate)
//!                 some or all of the draws become known                         (roar, maskgit, schedule)
//! what is left:   the most likely ids, given everything known
//! ```
//! Clips are packed into batches of at most a fixed number of tokens. The draws of a clip come from
//! `rng::stream(seed, Decode, [clip, step])` and its order from step 0 of the same key, so neither its
//! neighbours nor the number of threads have a say in its tokens.

mod generate;
mod maskgit;
mod predict;
mod roar;
mod sample;
mod schedule;
mod scheme;
mod truncate;

pub use generate::{generate, Task};
pub use sample::{Draw, Sampling};

#[cfg(test)]
mod tests;
