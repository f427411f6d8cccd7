//! Pins written into a manifest's text, comments and layout untouched.

use super::drift::{prefixed, Current};
use crate::fault::Fault;
use crate::manifest::diagnostic::Finding;
use crate::manifest::identity::bare;
use crate::manifest::schema::Experiment;
use crate::manifest::syntax::{Kind, Node};
use crate::manifest::{lookup, syntax, text};
use serde::Serialize;
use std::fmt;

/// A manifest's text with its pins refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshed {
    pub text: String,
    /// Empty when every pin was right already.
    pub changes: Vec<Change>,
}

/// One pin that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub pin: String,
    /// RON, as it stood; absent when it was not there.
    pub old: Option<String>,
    /// RON, as it stands now.
    pub new: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(old) = &self.old {
            writeln!(f, "- {}: {old}", self.pin)?;
        }
        write!(f, "+ {}: {}", self.pin, self.new)
    }
}

/// Writes what was found into the manifest's `text`; comments and layout stay as they are.
///
/// The data hash is written for data from a path (synthetic data is a function of manifest and
/// code), the commit is removed when the code is not committed.
/// Errors: a text that cannot be read, exit 2.
pub fn refresh(text: &str, found: &Current) -> Result<Refreshed, Fault> {
    let before = read(text)?;
    let mut out = Refreshed { text: text.to_owned(), changes: Vec::new() };
    if let Some(data) = found.data.filter(|_| before.data.path.is_some() || before.data.sha256.is_some()) {
        let same = before.data.sha256.as_deref().is_some_and(|s| bare(s) == bare(data));
        if !same {
            out.set("data.sha256", format!("\"{}\"", bare(data)));
        }
    }
    let pins = before.pins.clone().unwrap_or_default();
    if pins.code.as_deref().map(bare) != Some(bare(found.code)) {
        out.set("pins.code", format!("\"{}\"", prefixed(found.code)));
    }
    if pins.commit.as_deref() != found.commit {
        out.set("pins.commit", found.commit.map_or("None".into(), |c| format!("\"{c}\"")));
    }
    let mut after = read(&out.text)?;
    after.pins.clone_from(&before.pins);
    after.data.sha256.clone_from(&before.data.sha256);
    if after == before {
        return Ok(out);
    }
    Err(Fault::failed("the pins could not be written without changing the manifest")
        .help("write `pins: (code: …, commit: …)` by hand, once; it can be refreshed then"))
}

fn read(text: &str) -> Result<Experiment, Fault> {
    text::parse(text).map_err(|(Finding { what, help, .. }, (line, column))| {
        let fault = Fault::invalid(what).at(format!("{line}:{column}"));
        help.into_iter().fold(fault, Fault::help)
    })
}

impl Refreshed {
    /// Sets the value at `path` (`field` or `field.field`) to `new`.
    fn set(&mut self, path: &str, new: String) {
        let root = syntax::scan(&self.text);
        let found = lookup::follow(&self.text, &root, path);
        let (node, rest) = (unwrapped(found.node), found.rest);
        let old = &self.text[node.start..node.end];
        let change = Change {
            pin: path.into(),
            old: Some(old.to_owned()).filter(|_| rest.is_empty()),
            new: new.clone(),
        };
        match rest.split_once('.') {
            _ if rest.is_empty() => self.text.replace_range(node.start..node.end, &new),
            // `pins: None`.
            _ if old == "None" => self.text.replace_range(node.start..node.end, &format!("({rest}: {new})")),
            Some((field, inner)) => insert(&mut self.text, node, field, &format!("({inner}: {new})")),
            None => insert(&mut self.text, node, rest, &new),
        }
        self.changes.push(change);
    }
}

/// The struct in `Some(…)`; other values are themselves.
fn unwrapped(node: &Node) -> &Node {
    match &node.kind {
        Kind::Items { name: Some(name), items } if name == "Some" => match items.as_slice() {
            [only] if only.kind != Kind::Scalar => unwrapped(only),
            _ => node,
        },
        _ => node,
    }
}

