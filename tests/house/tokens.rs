//! Rust source to tokens: comments are gone, literals are one token each, and every token knows its
//! line, the inline module it stands in, and whether it is compiled for tests only.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An identifier or keyword; raw ones without their `r#`.
    Word,
    /// Punctuation: `::`, `=>`, `->`, `!=` as one, everything else a character each.
    Mark,
    /// A string of any form; the token's text is its content.
    Text,
    Number,
    /// A lifetime, label or character literal.
    Other,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    /// From 1.
    pub line: usize,
    /// Inline modules around it, outermost first (`mod a { mod b { here } }`).
    pub scope: Vec<String>,
    /// Part of an item under `#[cfg(test)]`.
    pub test: bool,
}

impl Token {
    pub fn is(&self, text: &str) -> bool {
        self.text == text && matches!(self.kind, Kind::Word | Kind::Mark)
    }

    pub fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }
}

/// Whether the tokens from `at` on are exactly these words and marks.
pub fn reads(tokens: &[Token], at: usize, texts: &[&str]) -> bool {
    tokens.get(at..at + texts.len()).is_some_and(|found| found.iter().zip(texts).all(|(t, x)| t.is(x)))
}

pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text: text.chars().collect(), at: 0, line: 1, found: Vec::new() };
    while lexer.at < lexer.text.len() {
        lexer.step();
    }
    let mut found = lexer.found;
    mark_tests(&mut found);
    mark_scopes(&mut found);
    found
}

struct Lexer {
    text: Vec<char>,
    at: usize,
    line: usize,
    found: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.text.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn advance(&mut self, n: usize) {
        for _ in 0..n {
            self.line += usize::from(self.peek(0) == '\n');
            self.at += 1;
        }
    }

    fn push(&mut self, kind: Kind, from: usize, to: usize, line: usize) {
        let text = self.text[from..to.min(self.text.len())].iter().collect();
        self.found.push(Token { kind, text, line, scope: Vec::new(), test: false });
    }

    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            (c, _) if c.is_whitespace() => self.advance(1),
            ('/', '/') => {
                while self.at < self.text.len() && self.peek(0) != '\n' {
                    self.advance(1);
                }
            }
            ('/', '*') => self.block_comment(),
            ('"', _) => self.string(),
            ('\'', _) => self.quote(),
            (c, _) if c.is_ascii_digit() => self.number(),
            (c, _) if c.is_alphabetic() || c == '_' => self.word(),
            (':', ':') | ('=', '>') | ('-', '>') | ('!', '=') => self.mark(2),
            _ => self.mark(1),
        }
    }

    fn mark(&mut self, length: usize) {
        self.push(Kind::Mark, self.at, self.at + length, self.line);
        self.advance(length);
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    self.advance(1);
                    if self.at >= self.text.len() {
                        return;
                    }
                    continue;
                }
            }
            self.advance(2);
            if depth == 0 {
                return;
            }
        }
    }

    /// An ordinary string; stands at its opening quote.
    fn string(&mut self) {
        let line = self.line;
        self.advance(1);
        let from = self.at;
        while self.at < self.text.len() && self.peek(0) != '"' {
            self.advance(if self.peek(0) == '\\' { 2 } else { 1 });
        }
        self.push(Kind::Text, from, self.at, line);
        self.advance(1);
    }

    /// `"…"` between `hashes` hashes; stands at the first hash or the quote.
    fn raw_string(&mut self, hashes: usize) {
        let line = self.line;
        self.advance(hashes + 1);
        let from = self.at;
        let ends = |l: &Lexer| l.peek(0) == '"' && (1..=hashes).all(|i| l.peek(i) == '#');
        while self.at < self.text.len() && !ends(self) {
            self.advance(1);
        }
        self.push(Kind::Text, from, self.at, line);
        self.advance(hashes + 1);
    }

    /// A character literal, or a lifetime.
    fn quote(&mut self) {
        let (from, line) = (self.at, self.line);
        if self.peek(1) == '\\' {
            self.advance(3);
            while self.at < self.text.len() && self.peek(0) != '\'' {
                self.advance(1);
            }
            self.advance(1);
        } else if self.peek(2) == '\'' {
            self.advance(3);
        } else {
            self.advance(2);
            while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
                self.advance(1);
            }
        }
        self.push(Kind::Other, from, self.at, line);
    }

    fn number(&mut self) {
        let from = self.at;
        let hexadecimal = self.peek(0) == '0' && self.peek(1) == 'x';
        loop {
            let (c, next) = (self.peek(0), self.peek(1));
            let exponent = !hexadecimal && matches!(c, 'e' | 'E') && matches!(next, '+' | '-');
            let point = c == '.' && !(next == '.' || next == '_' || next.is_alphabetic());
            if exponent {
                self.advance(2);
            } else if c.is_alphanumeric() || c == '_' || point {
                self.advance(1);
            } else {
                break;
            }
        }
        self.push(Kind::Number, from, self.at, self.line);
    }

    /// A word, or the literal that its letters begin: `r"…"`, `b'x'`, `br#"…"#`, `r#name`.
    fn word(&mut self) {
        let from = self.at;
        let mut to = from;
        while to < self.text.len() && (self.text[to].is_alphanumeric() || self.text[to] == '_') {
            to += 1;
        }
        let word: String = self.text[from..to].iter().collect();
        let hashes = self.text[to..].iter().take_while(|c| **c == '#').count();
        let next = |i: usize| self.text.get(to + i).copied().unwrap_or('\0');
        match word.as_str() {
            "r" | "br" | "cr" if next(hashes) == '"' => {
                self.advance(to - from);
                self.raw_string(hashes);
            }
            "b" | "c" if next(0) == '"' => {
                self.advance(1);
                self.string();
            }
            "b" if next(0) == '\'' => {
                self.advance(1);
                self.quote();
            }
            "r" if hashes == 1 => self.advance(2),
            _ => {
                self.push(Kind::Word, from, to, self.line);
                self.advance(to - from);
            }
        }
    }
}

