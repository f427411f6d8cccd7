//! The scanner of RON texts. It never fails: on broken text it returns what it saw, and what is broken.

use super::place::position;
use super::tree::{Field, Kind, Node, Problem};
use std::ops::Range;

/// Nesting beyond this is not followed (RON itself stops there).
const MAX_DEPTH: usize = 128;

/// Broken writing is told so often: what follows from the first may be nonsense.
const MOST_PROBLEMS: usize = 8;

/// Scans `text`; the root is an empty scalar when there is no value.
pub fn scan(text: &str) -> Node {
    proofread(text).0
}

/// [`scan`], and what is broken, in the order of the text.
pub fn proofread(text: &str) -> (Node, Vec<Problem>) {
    let mut scanner = Scanner::at(text, 0);
    scanner.blank();
    while scanner.rest().starts_with("#!") {
        let end = scanner.rest().find(")]").map_or(text.len(), |i| scanner.at + i + 2);
        scanner.at = end;
        scanner.blank();
    }
    let root = scanner.value();
    scanner.blank();
    if root.start == root.end {
        scanner.broken(root.start..root.end, "the file holds no value".into(), false);
    } else if scanner.at < text.len() && scanner.problems.iter().all(|problem| problem.slight) {
        let at = scanner.at;
        scanner.broken(at..at + 1, "the file goes on after its value has ended".into(), false);
    }
    let mut problems = scanner.problems;
    problems.sort_by_key(|problem| problem.start);
    (root, problems)
}

/// Whether a comma follows byte `at`, comments aside.
pub fn comma_follows(text: &str, at: usize) -> bool {
    let mut scanner = Scanner::at(text, at);
    scanner.blank();
    scanner.peek() == Some(',')
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Brackets that are open, with their places.
    open: Vec<(char, usize)>,
    problems: Vec<Problem>,
}