/// Appends `field: value` to the struct `node` of `text`, in the layout of its last field.
fn insert(text: &mut String, node: &Node, field: &str, value: &str) {
    let close = node.end - 1;
    let Some(last) = (match &node.kind {
        Kind::Fields { fields, .. } => fields.last(),
        _ => None,
    }) else {
        text.insert_str(close, &format!("{field}: {value}"));
        return;
    };
    let line = |at: usize| text[..at].rfind('\n').map_or(0, |i| i + 1);
    let own_line = text[line(close)..close].trim().is_empty();
    if !own_line || line(close) <= last.value.end {
        // All on one line, whether or not a comma follows.
        text.insert_str(last.value.end, &format!(", {field}: {value}"));
        return;
    }
    let indent: String = text[line(last.start)..].chars().take_while(|c| *c == ' ' || *c == '\t').collect();
    let (end, comma) = (line(close), !syntax::comma_follows(text, last.value.end));
    text.insert_str(end, &format!("{indent}{field}: {value},\n"));
    if comma {
        text.insert(last.value.end, ',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::identity::identity;
    use crate::manifest::pins::verify;
    use crate::manifest::testing::SMALL;

    const CODE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const DATA: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const HERE: Current = Current { code: CODE, commit: Some("c0ffee1"), data: Some(DATA) };

    #[test]
    fn pins_are_added_below_the_last_field() {
        let done = refresh(SMALL, &HERE).unwrap();
        let pins = format!("    pins: (code: \"sha256:{CODE}\", commit: \"c0ffee1\"),\n)\n");
        assert_eq!(done.text, SMALL.strip_suffix(")\n").unwrap().to_owned() + &pins);
        assert_eq!(
            done.changes.iter().map(Change::to_string).collect::<Vec<_>>(),
            [format!("+ pins.code: \"sha256:{CODE}\""), "+ pins.commit: \"c0ffee1\"".into()]
        );
        assert_eq!(refresh(&done.text, &HERE).unwrap(), Refreshed { text: done.text, changes: vec![] });
    }

    #[test]
    fn pins_are_replaced_in_place() {
        let text = SMALL
            .replace("data: (synthetic: (classes: 4)),", "data: ( path: \"x\" /* here */ ),")
            .replace(
                "probes: [CrossEntropy(masks: 2)],\n",
                "pins: Some((\n        // old\n        code: \"sha256:0\" // very\n    )), probes: [] // last, no comma\n",
            );
        let done = refresh(&text, &HERE).unwrap();
        let expected = text.replace("\"x\" /*", &format!("\"x\", sha256: \"{DATA}\" /*")).replace(
            "\"sha256:0\" // very\n",
            &format!("\"sha256:{CODE}\", // very\n        commit: \"c0ffee1\",\n"),
        );
        assert_eq!(done.text, expected);
        assert_eq!(
            done.changes[1].to_string(),
            format!("- pins.code: \"sha256:0\"\n+ pins.code: \"sha256:{CODE}\"")
        );
        assert_eq!(verify(&text::parse(&done.text).unwrap(), &HERE), []);
    }

    #[test]
    fn odd_layouts() {
        let one_line = SMALL.replace("// A comment with train: (lr: NaN).", "").replace('\n', " ");
        let no_comma = SMALL.replace("probes: [CrossEntropy(masks: 2)],", "probes: [] // x, y");
        for text in [
            one_line,
            no_comma,
            SMALL.replace("schema: 1", "schema: 1, pins: None"),
            SMALL.replace("schema: 1", "schema: 1, pins: ()"),
            SMALL.replace("schema: 1", "schema: 1, pins: ( /* ) */ )"),
            SMALL.replace('\n', "\r\n"),
        ] {
            let done = refresh(&text, &HERE).unwrap();
            let (old, new) = (text::parse(&text).unwrap(), text::parse(&done.text).unwrap());
            assert_eq!(new.pins.as_ref().unwrap().commit.as_deref(), Some("c0ffee1"), "{}", done.text);
            assert_eq!(verify(&new, &HERE), []);
            assert_eq!(identity(&old, "d", "c"), identity(&new, "d", "c"));
        }
    }

    #[test]
    fn uncommitted_code_has_no_commit() {
        let first = refresh(SMALL, &HERE).unwrap().text;
        let done = refresh(&first, &Current { code: DATA, commit: None, data: None }).unwrap();
        assert!(
            done.text.contains(&format!("pins: (code: \"sha256:{DATA}\", commit: None),")),
            "{}",
            done.text
        );
    }
}
