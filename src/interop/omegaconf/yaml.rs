//! YAML text → a tree of bounded size: whatever the text, it ends soon and stays small.

use super::node::{shorten, Node};
use crate::fault::{Fault, Result};
use serde::de::{DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, Visitor};
use serde_yaml_ng::Deserializer;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

/// A configuration of this system has 4 kB.
pub const MOST_BYTES: usize = 1 << 20;
/// The scanner's time grows with the square of the brackets that are open; a configuration has 60 in all.
const MOST_BRACKETS: usize = 4096;
/// Values, aliases written out; 64 bytes of text count as one.
const MOST_VALUES: usize = 100_000;

/// The tree that `text` describes.
///
/// # Errors
/// Exit 2: too large, not YAML (with line and column), a key given twice, a tag, more than one document.
pub fn parse(text: &str) -> Result<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MOST_BYTES {
        return Err(too_large(text.len() as u64));
    }
    let brackets = text.bytes().filter(|b| matches!(b, b'[' | b'{')).count();
    if brackets > MOST_BRACKETS {
        return Err(Fault::invalid("more brackets than a configuration has")
            .found(brackets)
            .expected(format!("at most {MOST_BRACKETS}")));
    }
    let left = Cell::new(MOST_VALUES);
    Tree(&left).deserialize(Deserializer::from_str(text)).map_err(|e| not_yaml(text, &e.to_string()))
}

/// One value, as it would stand after `key:`; text that is no value of its own is text.
pub fn scalar(text: &str) -> Node {
    match parse(text) {
        Ok(node @ (Node::Null | Node::Flag(_) | Node::Whole(_) | Node::Number(_))) => node,
        _ => Node::Text(text.to_owned()),
    }
}

/// The file is too large for a configuration.
pub fn too_large(bytes: u64) -> Fault {
    Fault::invalid("too large for a configuration")
        .found(format!("{bytes} bytes"))
        .expected(format!("at most {MOST_BYTES}"))
}

fn not_yaml(text: &str, error: &str) -> Fault {
    let fault = Fault::invalid(format!("not YAML: {}", shorten_long(error)));
    let indent = |line: &str| line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t');
    match text.lines().position(indent) {
        _ if text.trim_start().starts_with("Experiment(") || text.contains("\nExperiment(") => {
            fault.help("the file is a manifest already: `nano4m check FILE` reads it")
        }
        _ if text.contains('\0') => fault.help("the file has zero bytes in it: it is not text"),
        Some(line) => {
            fault.help(format!("line {} is indented with a tab: YAML allows only spaces", line + 1))
        }
        None => fault,
    }
}

/// Messages of the parser may repeat a whole key: the beginning says what, the end where.
fn shorten_long(error: &str) -> String {
    if error.len() <= 300 {
        return error.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    }
    let skipped = error.chars().count().saturating_sub(60);
    format!("{} {}", shorten(error), shorten(&error.chars().skip(skipped).collect::<String>()))
}

/// Builds a node while it counts.
#[derive(Clone, Copy)]
struct Tree<'c>(&'c Cell<usize>);

