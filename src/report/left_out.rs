//! Finished runs that a report cannot use: of another version of the program, or damaged.

use crate::fault::Fault;
use serde::{Serialize, Serializer};
use std::fmt;

/// A run that is left out of a report, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Name of its directory.
    pub run: String,
    /// What is wrong with it; absent: it is of another version of the program.
    pub damage: Option<String>,
}

impl LeftOut {
    /// A run that this version cannot read.
    pub fn of_another_version(run: String) -> LeftOut {
        LeftOut { run, damage: None }
    }

    /// A run with a part that is not what was recorded.
    pub fn damaged(run: String, fault: &Fault) -> LeftOut {
        let file = fault.place.as_deref().and_then(|place| place.rsplit_once(&format!("{run}/")));
        let place = file.map_or(String::new(), |(_, file)| format!(" ({file})"));
        LeftOut { run, damage: Some(format!("{}{place}", fault.what)) }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.damage {
            Some(damage) => write!(f, "{}: {damage}", self.run),
            None => f.write_str(&self.run),
        }
    }
}

impl Serialize for LeftOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One line on the runs of another version, if there are any, and one on each that is damaged.
pub fn lines(all: &[LeftOut]) -> Vec<String> {
    let old: Vec<&str> = all.iter().filter(|one| one.damage.is_none()).map(|one| one.run.as_str()).collect();
    let versions = match old.len() {
        0 => None,
        1 => Some("1 run of another version of nano4m is".to_string()),
        several => Some(format!("{several} runs of another version of nano4m are")),
    };
    let mut lines: Vec<String> =
        versions.map(|runs| format!("{runs} left out: {}", old.join(", "))).into_iter().collect();
    let damaged = all.iter().filter_map(|one| Some((&one.run, one.damage.as_ref()?)));
    lines.extend(damaged.map(|(run, damage)| format!("run {run} is damaged and left out: {damage}")));
    lines
}
