//! A text file that somebody else wrote: what it is, before it is read.

use super::diagnostic::Finding;
use super::reading::FILE_BYTES;
use crate::store::regular;
use crate::store::sniff::Nature;
use std::path::Path;

/// The text of the file at `path`, which should be a `kind`, e.g. `manifest`; without its byte order mark.
///
/// # Errors
/// What is no regular file, is larger than any such file, or holds no text.
pub fn text(path: &Path, kind: &str) -> Result<String, Finding> {
    let bytes = regular::read(path, FILE_BYTES)
        .map_err(|e| Finding::error("", format!("cannot read the {kind}: {e}")))?;
    let nature = Nature::of(&bytes).filter(|nature| *nature != Nature::Utf8WithMark);
    if let Some(nature) = nature {
        let what = format!("the file is {}, not a {kind}", nature.name());
        return Err(Finding::error("", what).expected("RON in UTF-8").help(nature.help()));
    }
    if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
        let finding = Finding::error("", format!("the file is YAML, not a {kind}")).expected("RON in UTF-8");
        return Err(finding.help("`nano4m import FILE` makes a manifest of a configuration of the reference"));
    }
    regular::text(bytes).map_err(|fault| {
        let finding = Finding::error("", format!("the {kind} is not text")).expected("RON in UTF-8");
        fault.found.into_iter().fold(finding, Finding::found)
    })
}
