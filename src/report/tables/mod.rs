//! The tables, one small file each: what a line is, which test it makes, which note stands below.
//!
//! All go the same way: the scores of every experiment's runs (`views::scored`) → lines, one for each key and
//! view (`views::lines`, or `compared::block` where sources stand beside a model) → their tests corrected
//! together (`tested::correct`) → what is bold → headlines for the front page and, last, cells.

mod all;
mod built;
mod claims;
mod classification;
mod compared;
mod cross_entropy;
mod directions;
mod eval_results;
mod forward_vs_autoregressive;
mod generation;
mod linear_probe;
mod memorization;
pub mod notes;
mod per_class;
mod retrieval;
mod strongest;
pub mod tested;
pub mod verdict;
mod views;

pub use all::all;
pub use views::Context;
