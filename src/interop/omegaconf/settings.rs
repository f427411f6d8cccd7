//! The settings of a configuration: each with its value and the place it stands at.

use super::keys::{self, Fixed, Key, Section, FIXED, KEYS, OTHERS, WITHOUT_EFFECT};
use super::node::{shorten, Node};
use super::problems::Problems;
use super::reference::{below, References};
use crate::fault::Fault;
use crate::suggest;
use std::collections::{BTreeMap, BTreeSet};

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub struct Setting {
    pub section: Section,
    pub path: String,
    pub value: Node,
}

/// Everything a configuration says.
#[derive(Default)]
pub struct Settings {
    /// Key → every place it stands at.
    pub values: BTreeMap<&'static str, Vec<Setting>>,
    /// Classes of the sections (`_target_`), with their places.
    pub classes: Vec<Setting>,
    /// Whether the sections are those of the published launcher.
    pub launcher: bool,
    /// Whether there is a loader that evaluates.
    pub evaluates: bool,
    /// Paths that were left out because they have no effect.
    pub without_effect: Vec<String>,
    /// Paths that were left out because they were to be ignored.
    pub ignored: BTreeSet<String>,
    /// Paths that nothing in the configuration's program reads.
    pub unread: Vec<String>,
    /// Keys that are there with a reference that cannot be followed.
    pub unresolved: BTreeSet<&'static str>,
    unknown: Vec<String>,
}

/// Reads the whole tree.
pub struct Reader<'r> {
    pub references: &'r References<'r>,
    /// Keys or paths to leave out.
    pub ignore: &'r [String],
    /// Keys of the top level that references lead to.
    pub targets: BTreeSet<String>,
    pub problems: &'r Problems,
}

impl Reader<'_> {
    /// The settings of `root`; what is wrong goes to the problems.
    pub fn read(&self, root: &BTreeMap<String, Node>) -> Settings {
        let launcher = ["model_config", "train_loader_config"].iter().any(|key| root.contains_key(*key));
        let evaluates =
            launcher && matches!(root.get("eval_loader_config"), Some(Node::Map(_) | Node::Text(_)));
        let mut found = Settings { launcher, evaluates, ..Settings::default() };
        self.walk(root, "", Section::Launcher, &mut found);
        // What trains stands before what evaluates.
        found.values.values_mut().for_each(|all| all.sort_by_key(|setting| setting.section));
        if !found.unknown.is_empty() {
            self.problems.push(unknown(&found.unknown));
        }
        found
    }

    fn walk(&self, map: &BTreeMap<String, Node>, at: &str, section: Section, found: &mut Settings) {
        for (name, value) in map {
            let path = below(at, name);
            if self.ignore.iter().any(|i| i == name || *i == path) {
                found.ignored.insert(path);
            } else if name == "_target_" {
                let section = if at.is_empty() { Section::Model } else { section };
                self.keep_class(section, path, value, found);
            } else if is_without_effect(name) {
                found.without_effect.push(path);
            } else if let Some(key) = keys::known(name) {
                self.keep(key.name, key.sections, section, path, value, found);
            } else if let Some(key) = FIXED.iter().find(|key| key.name == name) {
                self.keep_fixed(key, section, path, value, found);
            } else {
                self.unknown(name, path, section, value, found);
            }
        }
    }

    /// A section, or a key whose meaning is not known.
    fn unknown(&self, name: &str, path: String, section: Section, value: &Node, found: &mut Settings) {
        let inner = match self.section(value, &path) {
            Some(inner) => inner,
            // An empty section.
            None if *value == Node::Null && found.launcher && name.ends_with("_config") => return,
            None if self.is_variable(&path, section, found.launcher) => return found.unread.push(path),
            None => return found.unknown.push(path),
        };
        match section_of(name, section, found.launcher) {
            Some(section) => self.walk(&inner, &path, section, found),
            None => found.unread.push(path),
        }
    }

    /// In the launcher's own section, what only references lead to is a variable.
    fn is_variable(&self, path: &str, section: Section, launcher: bool) -> bool {
        launcher && section == Section::Launcher && self.targets.contains(path)
    }

    /// The mapping that `value` is or refers to. Nothing else is resolved here: an unknown key's value is not read.
    fn section(&self, value: &Node, path: &str) -> Option<BTreeMap<String, Node>> {
        match value {
            Node::Map(map) => Some(map.clone()),
            Node::Text(text) if text.starts_with("${") => match self.references.resolve(value, path) {
                Ok(Node::Map(map)) => Some(map),
                Ok(_) => None,
                Err(fault) => {
                    self.problems.push(fault);
                    None
                }
            },
            _ => None,
        }
    }

    fn keep_class(&self, section: Section, path: String, value: &Node, found: &mut Settings) {
        match self.references.resolve(value, &path) {
            Ok(value) => found.classes.push(Setting { section, path, value }),
            Err(fault) => self.problems.push(fault),
        }
    }

    fn keep(
        &self,
        name: &'static str,
        sections: &[Section],
        section: Section,
        path: String,
        value: &Node,
        found: &mut Settings,
    ) {
        let section = if sections.contains(&section) {
            section
        } else if section == Section::Eval {
            // Such as the batch size: how the validation clips are divided changes no mean.
            return found.without_effect.push(path);
        } else if found.launcher {
            return found.unread.push(path);
        } else {
            sections[0]
        };
        match self.references.resolve(value, &path) {
            Ok(value) => found.values.entry(name).or_default().push(Setting { section, path, value }),
            Err(fault) => {
                found.unresolved.insert(name);
                self.problems.push(fault);
            }
        }
    }

    fn keep_fixed(
        &self,
        key: &'static Fixed,
        section: Section,
        path: String,
        value: &Node,
        found: &mut Settings,
    ) {
        self.keep(key.name, key.sections, section, path.clone(), value, found);
        let kept = found.values.get(key.name).and_then(|all| all.last()).filter(|s| s.path == path);
        let Some(Setting { value, .. }) = kept else { return };
        let text = match value {
            Node::Null => "null".to_owned(),
            // `"False"` is a text, and no text but the empty one is false there.
            Node::Text(text) if is_word_of_flags(text) => format!("\"{text}\""),
            value => value.text().unwrap_or_default().to_lowercase(),
        };
        let is_one = !matches!(value, Node::Map(_) | Node::List(_));
        if !is_one || !key.same.contains(&text.as_str()) {
            self.problems.push(
                Fault::invalid(format!("asks for {}", key.difference))
                    .at(path)
                    .found(value.show())
                    .expected(key.same[0])
                    .help(format!("--ignore {} takes what is done here instead, knowingly", key.name)),
            );
        }
    }
}

