//! `nano4m check` and `nano4m pin`: what a manifest says, and what it is held to.

use super::args::{Check, Global, ManifestArgs, Pin};
use super::session::{self, folder};
use super::{output, Done};
use crate::architecture::Config;
use crate::fault::{Exit, Result};
use crate::manifest::{self, pins, Loaded};
use crate::store::write_atomic;
use serde::Serialize;

/// `nano4m check MANIFEST`: every problem at once, without reading the data.
pub fn check(args: &Check, g: &Global) -> Result<Done> {
    if g.json {
        return as_json(args);
    }
    let loaded = session::read(&args.manifest)?;
    if args.resolved {
        output::data(&manifest::resolved(&loaded.experiment))?;
    } else {
        output::data(&summary(&loaded))?;
    }
    Ok(Done::Fine)
}

/// What a valid manifest amounts to.
#[derive(Serialize)]
struct Valid<'a> {
    valid: bool,
    steps: u64,
    parameters: usize,
    warnings: &'a [manifest::Diagnostic],
    resolved: Option<String>,
}

fn as_json(args: &Check) -> Result<Done> {
    match manifest::read(&args.manifest.manifest, &args.manifest.set) {
        Ok(loaded) => {
            let e = &loaded.experiment;
            output::json(&Valid {
                valid: true,
                steps: e.train.steps(),
                parameters: parameters(&loaded),
                warnings: &loaded.warnings,
                resolved: args.resolved.then(|| manifest::resolved(e)),
            })?;
            Ok(Done::Fine)
        }
        Err(problems) => {
            output::json(&serde_json::json!({ "valid": false, "problems": problems.items }))?;
            Ok(Done::With(Exit::Invalid))
        }
    }
}

fn summary(loaded: &Loaded) -> String {
    let e = &loaded.experiment;
    let warnings = match loaded.warnings.len() {
        0 => String::new(),
        1 => ", 1 warning".into(),
        n => format!(", {n} warnings"),
    };
    format!(
        "{} is valid: {} modalities, {} parameters, {} steps{warnings}",
        loaded.path.display(),
        e.modalities.len(),
        parameters(loaded),
        e.train.steps()
    )
}

fn parameters(loaded: &Loaded) -> usize {
    let e = &loaded.experiment;
    Config::new(&e.modalities, &e.model).parameters()
}

/// `nano4m pin MANIFEST`: writes dataset hash, code hash and commit.
pub fn pin(args: &Pin, g: &Global) -> Result<Done> {
    let named = ManifestArgs { manifest: args.manifest.clone(), set: Vec::new() };
    let loaded = session::read(&named)?;
    let data = session::dataset(&loaded.experiment, folder(&args.manifest))?;
    let refreshed = pins::refresh(&loaded.text, &session::found(&data))?;
    if !refreshed.changes.is_empty() && !args.dry_run {
        write_atomic(&args.manifest, refreshed.text.as_bytes())?;
    }
    if g.json {
        output::json(&refreshed.changes)?;
    } else if refreshed.changes.is_empty() {
        output::note("every pin was right already");
    } else {
        let lines: Vec<String> = refreshed.changes.iter().map(ToString::to_string).collect();
        output::data(&lines.join("\n"))?;
    }
    if crate::provenance::commit().is_none() {
        output::note("note: the program's sources are not committed as built, so no commit is pinned");
    }
    Ok(Done::Fine)
}
