//! Pins: what a manifest was last known to run with, checked before a run and refreshed on demand.

use super::diagnostic::Finding;
use super::identity::bare;
use super::schema::Experiment;
use super::syntax::{Kind, Node};
use super::{lookup, syntax, text};
use crate::fault::Fault;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is here now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current<'a> {
    /// Code hash of the program.
    pub code: &'a str,
    /// Where that code was committed, if it was.
    pub commit: Option<&'a str>,
    /// Content hash of the dataset, when it was read.
    pub data: Option<&'a str>,
}

/// A pin that does not match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Path of the pin, e.g. `pins.code`.
    pub pin: String,
    /// What the manifest says.
    pub expected: String,
    pub found: String,
    /// How to get back to what the manifest says, when that is known.
    pub back: Option<String>,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} expected {}, found {}", self.pin, self.expected, self.found)
    }
}

/// The pins of `experiment` that do not match what was found; empty when it may run.
///
/// The code hash decides about the code: with the same hash, another commit holds the same sources
/// (a rebase, a shallow clone) and is no drift. The commit is compared only without a code pin.
pub fn verify(experiment: &Experiment, found: &Current) -> Vec<Drift> {
    let pins = experiment.pins.clone().unwrap_or_default();
    let commit = pins.commit.as_deref();
    let mut drifts = Vec::new();
    match (&pins.code, commit, found.commit) {
        (Some(code), _, _) => {
            let back = commit.map(|c| format!("the pinned code is at commit {c}: `git checkout {c}`"));
            drifts.extend(drift("pins.code", code, &prefixed(found.code), back));
        }
        (None, Some(pinned), Some(here)) if !here.starts_with(pinned) => {
            let back = Some(format!("`git checkout {pinned}`"));
            drifts.extend(drift("pins.commit", pinned, here, back));
        }
        _ => {}
    }
    if let (Some(pinned), Some(here)) = (&experiment.data.sha256, found.data) {
        let back = experiment.data.obtain.clone().map(|o| format!("how to get the pinned data: {o}"));
        drifts.extend(drift("data.sha256", pinned, here, back));
    }
    drifts
}

fn drift(pin: &str, expected: &str, found: &str, back: Option<String>) -> Option<Drift> {
    (bare(expected) != bare(found)).then(|| Drift {
        pin: pin.into(),
        expected: expected.into(),
        found: found.into(),
        back,
    })
}

fn prefixed(hash: &str) -> String {
    format!("sha256:{}", bare(hash))
}

/// The refusal (exit 3) of a run whose pins do not match, with the two ways out.
pub fn refusal(file: &str, drifts: &[Drift]) -> Fault {
    let list = |part: fn(&Drift) -> &str| {
        let lines: Vec<String> = drifts.iter().map(|d| format!("{} {}", d.pin, part(d))).collect();
        lines.join(", ")
    };
    let mut help: Vec<String> = drifts.iter().filter_map(|d| d.back.clone()).collect();
    help.push(format!("`nano4m pin {file}` pins what is here"));
    help.push("`--allow-drift` runs anyway and marks the record and its tables".into());
    Fault::provenance("the manifest is pinned to something else")
        .at(file)
        .found(list(|d| &d.found))
        .expected(list(|d| &d.expected))
        .help(help.join("; "))
}

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
    match after == before {
        true => Ok(out),
        false => Err(Fault::failed("the pins could not be written without changing the manifest")
            .help("write `pins: (code: …, commit: …)` by hand, once; it can be refreshed then")),
    }
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
    use super::super::testing::{small, SMALL};
    use super::*;
    use crate::manifest::identity::identity;
    use crate::manifest::schema::Pins;

    const CODE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const DATA: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const HERE: Current = Current { code: CODE, commit: Some("c0ffee1"), data: Some(DATA) };

    fn pinned(code: Option<&str>, commit: Option<&str>, data: Option<&str>) -> Experiment {
        let mut e = small();
        e.pins = Some(Pins { code: code.map(Into::into), commit: commit.map(Into::into) });
        e.data.sha256 = data.map(Into::into);
        e
    }

    #[test]
    fn matching_or_missing_pins_do_not_drift() {
        let code = format!("sha256:{CODE}");
        for e in [
            small(),
            pinned(Some(&code), Some("c0ffee1"), Some(DATA)),
            pinned(Some(CODE), None, Some(&format!("sha256:{DATA}"))),
            // The same code under another commit.
            pinned(Some(&code), Some("badc0de"), None),
            pinned(None, Some("c0ffee"), None),
        ] {
            assert_eq!(verify(&e, &Current { commit: Some("c0ffee1"), ..HERE }), []);
        }
    }

    #[test]
    fn every_drift_is_listed_with_both_ways_out() {
        let mut e = pinned(Some("sha256:0"), Some("badc0de"), Some("1"));
        e.data.obtain = Some("ask Ada".into());
        let drifts = verify(&e, &HERE);
        assert_eq!(drifts.iter().map(|d| d.pin.as_str()).collect::<Vec<_>>(), ["pins.code", "data.sha256"]);
        let fault = refusal("x.ron", &drifts);
        assert_eq!(fault.exit, crate::fault::Exit::Provenance);
        assert_eq!(
            fault.to_string(),
            format!(
                "the manifest is pinned to something else\n        at: x.ron\n     \
                 found: pins.code sha256:{CODE}, data.sha256 {DATA}\n  \
                 expected: pins.code sha256:0, data.sha256 1\n      \
                 help: the pinned code is at commit badc0de: `git checkout badc0de`; \
                 how to get the pinned data: ask Ada; `nano4m pin x.ron` pins what is here; \
                 `--allow-drift` runs anyway and marks the record and its tables"
            )
        );
        assert_eq!(verify(&pinned(None, Some("badc0de"), None), &HERE)[0].pin, "pins.commit");
        assert_eq!(verify(&pinned(None, Some("badc0de"), None), &Current { commit: None, ..HERE }), []);
    }

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
