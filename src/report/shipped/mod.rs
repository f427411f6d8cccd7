//! `reports/scores/`: what is needed to compute a report's tables again where its runs are not.

mod needed;
mod packed;
mod publish;
mod staged;

pub use needed::{of_ablation, of_runs, Needed};
pub use packed::{Packed, FOLDER, MACHINE};
pub use publish::{publish, Published};
pub use staged::{ablations, path, Staged};
