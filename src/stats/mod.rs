//! Intervals, tests and corrections; pure functions (DESIGN §8).
//!
//! The unit of resampling is the clip, never the token. What cannot be estimated is an `Err` with
//! its reason, never 0. Anything random is a function of a seed and an index (`rng::stream`), and
//! every reduction has a fixed order, so a number does not depend on the number of threads.

pub mod auc;
pub mod binomial;
pub mod bootstrap;
pub mod crossed;
pub mod detectable;
pub mod estimate;
pub mod hierarchical;
pub mod mcnemar;
pub mod multiple;
pub mod numpy;
pub mod pairing;
pub mod proportion;
pub mod sign_flip;
pub mod two_recipes;

pub use bootstrap::Bootstrap;
pub use estimate::{Alternative, Estimable, Estimate, Interval, NotEstimable, FEWEST};
