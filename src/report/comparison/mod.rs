//! Cells of an ablation, or two experiments, held against each other on the same clips and seeds.
//!
//! ```text
//! runs/ablations/<name>.json  →  sides (cells, runs, scores per clip)
//!   →  ranking (every pair on every metric, corrected together)  →  tables, Pareto plots
//! ```

mod build;
mod contrast;
mod cost;
mod effects;
mod forecast;
mod notes;
mod pareto;
mod ranking;
mod sides;
mod speed;
mod tables;
mod words;

pub use build::{ablation, find, has_runs, pair, table_names, ComparisonTables};
pub use contrast::{Contrast, Runs, Seed, Tested};
pub use forecast::{detectable, Detectable};
pub use speed::Speed;
pub use words::Words;
