//! `nano4m verify A [B]`: prints what [`crate::verify`] finds.

use super::args::{Global, Verify};
use super::session::runs_folder;
use super::{output, Done};
use crate::fault::{Exit, Result};
use crate::store;
use crate::verify::{self, Findings};

/// `nano4m verify A [B]`; exit 1 when a difference is found.
pub fn verify(args: &Verify, g: &Global) -> Result<Done> {
    let root = runs_folder(g);
    let a = store::find(&root, &args.a)?;
    let (findings, what) = match &args.b {
        None => (verify::intact(&a)?, a.id.directory()),
        Some(b) => {
            let b = store::find(&root, b)?;
            (verify::compare(&a, &b)?, format!("{} and {}", a.id.directory(), b.id.directory()))
        }
    };
    if g.json {
        output::json(&findings)?;
    } else {
        output::data(&text(&findings, &what, args.b.is_some()))?;
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
    for d in &findings.differences {
        text += &format!("  {d}\n");
    }
    text
}