impl Tree<'_> {
    fn spend<E: Error>(self, values: usize) -> std::result::Result<(), E> {
        let rest = self.0.get().checked_sub(values);
        self.0.set(rest.ok_or_else(|| {
            E::custom(format!("more than {MOST_VALUES} values when its aliases are written out"))
        })?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Node;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> std::result::Result<Node, D::Error> {
        self.spend(1)?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> std::result::Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> std::result::Result<Node, E> {
        Ok(Node::Flag(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> std::result::Result<Node, E> {
        Ok(Node::Whole(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> std::result::Result<Node, E> {
        Ok(i64::try_from(value).map_or(Node::Number(value as f64), Node::Whole))
    }

    fn visit_i128<E: Error>(self, value: i128) -> std::result::Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_u128<E: Error>(self, value: u128) -> std::result::Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> std::result::Result<Node, E> {
        Ok(Node::Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> std::result::Result<Node, E> {
        self.spend(value.len() / 64)?;
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = seq.next_element_seed(self)? {
            list.push(node);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Node, A::Error> {
        let (mut map, mut merged) = (BTreeMap::new(), BTreeMap::new());
        while let Some(key) = entries.next_key_seed(self)? {
            let key = match key {
                Node::Null => "null".to_owned(),
                key => key.text().ok_or_else(|| A::Error::custom("a key that is no name"))?,
            };
            let value = entries.next_value_seed(self)?;
            if key == "<<" {
                merge(value, &mut merged).map_err(A::Error::custom)?;
            } else if map.insert(key.clone(), value).is_some() {
                return Err(A::Error::custom(format!("`{}` is given twice", shorten(&key))));
            }
        }
        // Keys of the mapping itself win over those it is merged with.
        merged.append(&mut map);
        Ok(Node::Map(merged))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> std::result::Result<Node, A::Error> {
        let (tag, _) = tagged.variant_seed(self)?;
        Err(A::Error::custom(format!("the tag `{}` means nothing here", tag.show())))
    }
}

/// `<<: *other`, or a list of such: the first one that has a key wins.
fn merge(value: Node, into: &mut BTreeMap<String, Node>) -> std::result::Result<(), &'static str> {
    match value {
        Node::Map(map) => map.into_iter().for_each(|(key, node)| {
            into.entry(key).or_insert(node);
        }),
        Node::List(list) => list.into_iter().try_for_each(|node| merge(node, into))?,
        _ => return Err("`<<` merges mappings only"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn refused(text: &str) -> String {
        let start = Instant::now();
        let message = parse(text).unwrap_err().to_string();
        assert!(start.elapsed() < Duration::from_secs(5), "slow: {message}");
        assert!(message.len() < 1000, "long: {message}");
        message
    }

    #[test]
    fn anchors_and_merge_keys_are_written_out() {
        let node = parse("base: &b {dim: 8, depth: 2}\nmodel: {<<: *b, dim: 16}").unwrap();
        let Node::Map(map) = node else { panic!() };
        assert_eq!(map["model"].show(), "{depth: 2, dim: 16}");
        assert_eq!(scalar("3"), Node::Whole(3));
        assert_eq!(scalar("a: ["), Node::Text("a: [".into()));
    }

    #[test]
    fn a_hundred_thousand_nested_lists_are_refused_at_once() {
        assert!(refused(&"[".repeat(100_000)).contains("more brackets"));
        assert!(refused(&"[".repeat(4000)).contains("not YAML"));
        assert!(refused(&"- ".repeat(100_000)).contains("recursion limit"));
        assert!(refused(&format!("a: {}x", "{b: ".repeat(500))).contains("not YAML"));
    }

    #[test]
    fn a_billion_laughs_are_refused_at_once() {
        let mut text = String::from("a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n");
        for i in 1..12 {
            let before = vec![format!("*a{}", i - 1); 10].join(", ");
            text.push_str(&format!("a{i}: &a{i} [{before}]\n"));
        }
        refused(&text);
        // One long text, many times: bytes count as well.
        let long = format!("a: &a {}\nb: [{}]", "x".repeat(100_000), vec!["*a"; 10_000].join(", "));
        assert!(refused(&long).contains("aliases are written out"));
        let wide = format!("a: &a [{}]\nb: [{}]", "1, ".repeat(5_000), "*a, ".repeat(5_000));
        assert!(refused(&wide).contains("aliases are written out"));
        assert!(parse("a: &a [*a]").is_err());
    }

    #[test]
    fn what_is_not_one_yaml_document_is_named() {
        assert!(refused("a: 1\na: 2").contains("`a` is given twice"));
        assert!(refused("a:\n\tb: 1").contains("line 2 is indented with a tab"));
        assert!(refused("a: \0").contains("zero bytes"));
        assert!(refused("a: 1\n---\nb: 2").contains("document"));
        assert!(refused("a: !thing 1").contains("tag"));
        assert!(refused(&"x".repeat(MOST_BYTES + 1)).contains("too large"));
        assert!(refused(&format!("{}: [", "k".repeat(500_000))).contains("not YAML"));
        assert_eq!(parse("\u{feff}a: 1").unwrap().show(), "{a: 1}");
    }
}
