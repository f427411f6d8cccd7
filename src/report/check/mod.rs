//! `report --check`: every digit of the latest tables, every plot and both pages, made again and compared; of
//! everything else the digest.

mod checked;
mod gathered;
mod heads;
mod pages;
mod recomputed;
mod same_run;
mod story;
mod texts;

pub use checked::{Checked, Uncheckable};
pub use story::check;
