//! What a well-typed ablation can still get wrong. All problems are collected.

mod cells;
mod file;
mod paths;

pub use cells::cells;
pub use file::file;
