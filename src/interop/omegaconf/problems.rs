//! What stands in the way, all of it in one message.

use crate::fault::{Fault, Result};
use std::cell::RefCell;

/// Problems that a message has room for.
const LISTED: usize = 40;

/// Everything that is wrong, and everything that was assumed.
#[derive(Default)]
pub struct Problems {
    faults: RefCell<Vec<Fault>>,
    notes: RefCell<Vec<String>>,
}

impl Problems {
    pub fn push(&self, fault: Fault) {
        let mut faults = self.faults.borrow_mut();
        let same =
            |f: &&mut Fault| (&f.what, &f.found, &f.expected) == (&fault.what, &fault.found, &fault.expected);
        match (faults.iter_mut().find(same), &fault.place) {
            (None, _) => faults.push(fault),
            // One line for one difference, with every place it stands at.
            (Some(Fault { place: Some(places), .. }), Some(place)) if places != place => {
                places.push_str(", ");
                places.push_str(place);
            }
            _ => {}
        }
    }

    /// Something the user has to know about a manifest that can be written.
    pub fn note(&self, text: impl Into<String>) {
        self.notes.borrow_mut().push(text.into());
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.faults.borrow().is_empty()
    }

    /// The notes, if nothing is wrong.
    ///
    /// # Errors
    /// Exit 2: everything that is wrong.
    pub fn finish(self) -> Result<Vec<String>> {
        let mut faults = self.faults.into_inner();
        match faults.len() {
            0 => Ok(self.notes.into_inner()),
            1 => Err(faults.remove(0)),
            n => Err(all(n, &faults)),
        }
    }
}

fn all(n: usize, faults: &[Fault]) -> Fault {
    let mut lines: Vec<String> = faults.iter().take(LISTED).map(line).collect();
    if n > LISTED {
        lines.push(format!("  - and {} more", n - LISTED));
    }
    let mut helps: Vec<&str> = Vec::new();
    // `--ignore` of each is said once for all.
    let own = faults.iter().filter_map(|fault| fault.help.as_deref());
    for help in own.filter(|help| !help.starts_with("--ignore")) {
        if !helps.contains(&help) && helps.len() < 6 {
            helps.push(help);
        }
    }
    if !helps.iter().any(|help| help.contains("--ignore KEY")) {
        helps.push("--ignore KEY, by name or path, leaves a setting out knowingly");
    }
    Fault::invalid(format!("{n} things stand in the way:\n{}", lines.join("\n"))).help(helps.join("; "))
}

fn line(fault: &Fault) -> String {
    let place = fault
        .place
        .as_deref()
        .map(|place| format!("`{}`: ", place.replace(", ", "`, `")))
        .unwrap_or_default();
    let values = match (&fault.found, &fault.expected) {
        (Some(found), Some(expected)) => format!(" (found {found}, expected {expected})"),
        (Some(found), None) => format!(" (found {found})"),
        (None, Some(expected)) => format!(" (expected {expected})"),
        (None, None) => String::new(),
    };
    format!("  - {place}{}{values}", fault.what)
}
