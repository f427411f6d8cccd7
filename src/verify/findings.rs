//! What was looked at, and where bits differ.

use serde::Serialize;
use std::fmt;

/// What was looked at and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Findings {
    /// What was compared, one line each.
    pub checked: Vec<String>,
    /// Empty when everything is equal.
    pub differences: Vec<Difference>,
}

/// One place where bits differ: the first of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// File of the run.
    pub file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tensor: Option<String>,
    /// Column of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What the first run (or the record) says.
    pub a: String,
    /// What the second run (or the file) says.
    pub b: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        let step = self.step.map(|s| s.to_string());
        for (name, value) in [("step", &step), ("tensor", &self.tensor), ("column", &self.column)] {
            if let Some(value) = value {
                write!(f, ", {name} {value}")?;
            }
        }
        write!(f, ": {} ≠ {}", self.a, self.b)
    }
}
