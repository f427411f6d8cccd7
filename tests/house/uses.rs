//! `use` lines taken apart.

use crate::tokens::{reads, Token};
use std::collections::BTreeSet;

/// One name brought in by a `use`.
pub struct Use {
    pub path: Vec<String>,
    /// `None` for a glob and for `as _`.
    pub alias: Option<String>,
    /// `path::*`.
    pub glob: bool,
    pub line: usize,
    pub scope: Vec<String>,
}

/// Every `use`, its groups taken apart, and the indices of the tokens they stand on.
pub fn uses(tokens: &[Token]) -> (Vec<Use>, BTreeSet<usize>) {
    let (mut found, mut used) = (Vec::new(), BTreeSet::new());
    for (at, token) in tokens.iter().enumerate() {
        // Not `impl Trait + use<'a>`.
        if token.is("use") && !reads(tokens, at + 1, &["<"]) {
            let mut end = at + 1;
            tree(tokens, &mut end, &[], &mut found);
            used.extend(at..=end);
        }
    }
    (found, used)
}

/// One branch of a `use`; stands behind it afterwards.
fn tree(tokens: &[Token], at: &mut usize, prefix: &[String], found: &mut Vec<Use>) {
    let mut path = prefix.to_vec();
    let mut push = |path: Vec<String>, alias: Option<String>, token: &Token| {
        if !path.is_empty() {
            let glob = token.is("*");
            found.push(Use { path, alias, glob, line: token.line, scope: token.scope.clone() });
        }
    };
    while let Some(token) = tokens.get(*at) {
        if token.is("{") {
            *at += 1;
            while !reads(tokens, *at, &["}"]) && *at < tokens.len() {
                tree(tokens, at, &path, found);
                *at += usize::from(reads(tokens, *at, &[","]));
            }
            *at += 1;
            return;
        } else if token.is("*") {
            push(path, None, token);
            *at += 1;
            return;
        } else if token.is("::") || token.is("$") {
            *at += 1;
        } else if token.is_word() {
            // `a::{self, b}`: the `self` is `a`.
            if !token.is("self") || path.is_empty() {
                path.push(token.text.clone());
            }
            *at += 1;
            if !reads(tokens, *at, &["::"]) {
                let mut alias = path.last().cloned();
                if reads(tokens, *at, &["as"]) {
                    alias = tokens.get(*at + 1).map(|t| t.text.clone()).filter(|name| name != "_");
                    *at += 2;
                }
                push(path, alias, token);
                return;
            }
        } else {
            return;
        }
    }
}

/// `a::b::c` from `at` on, and the index of its last token.
pub fn path_at(tokens: &[Token], at: usize) -> (Vec<String>, usize) {
    let (mut path, mut end) = (vec![tokens[at].text.clone()], at);
    while reads(tokens, end + 1, &["::"]) && tokens.get(end + 2).is_some_and(Token::is_word) {
        end += 2;
        path.push(tokens[end].text.clone());
    }
    (path, end)
}
