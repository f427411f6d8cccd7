//! Reads settings: one value each, with the reference's default where a key is absent.

use super::keys::{self, Section};
use super::node::Node;
use super::problems::Problems;
use super::settings::{Setting, Settings};
use crate::fault::Fault;

/// A number of tokens that is not read as millions is a million times too long.
const MOST_MILLIONS: f64 = 1e6;

/// Reads settings; what is wrong, and what was assumed, goes to the problems.
pub struct Values<'v> {
    pub settings: &'v Settings,
    pub problems: &'v Problems,
}

impl Values<'_> {
    /// The one setting of `key`; all that read it must say the same.
    pub fn setting(&self, key: &str) -> Option<&Setting> {
        let all = self.settings.values.get(key)?;
        let first = all.first()?;
        if let Some(other) = all.iter().find(|other| !other.value.same(&first.value)) {
            self.problems.push(two_values(key, first, other));
        }
        Some(first)
    }

    /// The setting of `key` in `section` alone.
    pub fn setting_in(&self, key: &str, section: Section) -> Option<&Setting> {
        self.settings.values.get(key)?.iter().find(|setting| setting.section == section)
    }

    /// The setting of `key` with which the published loader trains; the one that evaluates must say the same. A
    /// loader that is not told does what `absent` says.
    pub fn of_loader(&self, key: &str, absent: &str) -> Option<&Setting> {
        let all = self.setting(key)?;
        let (train, eval) = (self.setting_in(key, Section::Train), self.setting_in(key, Section::Eval));
        match (train, eval) {
            (None, Some(eval)) => {
                let what = format!(
                    "`{key}` only where it evaluates: the loader that trains does without it ({absent})"
                );
                let fault = Fault::invalid(what).at(eval.path.clone()).found(eval.value.show());
                self.problems.push(fault.help(format!(
                    "--ignore {} leaves it out; write it in `train_loader_config` too if it is meant for both",
                    eval.path
                )));
                None
            }
            (Some(train), None) if self.settings.evaluates => {
                self.problems.note(format!(
                    "`{}` only where it trains, the evaluation there does without it ({absent}): here both have it",
                    train.path
                ));
                Some(train)
            }
            _ => Some(all),
        }
    }

    /// What a setting says.
    pub fn read<T>(&self, setting: &Setting, read: impl Fn(&Node) -> Option<T>, expected: &str) -> Option<T> {
        let value = read(&setting.value);
        if value.is_none() {
            self.problems.push(
                Fault::invalid("this value cannot be what it should")
                    .at(setting.path.clone())
                    .found(setting.value.show())
                    .expected(expected),
            );
        }
        value
    }

    /// What `key` says; absent keys are `None`, and so are values that cannot be read, once they are told.
    pub fn get<T>(&self, key: &str, read: impl Fn(&Node) -> Option<T>, expected: &str) -> Option<T> {
        self.read(self.setting(key)?, read, expected)
    }

    /// What `key` says; absent, the reference's default, with a note.
    pub fn or<T: Clone>(
        &self,
        key: &str,
        read: impl Fn(&Node) -> Option<T>,
        expected: &str,
        (default, shown): (T, &str),
    ) -> T {
        if self.setting(key).is_none() {
            self.absent(key, shown);
        }
        self.get(key, read, expected).unwrap_or(default)
    }

    /// Says that a key is missing.
    pub fn missing(&self, key: &str, expected: &str) {
        if !self.settings.unresolved.contains(key) {
            self.problems.push(Fault::invalid(format!("`{key}` is missing")).expected(expected));
        }
    }

    /// Says that a key is absent and what that means.
    pub fn absent(&self, key: &str, shown: &str) {
        let whose = match keys::known(key).map(|key| key.sections[0]) {
            Some(Section::Model) => "model",
            Some(Section::Train | Section::Eval) => "loader",
            _ => "launcher",
        };
        self.problems.note(format!("`{key}` is absent: {shown}, the published {whose}'s default"));
    }

    /// What `key` says; there is no default.
    pub fn need<T>(&self, key: &str, read: impl Fn(&Node) -> Option<T>, expected: &str) -> Option<T> {
        if self.setting(key).is_none() {
            self.missing(key, expected);
        }
        self.get(key, read, expected)
    }

    /// One entry for each of `n` modalities.
    pub fn each<T>(
        &self,
        key: &str,
        n: usize,
        read: fn(&Node) -> Option<T>,
        expected: &str,
    ) -> Option<Vec<T>> {
        let list = self.need(key, |node| node.list(read), expected)?;
        if list.len() != n {
            self.problems.push(
                Fault::invalid(format!("`{key}` is not as long as `modalities`"))
                    .found(list.len())
                    .expected(n),
            );
            return None;
        }
        Some(list)
    }

    /// A number of tokens, from millions.
    pub fn millions(&self, key: &str) -> Option<u64> {
        let value = self.get(key, Node::number, "millions of tokens")?;
        if (0.0..MOST_MILLIONS).contains(&value) {
            return Some((value * 1e6).round() as u64);
        }
        self.problems.push(
            Fault::invalid(format!("`{key}` is counted in millions"))
                .found(value)
                .expected("0 or more, below a million millions, e.g. 600 for 600 million tokens"),
        );
        None
    }
}

/// One key, two values.
pub fn two_values(key: &str, first: &Setting, other: &Setting) -> Fault {
    Fault::invalid(format!("`{key}` has two values"))
        .found(format!("{} at {}, {} at {}", first.value.show(), first.path, other.value.show(), other.path))
        .help(format!("--ignore {} leaves one of them out", other.path))
}

/// A whole number as the machine counts.
pub fn size(node: &Node) -> Option<usize> {
    usize::try_from(node.whole()?).ok()
}