/// Where the bracket opened at `open` closes (or the last token).
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if ["(", "[", "{"].iter().any(|b| token.is(b)) {
            depth += 1;
        } else if [")", "]", "}"].iter().any(|b| token.is(b)) {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        }
    }
    tokens.len().saturating_sub(1)
}

/// Marks the items under `#[cfg(test)]`, and everything in a file under `#![cfg(test)]`.
fn mark_tests(tokens: &mut [Token]) {
    let mut at = 0;
    while at < tokens.len() {
        let inner = reads(tokens, at, &["#", "!", "[", "cfg", "("]);
        let outer = reads(tokens, at, &["#", "[", "cfg", "("]);
        let bracket = at + if inner { 2 } else { 1 };
        if (inner || outer) && needs_test(tokens, bracket + 2) {
            let attribute = closing(tokens, bracket);
            let last = if inner { tokens.len() - 1 } else { item_end(tokens, attribute + 1) };
            tokens[at..=last].iter_mut().for_each(|t| t.test = true);
            at = last;
        }
        at += 1;
    }
}

/// Whether the predicate in the brackets at `open` is `test`, or `all(…, test, …)`.
fn needs_test(tokens: &[Token], open: usize) -> bool {
    reads(tokens, open, &["(", "test", ")"])
        || reads(tokens, open, &["(", "all", "("])
            && (open + 3..closing(tokens, open + 2)).any(|i| {
                tokens[i].is("test")
                    && ["(", ","].iter().any(|b| tokens[i - 1].is(b))
                    && closing_depth(tokens, open + 2, i) == 1
            })
}

/// How many brackets opened from `open` on are open at `at`.
fn closing_depth(tokens: &[Token], open: usize, at: usize) -> i32 {
    tokens[open..at].iter().map(|t| i32::from(t.is("(")) - i32::from(t.is(")"))).sum()
}

