//! Plots as SVG text; labels are `<text>`, so no font file is needed.

mod all;
mod baselines;
mod confusion;
mod curves;
pub mod draw;
mod ranks;

pub use all::all;
pub use draw::Plot;
