//! `nano4m generate`: tokens of one modality from others, as a dataset in the published layout.

mod args;
mod command;

pub use args::Args;
pub use command::generate;
