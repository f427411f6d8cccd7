//! A text read as a type: as RON reads it or, where RON refuses, as it was probably meant.

use super::limits;
use super::repairs::{Repairs, Wrong};
use super::value::Value;
use crate::manifest::diagnostic::Finding;
use crate::manifest::syntax::{self, Node};
use crate::manifest::text;
use serde::de::DeserializeOwned;

/// A pass helps by one note at least; more are not made.
const PASSES: usize = 200;

/// A text as it was meant, and every mistake in its writing.
#[derive(Clone, Debug)]
pub struct Reading<T> {
    /// None, one, or two that differ in what stands in for what could not be read.
    values: Vec<T>,
    /// In the order of the text; empty when RON reads it.
    pub wrong: Vec<Wrong>,
    /// Paths where something stands in.
    stand_ins: Vec<String>,
}

/// Reads `text`.
pub fn of_text<T: DeserializeOwned>(text: &str) -> Reading<T> {
    let (root, problems) = syntax::proofread(text);
    if let Some(wrong) = limits::too_much(&root) {
        return Reading::nothing(vec![wrong]);
    }
    let refused = match text::read_as::<T>(text) {
        Ok(value) => return Reading { values: vec![value], wrong: Vec::new(), stand_ins: Vec::new() },
        Err(refused) => refused,
    };
    let slight = problems.iter().all(|problem| problem.slight);
    // What is broken may make the rest look so.
    let broken: Vec<Wrong> = problems
        .into_iter()
        .filter(|problem| slight || !problem.slight)
        .map(|p| Wrong { finding: Finding::error("", p.what), span: p.start..p.end })
        .collect();
    if !slight {
        return Reading::nothing(broken);
    }
    let mut reading = meant::<T>(text, &root);
    reading.wrong.extend(broken);
    if reading.wrong.is_empty() {
        // What only RON knows to be wrong.
        let (finding, place) = refused;
        let at = syntax::offset(text, place);
        reading.wrong.push(Wrong { finding, span: at..at + 1 });
    }
    reading.wrong.sort_by_key(|wrong| wrong.span.start);
    reading
}

fn meant<T: DeserializeOwned>(text: &str, root: &Node) -> Reading<T> {
    let (first, wrong, stand_ins) = with_stand_ins::<T>(text, root, false);
    let second = if stand_ins.is_empty() { None } else { with_stand_ins::<T>(text, root, true).0 };
    Reading { values: first.into_iter().chain(second).collect(), wrong, stand_ins }
}

fn with_stand_ins<T: DeserializeOwned>(
    text: &str,
    root: &Node,
    large: bool,
) -> (Option<T>, Vec<Wrong>, Vec<String>) {
    let repairs = Repairs::new(large);
    let mut value = None;
    for _ in 0..PASSES {
        let before = repairs.progress();
        value = T::deserialize(Value::root(text, root, &repairs)).ok();
        if value.is_some() || repairs.progress() == before {
            break;
        }
    }
    let (wrong, stand_ins) = repairs.into_parts();
    (value, wrong, stand_ins)
}

impl<T> Reading<T> {
    /// Nothing that could be read, and why.
    pub fn nothing(wrong: Vec<Wrong>) -> Reading<T> {
        Reading { values: Vec::new(), wrong, stand_ins: Vec::new() }
    }

    /// What was read, exactly or as it was probably meant.
    pub fn value(&self) -> Option<&T> {
        self.values.first()
    }

    /// [`Reading::value`] by itself.
    pub fn into_value(self) -> Option<T> {
        self.values.into_iter().next()
    }

    /// What was read exactly.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn exact(self) -> Result<T, Vec<Wrong>> {
        match self.values.into_iter().next() {
            Some(value) if self.wrong.is_empty() => Ok(value),
            _ => Err(self.wrong),
        }
    }

    /// The same of another value.
    pub fn map(self, change: impl FnMut(T) -> T) -> Reading<T> {
        Reading { values: self.values.into_iter().map(change).collect(), ..self }
    }

    /// What `check` finds, without what it finds only because something stands in.
    pub fn checked(&self, check: impl Fn(&T) -> Vec<Finding>) -> Vec<Finding> {
        let mut all = self.values.iter().map(check);
        let mut found = all.next().unwrap_or_default();
        for others in all {
            found.retain(|f| others.iter().any(|o| (&o.path, &o.what) == (&f.path, &f.what)));
        }
        found.retain(|f| !self.stand_ins.iter().any(|path| concerns(&f.path, path)));
        found
    }
}

/// Whether a finding at `path` may be about what stands in at `stand_in`.
fn concerns(path: &str, stand_in: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let judged = path.starts_with("claims") || path.starts_with("metrics");
    within(path, stand_in)
        || within(stand_in, path)
        || (judged && (within(stand_in, "probes") || within(stand_in, "modalities")))
}
