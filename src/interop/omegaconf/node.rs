//! A value of a configuration, and how it is read.

use crate::fault::commands;
use std::collections::BTreeMap;

/// A value of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Null,
    Flag(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(BTreeMap<String, Node>),
}

/// Characters of a value that a message has room for.
const SHOWN: usize = 80;

impl Node {
    /// A whole number, 0 or more. Text counts: a value from the environment is text.
    pub fn whole(&self) -> Option<u64> {
        match self {
            Node::Whole(n) => u64::try_from(*n).ok(),
            Node::Text(text) => digits(text).parse().ok().filter(|_| !is_octal(text)),
            _ => None,
        }
    }

    /// A finite number. `1e-4` is text in YAML 1.1, and a number to whoever reads it as one.
    pub fn number(&self) -> Option<f64> {
        let number = match self {
            Node::Whole(n) => Some(*n as f64),
            Node::Number(x) => Some(*x),
            Node::Text(text) => digits(text).parse().ok().filter(|_| !is_octal(text)),
            _ => None,
        };
        number.filter(|x: &f64| x.is_finite())
    }

    /// True or false, also in those words of YAML 1.1 that are text in YAML 1.2. `"False"` in quotes is a text.
    pub fn flag(&self) -> Option<bool> {
        match self {
            Node::Flag(flag) => Some(*flag),
            Node::Text(text) => match text.to_ascii_lowercase().as_str() {
                "yes" | "on" => Some(true),
                "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// One value as text; `None` for lists, mappings and nothing.
    pub fn text(&self) -> Option<String> {
        match self {
            Node::Flag(flag) => Some(if *flag { "True" } else { "False" }.into()),
            Node::Whole(n) => Some(n.to_string()),
            Node::Number(x) => Some(x.to_string()),
            Node::Text(text) => Some(text.clone()),
            Node::Null | Node::List(_) | Node::Map(_) => None,
        }
    }

    /// A list, each entry read by `read`.
    pub fn list<T>(&self, read: impl Fn(&Node) -> Option<T>) -> Option<Vec<T>> {
        let Node::List(list) = self else { return None };
        list.iter().map(read).collect()
    }

    /// The same value: `1` and `1.0` are.
    pub fn same(&self, other: &Node) -> bool {
        match (self, other) {
            (Node::List(a), Node::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Node::Map(a), Node::Map(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((i, a), (j, b))| i == j && a.same(b))
            }
            _ if self == other => true,
            _ => self.number().is_some_and(|a| other.number() == Some(a)),
        }
    }

    /// On one line, as long as a message has room for.
    pub fn show(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        shorten(&out)
    }

    fn write(&self, out: &mut String) {
        // What is cut off is not written out first.
        if out.len() > 4 * SHOWN {
            return;
        }
        match self {
            Node::Null => out.push_str("null"),
            Node::List(list) => {
                out.push('[');
                for (i, node) in list.iter().enumerate().take(SHOWN) {
                    out.push_str(if i == 0 { "" } else { ", " });
                    node.write(out);
                }
                out.push(']');
            }
            Node::Map(map) => {
                out.push('{');
                for (i, (key, node)) in map.iter().enumerate().take(SHOWN) {
                    out.push_str(if i == 0 { "" } else { ", " });
                    out.push_str(&shorten(key));
                    out.push_str(": ");
                    node.write(out);
                }
                out.push('}');
            }
            one => out.push_str(&one.text().unwrap_or_default()),
        }
    }
}

/// `1_000` is a thousand in YAML 1.1.
fn digits(text: &str) -> String {
    text.trim().replace('_', "")
}

/// `010` is eight in YAML 1.1: better no number than another one.
fn is_octal(text: &str) -> bool {
    let text = digits(text);
    let whole = text.trim_start_matches(['-', '+']);
    whole.len() > 1 && whole.starts_with('0') && whole.bytes().all(|b| b.is_ascii_digit())
}

/// Text as a message shows it: no control characters, and not longer than a line has room for.
pub fn shorten(text: &str) -> String {
    let mut out: String = text.chars().take(SHOWN).flat_map(escape).collect();
    if text.chars().nth(SHOWN).is_some() {
        out.push('…');
    }
    out
}

/// Escapes what a terminal would not show, and line breaks.
fn escape(c: char) -> Vec<char> {
    if c.is_control() || commands(c) {
        c.escape_default().collect()
    } else {
        vec![c]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_reference_reads_them() {
        assert_eq!(Node::Text("1e-4".into()).number(), Some(1e-4));
        assert_eq!(Node::Text("1_000".into()).whole(), Some(1000));
        assert_eq!(Node::Text("yes".into()).flag(), Some(true));
        assert_eq!(Node::Text("False".into()).flag(), None);
        assert_eq!((Node::Text("010".into()).whole(), Node::Text("-010".into()).number()), (None, None));
        assert_eq!((Node::Text("0".into()).whole(), Node::Text("0.5".into()).number()), (Some(0), Some(0.5)));
        assert_eq!((Node::Whole(-1).whole(), Node::Number(f64::NAN).number()), (None, None));
        assert!(Node::Whole(1).same(&Node::Number(1.0)));
        assert!(!Node::Text("a".into()).same(&Node::Text("b".into())));
        assert_eq!(Node::Flag(true).text().unwrap(), "True");
    }

    #[test]
    fn what_is_shown_is_short_and_moves_no_cursor() {
        let long = Node::Text("x".repeat(1_000_000));
        assert!(long.show().chars().count() <= SHOWN + 1);
        assert_eq!(Node::Text("\u{1b}[2J\n".into()).show(), "\\u{1b}[2J\\n");
        assert_eq!(Node::List(vec![Node::Whole(1), Node::Null]).show(), "[1, null]");
    }
}
