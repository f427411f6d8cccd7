//! What has been found wrong so far, and what stands in for it.

use crate::manifest::diagnostic::Finding;
use serde::de;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

/// Mistakes are collected up to here.
const MOST: usize = 100;

/// A mistake, and the bytes of the text it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub finding: Finding,
    pub span: Range<usize>,
}

/// Why a pass over the tree ended early. All but `Told` become that on their way out.
#[derive(Debug)]
pub enum Failure {
    /// A field that is not there and has no default.
    Missing(&'static str),
    /// What a type says of a value it refuses.
    Refused(String),
    /// It is noted.
    Told,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Missing(field) => write!(f, "missing field `{field}`"),
            Failure::Refused(why) => f.write_str(why),
            Failure::Told => f.write_str("told"),
        }
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Failure {
        Failure::Refused(message.to_string())
    }

    fn missing_field(field: &'static str) -> Failure {
        Failure::Missing(field)
    }
}

/// Notes of all passes over one tree.
#[derive(Default)]
pub struct Repairs {
    /// Whether numbers that stand in are large: what both kinds are told is not told because of them.
    pub large: bool,
    wrong: RefCell<Vec<Wrong>>,
    stand_ins: RefCell<BTreeSet<String>>,
    missing: RefCell<BTreeSet<(String, &'static str)>>,
    refused: RefCell<BTreeSet<String>>,
}

impl Repairs {
    pub fn new(large: bool) -> Repairs {
        Repairs { large, ..Repairs::default() }
    }

    pub fn tell(&self, finding: Finding, span: Range<usize>) {
        let mut wrong = self.wrong.borrow_mut();
        let told = |w: &Wrong| w.span.start == span.start && w.finding.what == finding.what;
        if wrong.len() < MOST && !wrong.iter().any(told) {
            wrong.push(Wrong { finding, span });
        }
    }

    /// Something else stands at `path`.
    pub fn stands_in(&self, path: &str) {
        self.stand_ins.borrow_mut().insert(path.to_owned());
    }

    /// The struct at `path` gets a stand-in for a field on the next pass.
    pub fn supply(&self, path: &str, field: &'static str) {
        self.missing.borrow_mut().insert((path.to_owned(), field));
    }

    /// Fields that the struct at `path` gets.
    pub fn supplied(&self, path: &str) -> Vec<&'static str> {
        self.missing.borrow().iter().filter(|(at, _)| at == path).map(|(_, field)| *field).collect()
    }

    /// The value at `path` is not offered again.
    pub fn refuse(&self, path: &str) {
        self.refused.borrow_mut().insert(path.to_owned());
    }

    pub fn is_refused(&self, path: &str) -> bool {
        self.refused.borrow().contains(path)
    }

    /// Grows with every pass that can help.
    pub fn progress(&self) -> usize {
        self.missing.borrow().len() + self.refused.borrow().len()
    }

    /// Mistakes, and paths where something stands in.
    pub fn into_parts(self) -> (Vec<Wrong>, Vec<String>) {
        (self.wrong.into_inner(), self.stand_ins.into_inner().into_iter().collect())
    }
}
