//! Tables and plots from records; needs no tensor library.
//!
//! ```text
//! runs/*/record.json, probes/*.csv  →  runs (groups of seeds)  →  tables  →  reports/
//!   eval_results.md                  front page
//!   <table>/v0001.csv, v0001.md      a new version only when content changed
//!   plots/*.svg, index.html          everything on one page
//!   scores/<run>.tar.gz, SHA256SUMS  what every digit is computed from again, and the digest of every file
//! ```

mod archive;
mod build;
mod check;
pub mod comparison;
mod front;
mod left_out;
mod page;
mod plots;
mod publish;
mod reference;
mod runs;
mod scores;
mod shipped;
mod summary;
pub mod table;
mod tables;

pub use archive::{diff, has_tables, CellDifference, Diff};
pub use build::{build, Options, Report};
pub use check::{check, Checked, Uncheckable};
pub use comparison::ComparisonTables;
pub use left_out::{lines as left_out, LeftOut};
pub use plots::Plot;
pub use publish::{generate, generate_ablation};
pub use summary::{Summary, Written};
pub use table::{Header, Table};
