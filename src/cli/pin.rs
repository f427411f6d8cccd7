//! `nano4m pin MANIFEST`: what a manifest is held to.

use super::arguments::{Global, ManifestArgs};
use super::done::Done;
use super::{environment, manifest, output};
use crate::fault::Result;
use crate::manifest::pins;
use crate::store::write_atomic;
use crate::{provenance, runner};
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The manifest
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,
    /// Show what would change, write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `nano4m pin MANIFEST`: writes dataset hash, code hash and commit.
pub fn pin(args: &Args, global: &Global) -> Result<Done> {
    let named = ManifestArgs { manifest: args.manifest.clone(), set: Vec::new() };
    let loaded = manifest::read(&named)?;
    let data = manifest::dataset(&loaded, &environment::settings(global))?;
    let refreshed = pins::refresh(&loaded.text, &runner::current(&data))?;
    if !refreshed.changes.is_empty() && !args.dry_run {
        write_atomic(&args.manifest, refreshed.text.as_bytes())?;
    }
    if global.json {
        output::json(&refreshed.changes)?;
    } else if refreshed.changes.is_empty() {
        output::note("every pin was right already");
    } else {
        let lines: Vec<String> = refreshed.changes.iter().map(ToString::to_string).collect();
        output::data(&lines.join("\n"))?;
    }
    if provenance::commit().is_none() {
        output::note("note: the program's sources are not committed as built, so no commit is pinned");
    }
    Ok(Done::Fine)
}
