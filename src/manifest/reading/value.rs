//! A node of the tree, read as what a field wants; what it is not is noted, what was meant is taken.

use super::literal;
use super::repairs::{Failure, Repairs};
use crate::manifest::diagnostic::Finding;
use crate::manifest::syntax::{Kind, Node};
use crate::suggest::{hint, nearest};
use std::ops::Range;

/// A value of the text, or a stand-in.
#[derive(Clone)]
pub struct Value<'a> {
    text: &'a str,
    pub node: Option<&'a Node>,
    pub path: String,
    pub repairs: &'a Repairs,
}

/// What reading a value comes to.
pub type Outcome<T> = Result<T, Failure>;

impl<'a> Value<'a> {
    pub fn root(text: &'a str, root: &'a Node, repairs: &'a Repairs) -> Value<'a> {
        Value { text, node: Some(root), path: String::new(), repairs }
    }

    /// Another node, unless its type has refused it.
    pub fn at(&self, node: Option<&'a Node>, path: String) -> Value<'a> {
        let node = node.filter(|_| !self.repairs.is_refused(&path));
        if node.is_none() {
            self.repairs.stands_in(&path);
        }
        Value { node, path, ..self.clone() }
    }

    fn field(&self, name: &str) -> String {
        let dot = if self.path.is_empty() { "" } else { "." };
        format!("{}{dot}{name}", self.path)
    }

    fn items(&self, items: &'a [Node]) -> Vec<Value<'a>> {
        let of = |(i, node)| self.at(Some(node), format!("{}[{i}]", self.path));
        items.iter().enumerate().map(of).collect()
    }

    /// What stands in the text; nothing for a stand-in.
    pub fn source(&self) -> &'a str {
        self.node.map_or("", |node| &self.text[node.start..node.end])
    }

    pub fn kind(&self) -> Option<&'a Kind> {
        self.node.map(|node| &node.kind)
    }

    pub fn tell(&self, finding: Finding, span: Range<usize>) {
        if self.node.is_some() {
            self.repairs.tell(finding, span);
        }
    }

    pub fn span(&self) -> Range<usize> {
        self.node.map_or(0..0, |node| node.start..node.end)
    }

    /// Notes that the field wants something else.
    pub fn cannot(&self, expected: impl std::fmt::Display) {
        let subject = if self.path.is_empty() { "the file" } else { &self.path };
        let finding = Finding::error(&self.path, format!("`{subject}` cannot hold this value"));
        let source = self.source();
        let found = if source.is_empty() { "nothing" } else { source };
        self.tell(finding.found(found).expected(expected), self.span());
    }

    /// Notes the name in front of a parenthesis, if it is another than the type's.
    pub fn named(&self, name: &str) {
        let Some(Kind::Fields { name: Some(found), .. } | Kind::Items { name: Some(found), .. }) =
            self.kind()
        else {
            return;
        };
        if found != name {
            let finding = Finding::error(&self.path, format!("`{found}` stands where `{name}` should"));
            let start = self.span().start;
            self.tell(finding, start..start + found.len());
        }
    }

    /// What a type refused becomes a note; the next pass stands something in.
    pub fn settled<T>(&self, outcome: Outcome<T>) -> Outcome<T> {
        let Err(Failure::Refused(why)) = outcome else { return outcome };
        match why.rsplit_once(", expected ") {
            Some((_, expected)) => self.cannot(expected),
            None => self.tell(Finding::error(&self.path, why), self.span()),
        }
        self.repairs.refuse(&self.path);
        Err(Failure::Told)
    }

    pub fn unsigned(&self, most: u64) -> u64 {
        let small = if self.repairs.large { 4096.min(most) } else { 2 };
        let Some(source) = self.node.map(|_| self.source()) else { return small };
        literal::unsigned(source, most).unwrap_or_else(|expected| {
            self.cannot(expected);
            literal::meant_unsigned(source, most).unwrap_or_else(|| {
                self.repairs.stands_in(&self.path);
                small
            })
        })
    }

    pub fn float(&self) -> f64 {
        let between = if self.repairs.large { 2.0 } else { 0.5 };
        let Some(source) = self.node.map(|_| self.source()) else { return between };
        literal::number(source).unwrap_or_else(|| {
            self.cannot("a number");
            literal::meant_number(source).unwrap_or_else(|| {
                self.repairs.stands_in(&self.path);
                between
            })
        })
    }

    /// The fields of a struct that are in the text, in its order, and those that are supplied.
    pub fn fields(&self, name: &str, known: &'static [&'static str]) -> Vec<(&'static str, Value<'a>)> {
        let mut entries: Vec<(&'static str, Value<'a>)> = Vec::new();
        let all = || known.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(", ");
        match self.kind() {
            Some(Kind::Fields { map, fields, .. }) => {
                if *map {
                    self.cannot(format!(
                        "parentheses around the fields: ({}: …)",
                        fields[..].first().map_or("", |f| &f.key)
                    ));
                }
                let given = |f: &str| fields.iter().any(|own| own.key == f);
                for f in fields {
                    let exact = known.iter().find(|k| **k == f.key);
                    let span = f.start..f.start + f.key.len();
                    let free = known.iter().copied().filter(|k| !given(k));
                    let meant = exact.copied().or_else(|| nearest(&f.key, free));
                    if exact.is_none() {
                        let what = format!("unknown field `{}` in `{name}`", f.key);
                        let help = hint(&f.key, "fields", known.iter().copied());
                        self.tell(Finding::error(self.field(&f.key), what).help(help), span.clone());
                    }
                    let Some(meant) = meant else { continue };
                    if entries.iter().any(|(k, _)| *k == meant) {
                        if exact.is_some() {
                            let what = format!("field `{meant}` is given twice in `{name}`");
                            self.tell(Finding::error(self.field(meant), what), span);
                        }
                        continue;
                    }
                    entries.push((meant, self.at(Some(&f.value), self.field(meant))));
                }
            }
            Some(Kind::Items { items, .. }) if items.is_empty() && !self.source().starts_with('[') => {}
            Some(_) => {
                self.cannot(format!("parentheses with the fields of `{name}`: {}", all()));
                self.repairs.stands_in(&self.path);
            }
            None => {}
        }
        for field in self.repairs.supplied(&self.path) {
            entries.push((field, self.at(None, self.field(field))));
        }
        entries
    }