impl<'a> Scanner<'a> {
    fn at(text: &'a str, at: usize) -> Scanner<'a> {
        Scanner { text, at, open: Vec::new(), problems: Vec::new() }
    }

    fn broken(&mut self, span: Range<usize>, what: String, slight: bool) {
        // Where the text ends too early, the innermost that is open is told.
        let again = |p: &Problem| p.what == what && p.start == span.start;
        let ends = |what: &str| what.ends_with(NEVER_CLOSED) || what.ends_with(OPEN_STRING);
        let again = self.problems.iter().any(|p| again(p) || (ends(&p.what) && ends(&what)));
        if self.problems.len() < MOST_PROBLEMS && !again {
            self.problems.push(Problem { start: span.start, end: span.end, what, slight });
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, accept: impl Fn(char) -> bool) {
        self.at += self.rest().find(|c| !accept(c)).unwrap_or(self.rest().len());
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    /// Skips whitespace and comments.
    fn blank(&mut self) {
        loop {
            self.skip(char::is_whitespace);
            if self.rest().starts_with("//") {
                self.skip(|c| c != '\n');
            } else if self.rest().starts_with("/*") {
                self.block_comment();
            } else {
                return;
            }
        }
    }

    fn block_comment(&mut self) {
        let (mut open, start) = (0, self.at);
        loop {
            let rest = self.rest();
            if rest.starts_with("/*") {
                open += 1;
                self.at += 2;
            } else if rest.starts_with("*/") {
                open -= 1;
                self.at += 2;
                if open == 0 {
                    return;
                }
            } else {
                match rest.chars().next() {
                    Some(c) => self.at += c.len_utf8(),
                    None => {
                        return self.broken(start..start + 2, format!("the comment {NEVER_CLOSED}"), false)
                    }
                }
            }
        }
    }

    fn value(&mut self) -> Node {
        let start = self.at;
        if self.open.len() >= MAX_DEPTH {
            self.broken(start..start + 1, format!("nested deeper than {MAX_DEPTH} brackets"), false);
            self.at = self.text.len();
            return Node { start, end: self.at, kind: Kind::Scalar };
        }
        let kind = match self.peek() {
            Some('[') => self.body('[', ']', None),
            Some('{') => self.body('{', '}', None),
            Some('(') => self.body('(', ')', None),
            _ => self.word(),
        };
        Node { start, end: self.at, kind }
    }

    /// A scalar, or a name with a parenthesis.
    fn word(&mut self) -> Kind {
        if self.string() {
            return Kind::Scalar;
        }
        let name = self.identifier();
        if name.is_empty() {
            self.skip(|c| !c.is_whitespace() && !",:()[]{}\"/".contains(c));
            return Kind::Scalar;
        }
        let end = self.at;
        self.blank();
        if self.peek() == Some('(') {
            return self.body('(', ')', Some(name));
        }
        self.at = end;
        Kind::Scalar
    }

    fn identifier(&mut self) -> String {
        let start = self.at;
        if self.rest().starts_with("r#") {
            self.at += 2;
        }
        if self.peek().is_some_and(|c| c.is_alphabetic() || c == '_') {
            self.skip(|c| c.is_alphanumeric() || c == '_');
            return self.text[start..self.at].trim_start_matches("r#").to_owned();
        }
        self.at = start;
        String::new()
    }

    /// Skips a string or character literal; false when there is none here.
    fn string(&mut self) -> bool {
        let rest = self.rest();
        let body = rest.strip_prefix('b').unwrap_or(rest);
        let prefix = rest.len() - body.len();
        if let Some(raw) = body.strip_prefix('r') {
            let hashes = raw.len() - raw.trim_start_matches('#').len();
            if raw[hashes..].starts_with('"') {
                let close = format!("\"{}", "#".repeat(hashes));
                let inner = &raw[hashes + 1..];
                let length = inner.find(&close).map(|i| i + close.len());
                if length.is_none() {
                    self.broken(self.at..self.at + 1, format!("the string {NEVER_CLOSED}"), false);
                }
                self.at += prefix + 1 + hashes + 1 + length.unwrap_or(inner.len());
                return true;
            }
        }
        match body.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                self.at += prefix + 1;
                self.quoted(quote);
                true
            }
            _ => false,
        }
    }

    fn quoted(&mut self, quote: char) {
        let start = self.at - 1;
        let mut escaped = false;
        for (i, c) in self.rest().char_indices() {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == quote {
                self.at += i + 1;
                return;
            }
        }
        self.broken(start..start + 1, format!("the string {NEVER_CLOSED}"), false);
        self.at = self.text.len();
    }

    /// Everything between brackets: fields when the first entry has a key, else items.
    fn body(&mut self, open: char, close: char, name: Option<String>) -> Kind {
        self.open.push((open, self.at));
        self.eat(open);
        let (mut fields, mut items): (Vec<Field>, Vec<Node>) = (Vec::new(), Vec::new());
        while !self.closes(close) {
            let before = self.at;
            let key = self.key();
            self.blank();
            let begun = self.at;
            match key {
                Some((key, start)) => fields.push(Field { key, start, value: self.value() }),
                None => items.push(self.value()),
            }
            let end = self.at;
            self.blank();
            if self.eat(',') || self.at == before {
                // Stray character: step over it rather than loop.
                if self.at == before {
                    self.stray();
                }
            } else if self.peek().is_some_and(|c| !CLOSING.contains(c)) && self.runs_over(begun..end) {
                self.at = self.text.len();
            } else if self.peek().is_some_and(|c| !CLOSING.contains(c)) {
                self.broken(end.saturating_sub(1)..end, "a comma is missing behind this".into(), true);
            }
        }
        self.open.pop();
        if fields.is_empty() && open != '{' {
            return Kind::Items { name, items };
        }
        for item in items.iter().filter(|item| item.start < item.end) {
            let what = "a value without a name among values with names".to_owned();
            self.broken(item.start..item.end, what, true);
        }
        Kind::Fields { name, map: open == '{', fields }
    }

    /// Whether a string, behind which a comma is missing, ends on another line than it begins: it has probably
    /// ended at the quote that begins the next one, and what follows is inside out.
    fn runs_over(&mut self, string: Range<usize>) -> bool {
        let source = &self.text[string.clone()];
        let Some(line) = source.find('\n').filter(|_| source.starts_with('"')) else { return false };
        let length = source[..line].trim_end().len();
        let (last, _) = position(self.text, string.end - 1);
        let what = format!("this string ends in line {last}: {OPEN_STRING}");
        self.broken(string.start..string.start + length, what, false);
        true
    }

    /// Whether the innermost bracket, to be closed by `close`, ends here; takes the closing bracket.
    fn closes(&mut self, close: char) -> bool {
        self.blank();
        let (open, start) = *self.open.last().expect("a bracket is open");
        match self.peek() {
            Some(c) if c == close => self.eat(c),
            None => {
                self.broken(start..start + 1, format!("`{open}` {NEVER_CLOSED}"), false);
                true
            }
            // It closes an outer one.
            Some(c) if CLOSING.contains(c) && self.open.iter().any(|(o, _)| closing(*o) == c) => {
                if self.problems.len() < MOST_PROBLEMS {
                    let (line, _) = position(self.text, start);
                    let what = format!("`{c}` where the `{open}` of line {line} is still open");
                    self.broken(self.at..self.at + 1, what, false);
                }
                true
            }
            _ => false,
        }
    }

    fn stray(&mut self) {
        let Some(c) = self.peek() else { return };
        self.broken(self.at..self.at + c.len_utf8(), format!("`{c}` has no meaning here"), false);
        self.at += c.len_utf8();
    }

    /// `key:` of a field or map entry, with its start; nothing is consumed when there is none.
    fn key(&mut self) -> Option<(String, usize)> {
        let start = self.at;
        let identifier = self.identifier();
        if identifier.is_empty() && !self.string() {
            self.skip(|c| c.is_alphanumeric() || "+-._".contains(c));
        }
        let key = if identifier.is_empty() { unquote(&self.text[start..self.at]) } else { identifier };
        self.blank();
        let equals = !key.is_empty() && self.peek() == Some('=');
        if equals {
            self.broken(self.at..self.at + 1, "`=` where a field has `:`".into(), true);
        }
        if !key.is_empty() && (self.eat(':') || (equals && self.eat('='))) {
            self.blank();
            return Some((key, start));
        }
        self.at = start;
        None
    }
}

const CLOSING: &str = ")]}";
const NEVER_CLOSED: &str = "is never closed";
const OPEN_STRING: &str = "its closing quote, or a comma behind it, is missing";

fn closing(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// The content of a string literal (as RON reads it), or the text itself.
pub fn unquote(literal: &str) -> String {
    ron::from_str::<String>(literal).unwrap_or_else(|_| literal.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::syntax::position;
    use proptest::prelude::*;

    fn field<'a>(node: &'a Node, key: &str) -> &'a Field {
        match &node.kind {
            Kind::Fields { fields, .. } => fields.iter().find(|f| f.key == key).unwrap(),
            other => panic!("no fields in {other:?}"),
        }
    }

    #[test]
    fn comments_strings_and_variants() {
        let text = r##"#![enable(implicit_some)]
// train: (lr: 1)
Experiment( /* nested /* lr: */ "quote */
    about: "a ) \" , b", raw: r#"x " ( y"#,
    train: (lr: 1e-4, betas: (0.9, 0.95)),
    span: Span ( stride: 2 ),
    map: {"tok_rgb@196": -1.0, 'c': 2},
    list: [A, B(1), (x: 3),],
)"##;
        let root = scan(text);
        assert_eq!(root.end, text.len());
        let slice = |n: &Node| &text[n.start..n.end];
        assert_eq!(slice(&field(&root, "about").value), r#""a ) \" , b""#);
        assert_eq!(slice(&field(&root, "raw").value), r##"r#"x " ( y"#"##);
        let lr = field(&field(&root, "train").value, "lr");
        assert_eq!((slice(&lr.value), position(text, lr.start)), ("1e-4", (5, 13)));
        let span = &field(&root, "span").value;
        assert_eq!(slice(&field(span, "stride").value), "2");
        assert!(matches!(&span.kind, Kind::Fields { name: Some(n), map: false, .. } if n == "Span"));
        assert_eq!(slice(&field(&field(&root, "map").value, "tok_rgb@196").value), "-1.0");
        match &field(&root, "list").value.kind {
            Kind::Items { items, .. } => {
                assert_eq!(items.iter().map(slice).collect::<Vec<_>>(), ["A", "B(1)", "(x: 3)"]);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn broken_writing_is_named_where_it_is() {
        let told = |text: &str| -> Vec<String> {
            let shown = |p: &Problem| format!("{}: {}", &text[p.start..], p.what);
            proofread(text).1.iter().map(shown).collect()
        };
        let none: [&str; 0] = [];
        assert_eq!(told("(a: 1, b: [(1, 2), X(y: \"z\"),], c: {}, d: (),)"), none);
        assert_eq!(told("(a: 1 b: 2)"), ["1 b: 2): a comma is missing behind this"]);
        assert_eq!(told("(a: [1, 2), b: 3)"), ["), b: 3): `)` where the `[` of line 1 is still open"]);
        assert_eq!(told("(a: 1"), ["(a: 1: `(` is never closed"]);
        assert_eq!(told("(a: \"x)"), ["\"x): the string is never closed"]);
        assert_eq!(told("(a: 1))"), ["): the file goes on after its value has ended"]);
        assert_eq!(told("(a: 1, 2)"), ["2): a value without a name among values with names"]);
        assert_eq!(told("(a: 1 /* x"), ["/* x: the comment is never closed"]);
        assert_eq!(told(""), [": the file holds no value"]);
        let open = "(name: \"x,\n about: \"y z\",\n sizes: [1, 2],\n)";
        let said = "this string ends in line 2: its closing quote, or a comma behind it, is missing";
        assert_eq!(told(open), [format!("{}: {said}", &open[7..])]);
        assert_eq!(told("(a: \"two\nlines\", b: 1)"), none);
        assert_eq!(told("(a = 1)"), ["= 1): `=` where a field has `:`"]);
        assert_eq!(told("(a: [1")[0], "[1: `[` is never closed");
    }

    #[test]
    fn deep_nesting_ends() {
        scan(&"(".repeat(100_000));
        scan(&"a(b:[".repeat(50_000));
    }

    proptest! {
        #[test]
        fn any_text_is_scanned_without_panic(text in r#"[a-c(){}\[\]:,"'/*#r\\ \n1.é-]{0,60}"#) {
            let (root, problems) = proofread(&text);
            prop_assert!(root.start <= root.end && root.end <= text.len());
            prop_assert!(problems.len() <= MOST_PROBLEMS);
        }
    }
}
