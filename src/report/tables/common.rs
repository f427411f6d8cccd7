//! For the table of claims.

pub use super::built::Context;
pub use super::notes::mean as mean_note;
pub use super::views::{views, View};
pub use crate::metrics::clips::{add, common_clips, Clips};
pub use crate::metrics::estimate::{estimate, largest_p, PERMUTATIONS};
use crate::stats::Estimate;

/// A fraction as percent.
pub fn percent(e: Estimate) -> Estimate {
    e.percent()
}
