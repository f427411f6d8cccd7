//! What was looked at, and where bits differ.

use crate::fault::{Fault, Result};
use serde::Serialize;
use std::fmt;

/// What was looked at and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Findings {
    /// What was compared, one line each.
    pub checked: Vec<String>,
    /// What is held by a digest alone, as nothing here makes it again; one line each.
    pub by_digest_alone: Vec<String>,
    /// What was not looked at, and why; one line each.
    pub not_covered: Vec<String>,
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
    /// Column of a table, or field of a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What the first run (or the record) says.
    pub a: String,
    /// What the second run (or the file) says.
    pub b: String,
    /// How many more there are of its kind in the file.
    #[serde(skip_serializing_if = "nothing")]
    pub more: usize,
}

fn nothing(more: &usize) -> bool {
    *more == 0
}

impl Difference {
    /// In a file as a whole.
    pub fn of(file: impl Into<String>, a: impl fmt::Display, b: impl fmt::Display) -> Difference {
        Difference { file: file.into(), a: a.to_string(), b: b.to_string(), ..Difference::default() }
    }

    pub fn step(self, step: u64) -> Difference {
        Difference { step: Some(step), ..self }
    }

    pub fn tensor(self, name: impl Into<String>) -> Difference {
        Difference { tensor: Some(name.into()), ..self }
    }

    pub fn column(self, name: impl Into<String>) -> Difference {
        Difference { column: Some(name.into()), ..self }
    }
}

impl Findings {
    /// Notes a difference if the two are not equal.
    pub fn equal<T: PartialEq + fmt::Display>(&mut self, file: &str, column: &str, a: T, b: T) {
        if a != b {
            self.differences.push(Difference::of(file, a, b).column(column));
        }
    }

    /// The value; a fault is a difference of the file.
    pub fn hold<T>(&mut self, file: &str, what: &str, result: Result<T>) -> Option<T> {
        let say = |fault: Fault| match fault.found {
            Some(found) => format!("{}: {found}", fault.what),
            None => fault.what,
        };
        result.map_err(|fault| self.differences.push(Difference::of(file, what, say(fault)))).ok()
    }

    /// Whether something is wrong with the file.
    pub fn differs(&self, file: &str) -> bool {
        self.differences.iter().any(|d| d.file == file)
    }

    /// Notes the first of some differences of one kind, and how many more there are.
    pub fn first_of(&mut self, all: impl IntoIterator<Item = Difference>) {
        let mut all = all.into_iter();
        if let Some(first) = all.next() {
            self.differences.push(Difference { more: all.count(), ..first });
        }
    }
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
        write!(f, ": {} ≠ {}", self.a, self.b)?;
        match self.more {
            0 => Ok(()),
            more => write!(f, ", and {more} more like it"),
        }
    }
}

/// A few numbers as a line has room for: `5, 10, 15, …`.
pub fn some(numbers: &[u64]) -> String {
    const SHOWN: usize = 5;
    let more = if numbers.len() > SHOWN { ", …" } else { "" };
    let shown: Vec<String> = numbers.iter().take(SHOWN).map(ToString::to_string).collect();
    format!("{}{more}", shown.join(", "))
}
