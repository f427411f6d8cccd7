//! `${…}`: what stands elsewhere in the configuration, or in the environment.
//!
//! `${a.b}` is the value at `a.b`, also inside a text and several times; `${.b}` begins in the section it
//! stands in; `${oc.env:NAME,default}` asks the environment, `${eval:'…'}` computes; `\${` is no reference. Only what is read is ever
//! resolved, and a budget ends what multiplies itself.

use super::arithmetic;
use super::node::{shorten, Node};
use super::yaml;
use crate::fault::{Fault, Result};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};

/// Values all references together may be written out to; 16 bytes of text count as one.
const MOST_VALUES: usize = 50_000;
/// References that lead to references.
const LONGEST_CHAIN: usize = 32;

/// Looks up an environment variable.
pub type Environment<'e> = dyn Fn(&str) -> Option<String> + 'e;

/// Resolves the references of one configuration.
pub struct References<'r> {
    root: &'r Node,
    environment: &'r Environment<'r>,
    left: Cell<usize>,
    /// What the environment said.
    notes: RefCell<Vec<String>>,
}

enum Part {
    Literal(String),
    Reference(String),
}

impl<'r> References<'r> {
    pub fn new(root: &'r Node, environment: &'r Environment<'r>) -> References<'r> {
        References { root, environment, left: Cell::new(MOST_VALUES), notes: RefCell::default() }
    }

    /// What the environment said, each once.
    pub fn notes(self) -> Vec<String> {
        self.notes.into_inner()
    }

    /// `node`, which stands at the path `at`, without references.
    ///
    /// # Errors
    /// Exit 2: a reference that leads nowhere, in a circle or to what only Python computes; a variable
    /// without value; more values than a configuration has.
    pub fn resolve(&self, node: &Node, at: &str) -> Result<Node> {
        self.expand(node, at, &mut Vec::new())
    }

    fn expand(&self, node: &Node, at: &str, chain: &mut Vec<String>) -> Result<Node> {
        self.spend(1, at)?;
        match node {
            Node::Text(text) if text.contains("${") => self.text(text, at, chain),
            Node::Text(text) => {
                self.spend(text.len() / 16, at)?;
                Ok(node.clone())
            }
            Node::List(list) => {
                let each = |(i, node)| self.expand(node, &format!("{at}.{i}"), chain);
                Ok(Node::List(list.iter().enumerate().map(each).collect::<Result<_>>()?))
            }
            Node::Map(map) => {
                let each = |(key, node): (&String, _)| {
                    self.spend(key.len() / 16, at)?;
                    Ok((key.clone(), self.expand(node, &below(at, key), chain)?))
                };
                Ok(Node::Map(map.iter().map(each).collect::<Result<_>>()?))
            }
            one => Ok(one.clone()),
        }
    }

    fn spend(&self, values: usize, at: &str) -> Result<()> {
        let rest = self.left.get().checked_sub(values).ok_or_else(|| {
            Fault::invalid(format!("more than {MOST_VALUES} values when references are written out"))
                .at(shorten(at))
        })?;
        self.left.set(rest);
        Ok(())
    }

    /// A text of one reference is what it leads to; any other is a text.
    fn text(&self, text: &str, at: &str, chain: &mut Vec<String>) -> Result<Node> {
        let parts = parts(text)
            .ok_or_else(|| Fault::invalid("`${` without its `}`").at(shorten(at)).found(shorten(text)))?;
        if let [Part::Reference(inner)] = parts.as_slice() {
            return self.reference(inner, at, chain);
        }
        let mut out = String::new();
        for part in parts {
            match part {
                Part::Literal(literal) => out.push_str(&literal),
                Part::Reference(inner) => match self.reference(&inner, at, chain)? {
                    Node::Null => out.push_str("null"),
                    node => out.push_str(&node.text().ok_or_else(|| {
                        Fault::invalid("a list or a section inside a text")
                            .at(shorten(at))
                            .found(shorten(text))
                    })?),
                },
            }
            self.spend(out.len() / 16, at)?;
        }
        Ok(Node::Text(out))
    }

    /// What `${inner}` stands for.
    fn reference(&self, inner: &str, at: &str, chain: &mut Vec<String>) -> Result<Node> {
        if chain.len() >= LONGEST_CHAIN {
            return Err(circle(at, inner));
        }
        if inner.contains("${") {
            chain.push(String::new());
            let plain = self.text(inner, at, chain)?.text().unwrap_or_default();
            chain.pop();
            // What was put in is data: it is not read as a reference again.
            return self.plain(&plain, at, chain);
        }
        self.plain(inner, at, chain)
    }

    fn plain(&self, inner: &str, at: &str, chain: &mut Vec<String>) -> Result<Node> {
        let inner = inner.trim();
        let Some((name, arguments)) = inner.split_once(':') else {
            let (place, node) = self.lookup(inner, at, chain)?;
            let (inside, under) = (at == place, at.starts_with(&format!("{place}.")));
            if inside || under || place.is_empty() || chain.contains(&place) {
                return Err(circle(at, inner));
            }
            chain.push(place);
            let place = chain[chain.len() - 1].clone();
            let node = self.expand(&node, &place, chain);
            chain.pop();
            return node;
        };
        let (first, second) = match arguments.split_once(',') {
            Some((first, second)) => (first.trim(), Some(second.trim())),
            None => (arguments.trim(), None),
        };
        match name.trim() {
            "oc.env" => self.variable(first, second, at),
            "oc.decode" => Ok(yaml::scalar(unquoted(arguments.trim()))),
            "eval" => arithmetic::evaluate(unquoted(arguments.trim())).ok_or_else(|| {
                Fault::invalid("`${eval:…}` is computed in Python, and this is more than arithmetic")
                    .at(shorten(at))
                    .found(shorten(arguments))
                    .help("write the value in its place")
            }),
            other => Err(Fault::invalid(format!("`${{{}:…}}` is computed in Python", shorten(other)))
                .at(shorten(at))
                .found(format!("${{{}}}", shorten(inner)))
                .help("write the value in its place")),
        }
    }

    fn variable(&self, name: &str, default: Option<&str>, at: &str) -> Result<Node> {
        let said = |text: String| {
            let mut notes = self.notes.borrow_mut();
            if !notes.contains(&text) {
                notes.push(text);
            }
        };
        if let Some(value) = (self.environment)(name) {
            said(format!("{} of the environment is `{}`", shorten(name), shorten(&value)));
            return Ok(Node::Text(value));
        }
        let Some(default) = default else {
            return Err(Fault::invalid(format!("the environment has no {}", shorten(name)))
                .at(shorten(at))
                .help(format!("run it as {}=… nano4m import …, or write the value in", shorten(name))));
        };
        said(format!("the environment has no {}: its default, `{}`", shorten(name), shorten(default)));
        Ok(if default == "null" { Node::Null } else { Node::Text(unquoted(default).to_owned()) })
    }

    /// The path that `to` means where it stands, and what is there.
    fn lookup(&self, to: &str, at: &str, chain: &mut Vec<String>) -> Result<(String, Cow<'r, Node>)> {
        let nowhere = || Fault::invalid(format!("`${{{}}}` leads nowhere", shorten(to))).at(shorten(at));
        let dots = to.len() - to.trim_start_matches('.').len();
        let mut path: Vec<String> = Vec::new();
        if dots > 0 {
            path = at.split('.').map(str::to_owned).collect();
            path.truncate(path.len().saturating_sub(dots));
        }
        let steps = to[dots..].replace('[', ".").replace(']', "");
        path.extend(steps.split('.').filter(|step| !step.is_empty()).map(str::to_owned));
        if path.len() > 64 {
            return Err(nowhere());
        }
        let (mut node, mut place) = (Cow::Borrowed(self.root), String::new());
        for step in path {
            if matches!(&*node, Node::Text(text) if text.contains("${")) {
                if chain.len() >= LONGEST_CHAIN || chain.contains(&place) {
                    return Err(circle(at, to));
                }
                chain.push(place.clone());
                node = Cow::Owned(self.expand(&node, &place, chain)?);
                chain.pop();
            }
            place = below(&place, &step);
            node = match node {
                Cow::Borrowed(node) => Cow::Borrowed(child(node, &step).ok_or_else(nowhere)?),
                Cow::Owned(node) => Cow::Owned(child(&node, &step).ok_or_else(nowhere)?.clone()),
            };
        }
        Ok((place, node))
    }
}

/// The path of `key` in the section at `at`.
pub fn below(at: &str, key: &str) -> String {
    if at.is_empty() {
        key.to_owned()
    } else {
        format!("{at}.{key}")
    }
}

fn child<'n>(node: &'n Node, step: &str) -> Option<&'n Node> {
    match node {
        Node::Map(map) => map.get(step),
        Node::List(list) => list.get(step.parse::<usize>().ok()?),
        _ => None,
    }
}

