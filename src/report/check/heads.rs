//! The latest version of every table, and what its head says it was made from.

use super::texts::whole;
use crate::fault::Result;
use crate::report::archive::{versions, CellDifference};
use crate::report::build::Options;
use crate::report::table::Header;
use crate::stats::Bootstrap;
use std::path::Path;

/// A table on disk.
pub struct Head {
    pub table: String,
    pub version: u32,
    pub csv: String,
    pub header: Header,
    plan: Bootstrap,
}

impl Head {
    /// Directory names of the runs it names.
    pub fn runs(&self) -> Vec<String> {
        self.header.origins.iter().map(|origin| origin.run.clone()).collect()
    }

    /// How it was made.
    pub fn options(&self) -> Options {
        Options { only: Some(self.runs()), plan: self.plan }
    }

    /// Its file with that extension, inside the reports.
    pub fn file(&self, extension: &str) -> String {
        format!("{}/{}.{extension}", self.table, versions::stem(self.version))
    }
}

/// Whether a report could have been made so: what a file asks for is not computed without a bound.
fn sane(plan: &Bootstrap) -> bool {
    const REPLICATES: usize = 100_000;
    plan.replicates <= REPLICATES && plan.level > 0.0 && plan.level < 1.0
}

/// The latest version of each table; a head that cannot be read is a difference.
///
/// # Errors
/// If a file cannot be read.
pub fn read(reports: &Path) -> Result<(Vec<Head>, Vec<CellDifference>)> {
    let (mut heads, mut differences) = (Vec::new(), Vec::new());
    for table in versions::tables(reports) {
        let Some(&version) = versions::list(reports, &table).last() else { continue };
        let csv = versions::read(reports, &table, version, "csv")?;
        let parsed = Header::parse(&csv).filter(|header| header.table == table);
        match parsed.and_then(|header| Some((header.plan().filter(sane)?, header))) {
            Some((plan, header)) => heads.push(Head { table, version, csv, header, plan }),
            None => {
                let file = format!("{table}/{}.csv", versions::stem(version));
                let expected = "the lines that say what the table was made from";
                differences.push(CellDifference {
                    row: "(head)".into(),
                    ..whole(&table, &file, "a head that cannot be read", expected)
                });
            }
        }
    }
    Ok((heads, differences))
}
