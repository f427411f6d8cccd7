//! `nano4m verify A [B]`: prints what [`crate::verify`] finds.

use super::arguments::Global;
use super::done::Done;
use super::environment::runs_folder;
use super::{layout, output};
use crate::fault::{Exit, Fault, Result};
use crate::store;
use crate::verify::{self, Findings};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which run
    #[arg(value_name = "A")]
    pub a: String,
    /// The run it should equal bit for bit; without it the files of A are checked
    #[arg(value_name = "B")]
    pub b: Option<String>,
}

/// `nano4m verify A [B]`; exit 1 when a difference is found.
pub fn verify(args: &Args, global: &Global) -> Result<Done> {
    let root = runs_folder(global);
    let a = store::find(&root, &args.a)?;
    let (findings, what) = match &args.b {
        None => (verify::intact(&a)?, a.id.directory()),
        Some(b) => {
            let b = store::find(&root, b)?;
            if a.id == b.id && a.path.canonicalize().ok() == b.path.canonicalize().ok() {
                return Err(Fault::invalid("both names mean one run, which is the same as itself")
                    .found(a.path.display().to_string())
                    .help("`nano4m run MANIFEST --force` makes a second one; `nano4m ls` lists all"));
            }
            (verify::compare(&a, &b)?, format!("{} and {}", a.id.directory(), b.id.directory()))
        }
    };
    if global.json {
        output::json(&findings)?;
    } else {
        output::data(&layout::text(&text(&findings, &what, args.b.is_some())))?;
    }
    Ok(if findings.differences.is_empty() { Done::Fine } else { Done::With(Exit::Failed) })
}

fn text(findings: &Findings, what: &str, two: bool) -> String {
    let verdict = match (findings.differences.is_empty(), two) {
        (true, true) => "the same bits",
        (true, false) => "intact",
        (false, true) => "different",
        (false, false) => "damaged",
    };
    let mut text = format!("{what}: {verdict}\n");
    for line in &findings.checked {
        text += &format!("  checked: {line}\n");
    }
    for line in &findings.by_digest_alone {
        text += &format!("  by digest alone: {line}\n");
    }
    for line in &findings.not_covered {
        text += &format!("  not covered: {line}\n");
    }
    for d in &findings.differences {
        text += &format!("  {d}\n");
    }
    text
}