fn is_word_of_flags(text: &str) -> bool {
    ["true", "false"].contains(&text.to_ascii_lowercase().as_str())
}

fn is_without_effect(name: &str) -> bool {
    WITHOUT_EFFECT.contains(&name) || name.starts_with("wandb_")
}

/// Who reads a section of this name; `None` where nobody does.
fn section_of(name: &str, outer: Section, launcher: bool) -> Option<Section> {
    if launcher && outer == Section::Launcher {
        return match name {
            "model_config" => Some(Section::Model),
            "train_loader_config" => Some(Section::Train),
            "eval_loader_config" => Some(Section::Eval),
            _ => None,
        };
    }
    let starts = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    Some(match name {
        _ if starts(&["eval", "val", "test"]) => Section::Eval,
        _ if starts(&["data", "loader", "train_loader", "train_data"]) => Section::Train,
        _ if starts(&["model"]) => Section::Model,
        _ => outer,
    })
}

/// Names that a message has room for.
const LISTED: usize = 40;

fn unknown(paths: &[String]) -> Fault {
    let names = || KEYS.iter().chain(&OTHERS).map(|key| key.name).chain(FIXED.iter().map(|key| key.name));
    let line = |path: &String| {
        let key = path.rsplit('.').next().unwrap_or(path);
        match suggest::nearest(key, names()) {
            Some(near) => format!("`{}` (did you mean `{near}`?)", shorten(path)),
            None => format!("`{}`", shorten(path)),
        }
    };
    let mut lines: Vec<String> = paths.iter().take(LISTED).map(line).collect();
    if paths.len() > LISTED {
        lines.push(format!("and {} more", paths.len() - LISTED));
    }
    let s = if paths.len() == 1 { "a key" } else { "keys" };
    Fault::invalid(format!("{s} whose meaning here is not known: {}", lines.join(", ")))
        .help("`nano4m import --help` lists the known keys; --ignore KEY leaves one out knowingly")
}

impl Settings {
    /// Where `name` stands in one of `sections`.
    pub fn in_sections<'s>(
        &'s self,
        name: &str,
        sections: &'s [Section],
    ) -> impl Iterator<Item = &'s Setting> {
        let all = self.values.get(name).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(move |setting| sections.contains(&setting.section))
    }

    /// Where the value of a field of the manifest stands.
    pub fn place_of(&self, field: &str) -> Option<&str> {
        let key: &Key = KEYS.iter().find(|key| key.becomes == field)?;
        Some(self.values.get(key.name)?.first()?.path.as_str())
    }
}
