//! The scanner of RON texts. It never fails: on broken text it returns what it saw.

use super::tree::{Field, Kind, Node};

/// Nesting beyond this is not followed (RON itself stops there).
const MAX_DEPTH: usize = 128;

/// Scans `text`; the root is an empty scalar when there is no value.
pub fn scan(text: &str) -> Node {
    let mut scanner = Scanner { text, at: 0, depth: 0 };
    scanner.blank();
    while scanner.rest().starts_with("#!") {
        let end = scanner.rest().find(")]").map_or(text.len(), |i| scanner.at + i + 2);
        scanner.at = end;
        scanner.blank();
    }
    scanner.value()
}

/// Whether a comma follows byte `at`, comments aside.
pub fn comma_follows(text: &str, at: usize) -> bool {
    let mut scanner = Scanner { text, at, depth: 0 };
    scanner.blank();
    scanner.peek() == Some(',')
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
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
        let mut open = 0;
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
                    None => return,
                }
            }
        }
    }

    fn value(&mut self) -> Node {
        let start = self.at;
        if self.depth >= MAX_DEPTH {
            self.at = self.text.len();
            return Node { start, end: self.at, kind: Kind::Scalar };
        }
        self.depth += 1;
        let kind = match self.peek() {
            Some('[') => self.body('[', ']', None),
            Some('{') => self.body('{', '}', None),
            Some('(') => self.body('(', ')', None),
            _ => self.word(),
        };
        self.depth -= 1;
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
                let length = inner.find(&close).map_or(inner.len(), |i| i + close.len());
                self.at += prefix + 1 + hashes + 1 + length;
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
        self.at = self.text.len();
    }

    /// Everything between brackets: fields when the first entry has a key, else items.
    fn body(&mut self, open: char, close: char, name: Option<String>) -> Kind {
        self.eat(open);
        let (mut fields, mut items) = (Vec::new(), Vec::new());
        loop {
            self.blank();
            if self.eat(close) || self.peek().is_none() {
                break;
            }
            let before = self.at;
            match self.key() {
                Some((key, start)) => fields.push(Field { key, start, value: self.value() }),
                None => items.push(self.value()),
            }
            self.blank();
            if !self.eat(',') && self.at == before {
                // Stray character: step over it rather than loop.
                self.at += self.peek().map_or(0, char::len_utf8);
            }
        }
        if fields.is_empty() && open != '{' {
            Kind::Items { name, items }
        } else {
            Kind::Fields { name, map: open == '{', fields }
        }
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
        if !key.is_empty() && self.eat(':') {
            self.blank();
            return Some((key, start));
        }
        self.at = start;
        None
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
    fn deep_nesting_ends() {
        scan(&"(".repeat(100_000));
        scan(&"a(b:[".repeat(50_000));
    }

    proptest! {
        #[test]
        fn any_text_is_scanned_without_panic(text in r#"[a-c(){}\[\]:,"'/*#r\\ \n1.é-]{0,60}"#) {
            let root = scan(&text);
            prop_assert!(root.start <= root.end && root.end <= text.len());
        }
    }
}
