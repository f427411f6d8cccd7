//! The guard of the house: which module may know which, and what no module does. Read from the sources, so
//! that it holds for code nobody runs; `rules/` has one rule per constant, each shown to fail.

mod frozen;
mod rules;
mod source;
mod tokens;
mod uses;

use source::Sources;
use std::fmt;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// From `src`.
    pub path: String,
    /// 0: the whole file.
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "src/{}: {}", self.path, self.what),
            line => write!(f, "src/{}:{line}: {}", self.path, self.what),
        }
    }
}

pub struct Rule {
    pub name: &'static str,
    pub find: fn(&Sources) -> Vec<Violation>,
    /// What added to the real sources must be found.
    pub seen: &'static [Plant],
    /// What added to the real sources must not be found: file and text.
    pub unseen: &'static [(&'static str, &'static str)],
}

pub struct Plant {
    /// The file it is added to, at its end; perhaps a new one.
    pub path: &'static str,
    pub text: &'static str,
    /// Part of what is said then.
    pub says: &'static str,
}

const fn plant(path: &'static str, text: &'static str, says: &'static str) -> Plant {
    Plant { path, text, says }
}

#[test]
fn every_rule_holds() {
    let mut wrong = Vec::new();
    for rule in rules::ALL {
        let found = (rule.find)(Sources::real());
        if !found.is_empty() {
            let lines: Vec<String> = found.iter().map(|v| format!("    {v}")).collect();
            wrong.push(format!("{} ({}):\n{}", rule.name, found.len(), lines.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A guard that has never said no guards nothing.
#[test]
fn every_rule_is_seen_to_fail() {
    for rule in rules::ALL {
        let before = (rule.find)(Sources::real());
        let after = |path: &str, text: &str| -> Vec<String> {
            let found = (rule.find)(&Sources::real().with(path, text));
            found.into_iter().filter(|v| !before.contains(v)).map(|v| v.to_string()).collect()
        };
        assert!(!rule.seen.is_empty(), "{} is never shown to fail", rule.name);
        for plant in rule.seen {
            let found = after(plant.path, plant.text);
            assert!(
                found.iter().any(|v| v.contains(plant.path) && v.contains(plant.says)),
                "{}: {:?} in {} is not found: {found:?}",
                rule.name,
                plant.text,
                plant.path
            );
        }
        for (path, text) in rule.unseen {
            let found = after(path, text);
            assert!(found.is_empty(), "{}: {text:?} in {path} is found: {found:?}", rule.name);
        }
    }
}
