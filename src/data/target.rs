//! Where a dataset is written to.

use crate::fault::{Fault, Result};
use std::path::Path;

/// Refuses a target that exists: worth asking before long work.
///
/// # Errors
/// If it does, whatever it is.
pub fn refuse_existing(target: &Path) -> Result<()> {
    if std::fs::symlink_metadata(target).is_err() {
        return Ok(());
    }
    Err(Fault::invalid("the target exists already")
        .at(target.display().to_string())
        .help("name a folder that does not exist; nothing is ever overwritten"))
}
