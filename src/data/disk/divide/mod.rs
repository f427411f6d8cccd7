//! Dividing clips into train, validation and test (REFERENCE §2), as a new directory in the layout.

mod assign;
mod merge;
mod request;
mod split_list;
mod tables;

pub use assign::{Division, Incomplete, Stratum};
pub use request::{divide, Request};
