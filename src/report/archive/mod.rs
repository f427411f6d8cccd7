//! What lies under `reports/`: versions of tables, read back and compared.

mod diff;
mod read;
pub mod sums;
pub mod versions;

pub use diff::{diff, Diff};
pub use read::{parse_csv, parse_markdown, CellDifference, NOTHING};
pub use versions::has_tables;