fn circle(at: &str, to: &str) -> Fault {
    Fault::invalid("references that lead in a circle").at(shorten(at)).found(format!("${{{}}}", shorten(to)))
}

fn unquoted(text: &str) -> &str {
    let inside = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('\'').or_else(|| inside('"')).unwrap_or(text)
}

/// Splits a text at its references; `None` where one does not end.
fn parts(text: &str) -> Option<Vec<Part>> {
    let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
    while let Some(start) = rest.find("${") {
        if let Some(before) = rest[..start].strip_suffix('\\') {
            literal.push_str(before);
            literal.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        literal.push_str(&rest[..start]);
        let end = closing(&rest[start + 2..])?;
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(&mut literal)));
        }
        parts.push(Part::Reference(rest[start + 2..start + 2 + end].to_owned()));
        rest = &rest[start + 3 + end..];
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Some(parts)
}

/// Where the brace closes that stands open before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1usize;
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(i);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn resolve(text: &str, at: &str) -> Result<Node> {
        let root = yaml::parse(text)?;
        let environment = |name: &str| (name == "SET").then(|| "7".to_owned());
        let references = References::new(&root, &environment);
        let (_, node) = references.lookup(at, "", &mut Vec::new())?;
        references.resolve(&node, at)
    }

    fn shown(text: &str, at: &str) -> String {
        match resolve(text, at) {
            Ok(node) => node.show(),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn references_are_followed_inside_texts_too() {
        let text = "a: {b: [1, 2], c: x}\nd: ${a.b}\ne: ${a.c}_${a.b[1]}-${oc.env:NONE,manual}";
        assert_eq!(shown(text, "d"), "[1, 2]");
        assert_eq!(shown(text, "e"), "x_2-manual");
        assert_eq!(shown("a: ${oc.env:SET,3}", "a"), "7");
        assert_eq!(shown("a: ${oc.env:NONE,'x y'}", "a"), "x y");
        assert_eq!(shown("a: ${oc.env:NONE,${b}}\nb: 5", "a"), "5");
        assert_eq!(shown("a: ${oc.decode:${oc.env:SET}}", "a"), "7");
        assert_eq!(shown("s: {x: 1, y: \"${.x}\", z: {w: \"${..x}\"}}", "s.y"), "1");
        assert_eq!(shown("s: {x: 1, y: \"${.x}\", z: {w: \"${..x}\"}}", "s.z.w"), "1");
        assert_eq!(shown("a: ${k.${n}}\nn: p\nk: {p: 4}", "a"), "4");
        assert_eq!(shown("a: ${eval:'${b} * 4'}\nb: 64", "a"), "256");
        assert_eq!(shown("a: ${b.c}\nb: ${d}\nd: {c: 9}", "a"), "9");
        assert_eq!(
            shown(
                r"a: \${b} ${c}
c: 2",
                "a"
            ),
            "${b} 2"
        );
    }

    #[test]
    fn a_reference_that_cannot_be_followed_is_named() {
        assert!(shown("a: ${b}", "a").contains("`${b}` leads nowhere"));
        assert!(shown("a: ${b", "a").contains("without its `}`"));
        assert!(shown("a: ${oc.env:NONE}", "a").contains("the environment has no NONE"));
        assert!(shown("a: ${eval:'open(1)'}", "a").contains("computed in Python"));
        assert!(shown("a: ${hydra:run.dir}", "a").contains("computed in Python"));
        assert!(shown("a: x${b}\nb: [1]", "a").contains("inside a text"));
    }

    #[test]
    fn references_in_a_circle_end() {
        for (text, at) in [
            ("model:\n  sub: \"${model}\"", "model"),
            ("model:\n  sub: \"${model}\"", "model.sub"),
            ("a: ${b}\nb: ${a}", "a"),
            ("a: ${a}", "a"),
            ("a: ${a.b}", "a"),
            ("a: {b: \"${c}\"}\nc: ${a}", "a"),
            ("a: x${b}\nb: y${a}", "a"),
            ("a: ${b.c}\nb: ${a}", "a"),
            ("a: ${${a}}", "a"),
            ("a: [\"${a}\"]", "a"),
        ] {
            assert!(shown(text, at).contains("circle"), "{text}: {}", shown(text, at));
        }
    }

    #[test]
    fn references_that_multiply_end() {
        let mut text = String::from("s0: {v: 1}\nt0: x\n");
        for i in 1..=24 {
            text.push_str(&format!("s{i}: {{a: \"${{s{0}}}\", b: \"${{s{0}}}\"}}\n", i - 1));
            text.push_str(&format!("t{i}: ${{t{0}}}${{t{0}}}\n", i - 1));
        }
        let start = Instant::now();
        assert!(shown(&text, "s24").contains("more than"), "{}", shown(&text, "s24"));
        assert!(shown(&text, "t24").contains("more than"), "{}", shown(&text, "t24"));
        assert!(start.elapsed() < Duration::from_secs(5));
        let long: String = (1..400).map(|i| format!("a{i}: ${{a{}}}\n", i - 1)).collect();
        assert!(shown(&format!("a0: 1\n{long}"), "a399").contains("circle"));
    }
}
