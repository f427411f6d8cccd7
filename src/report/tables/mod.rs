//! The tables, one small file each: which rows, which test, which note.

mod all;
mod built;
mod claims;
mod classification;
mod common;
mod compared;
mod cross_entropy;
mod directions;
mod eval_results;
mod forward_vs_autoregressive;
mod generation;
mod linear_probe;
mod memorization;
mod per_class;
mod retrieval;
pub mod verdict;

pub use all::all;
pub use classification::hit;
pub use common::{add, estimate, mean_note, share, Clips, Context, ALPHA, PERMUTATIONS, POWER};