    /// The items of a list or, for what stands alone, itself.
    pub fn list(&self) -> Vec<Value<'a>> {
        match self.kind() {
            None => self.items(&[]),
            Some(Kind::Items { name: None, items }) if self.source().starts_with('[') => self.items(items),
            Some(kind) => {
                self.cannot("a list: [ … ]");
                match (kind, self.node) {
                    (Kind::Items { name: None, items }, _) => self.items(items),
                    (_, Some(node)) if node.start < node.end => self.items(std::slice::from_ref(node)),
                    _ => self.items(&[]),
                }
            }
        }
    }

    /// As many values as a tuple has.
    pub fn tuple(&self, length: usize) -> Vec<Value<'a>> {
        let whole = self.source().ends_with(')') && !self.source().starts_with('[');
        match self.kind() {
            Some(Kind::Items { items, .. }) if items.len() == length && whole => self.items(items),
            found => {
                if found.is_some() {
                    let example = ["…"; 3][..length.min(3)].join(", ");
                    self.cannot(format!("{length} values in parentheses: ({example})"));
                }
                (0..length).map(|i| self.at(None, format!("{}[{i}]", self.path))).collect()
            }
        }
    }

    /// Names with their values.
    pub fn entries(&self) -> Vec<(String, Value<'a>)> {
        let mut entries = Vec::new();
        match self.kind() {
            Some(Kind::Fields { map, fields, .. }) => {
                if !map {
                    self.cannot("braces around names and values: {\"name\": …}");
                }
                entries.extend(
                    fields.iter().map(|f| (f.key.clone(), self.at(Some(&f.value), self.field(&f.key)))),
                );
            }
            Some(_) => self.cannot("names and values in braces: {\"name\": …}"),
            None => {}
        }
        entries
    }

    /// The variant that is named or, for an unknown one, the nearest or the first.
    pub fn variant(self, name: &str, known: &'static [&'static str]) -> (&'static str, Value<'a>) {
        let word = match self.kind() {
            Some(Kind::Fields { name, .. } | Kind::Items { name, .. }) => name.clone(),
            Some(Kind::Scalar) => Some(self.source().to_owned()).filter(|word| !word.is_empty()),
            None => return (known[0], self),
        };
        let Some(word) = word else {
            self.cannot(format!(
                "one of {}",
                known.iter().map(|v| format!("`{v}`")).collect::<Vec<_>>().join(", ")
            ));
            return self.first(known);
        };
        if let Some(exact) = known.iter().find(|v| **v == word) {
            return (exact, self);
        }
        let bare = literal::string(&word).unwrap_or_else(|| word.clone());
        let start = self.span().start;
        let finding = Finding::error(&self.path, format!("unknown variant `{word}` in `{name}`"));
        let exact = known.iter().find(|v| **v == bare).copied();
        let help = match exact {
            Some(exact) => format!("without quotes: {exact}"),
            None => hint(&bare, "variants", known.iter().copied()),
        };
        self.tell(finding.help(help), start..start + word.len());
        match exact.or_else(|| nearest(&bare, known.iter().copied())) {
            // Whether it has fields is not sure, so none are missed.
            Some(meant) if self.kind() == Some(&Kind::Scalar) => (meant, Value { node: None, ..self }),
            Some(meant) => (meant, self),
            None => self.first(known),
        }
    }

    fn first(self, known: &'static [&'static str]) -> (&'static str, Value<'a>) {
        (known[0], self.at(None, self.path.clone()))
    }
}
