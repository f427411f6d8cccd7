//! Every plot of a report.

use super::draw::Plot;
use super::{baselines, confusion, curves, ranks};
use crate::fault::Result;
use crate::report::runs::Group;
use crate::report::table::Table;

/// Every plot the runs have data for, in a fixed order.
pub fn all(groups: &[Group], tables: &[Table]) -> Result<Vec<Plot>> {
    let mut plots = Vec::new();
    for group in groups {
        plots.extend(curves::plot(group)?);
        plots.extend(baselines::plot(group, tables)?);
        plots.extend(confusion::plots(group)?);
        plots.extend(ranks::plot(group)?);
    }
    Ok(plots)
}