/// The last token of the item that begins at `at` (perhaps with more attributes).
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while reads(tokens, at, &["#", "["]) {
        at = closing(tokens, at + 1) + 1;
    }
    const WITH_SEMICOLON: [&str; 5] = ["use", "const", "static", "type", "let"];
    const WITH_BODY: [&str; 9] =
        ["fn", "mod", "impl", "struct", "enum", "trait", "union", "macro_rules", "extern"];
    let words = tokens[at..].iter().take_while(|t| t.is_word() || t.is("(") || t.is(")"));
    // `const fn`, `pub(crate) unsafe impl`: a body wins over what stands before it.
    let words: Vec<&Token> = words.take(8).collect();
    let body = words.iter().any(|t| WITH_BODY.iter().any(|w| t.is(w)));
    let semicolon = !body && words.iter().any(|t| WITH_SEMICOLON.iter().any(|w| t.is(w)));
    while at < tokens.len() {
        if ["(", "[", "{"].iter().any(|b| tokens[at].is(b)) {
            let body_closed = body && tokens[at].is("{");
            at = closing(tokens, at);
            if body_closed {
                return at;
            }
        } else if tokens[at].is(";") || !body && !semicolon && tokens[at].is(",") {
            return at;
        } else if ["}", ")", "]"].iter().any(|b| tokens[at].is(b)) {
            return at - 1; // the last field, variant or statement without its comma
        }
        at += 1;
    }
    tokens.len() - 1
}

fn mark_scopes(tokens: &mut [Token]) {
    let mut open: Vec<(String, usize)> = Vec::new();
    for at in 0..tokens.len() {
        open.retain(|(_, end)| at <= *end);
        tokens[at].scope = open.iter().map(|(name, _)| name.clone()).collect();
        if tokens[at].is("mod") && reads(tokens, at + 2, &["{"]) {
            open.push((tokens[at + 1].text.clone(), closing(tokens, at + 2)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).into_iter().filter(|t| t.is_word() && !t.test).map(|t| t.text).collect()
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        let text = r##"
            // a::b
            /* c /* nested */ d */ let e = "f \" g"; r#"h " i"#; b"j"; br"k"; 'l'; '\''; b'm'; &'n o; r#type;
        "##;
        assert_eq!(words(text), ["let", "e", "o", "type"]);
        assert_eq!(tokens("\n\nx")[0].line, 3);
        assert_eq!(tokens(r#""a\n""#)[0].text, "a\\n");
    }

    #[test]
    fn numbers_end_where_they_end() {
        let texts = |t: &str| tokens(t).into_iter().map(|t| t.text).collect::<Vec<_>>();
        assert_eq!(texts("0..2"), ["0", ".", ".", "2"]);
        assert_eq!(texts("1.5e-3f64.max(0.)"), ["1.5e-3f64", ".", "max", "(", "0.", ")"]);
        assert_eq!(texts("1.max(2)"), ["1", ".", "max", "(", "2", ")"]);
        assert_eq!(texts("a!=b=>c"), ["a", "!=", "b", "=>", "c"]);
    }

    #[test]
    fn exactly_the_items_for_tests_are_marked() {
        let kept = |text: &str| words(text).join(" ");
        assert_eq!(kept("#[cfg(test)] mod tests { fn a() {} } fn b() {}"), "fn b");
        assert_eq!(kept("#[cfg(test)] mod tests; fn b() {}"), "fn b");
        assert_eq!(kept("#[cfg(test)] use a::{b, c}; use d;"), "use d");
        assert_eq!(kept("#[cfg(test)] #[inline] pub(crate) fn a() -> [u8; 3] { [b; 3] } c"), "c");
        assert_eq!(kept("#[cfg(test)] const A: B = B { c: 1 }; const fn d() {}"), "const fn d");
        assert_eq!(kept("#[cfg(test)] pub const fn a() { b } c"), "c");
        assert_eq!(kept("struct A { #[cfg(test)] b: C, d: E }"), "struct A d E");
        assert_eq!(kept("struct A { d: E, #[cfg(test)] b: C }"), "struct A d E");
        assert_eq!(
            kept("#[cfg(all(test, unix))] fn a() {} #[cfg(not(test))] fn b() {}"),
            "cfg not test fn b"
        );
        assert_eq!(kept("#[cfg(any(test, unix))] fn a() {}"), "cfg any test unix fn a");
        assert_eq!(kept("#![cfg(test)] fn a() {}"), "");
        assert_eq!(kept("#[cfg(feature = \"test\")] fn a() {}"), "cfg feature fn a");
    }

    #[test]
    fn inline_modules_are_scopes() {
        let found = tokens("a mod b { c mod d { e } f } g");
        let scope = |name: &str| found.iter().find(|t| t.is(name)).unwrap().scope.join("::");
        assert_eq!(["a", "c", "e", "f", "g"].map(scope), ["", "b", "b::d", "b", ""]);
    }
}
