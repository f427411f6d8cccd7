//! The sources of the crate as a tree of modules, and every path their code names, resolved.

use crate::tokens::{reads, tokens, Token};
use crate::uses::{path_at, uses};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A path as the compiler would read it: `["crate", "store", "Lock"]`, `["std", "env", "var"]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    pub path: Vec<String>,
    pub line: usize,
    /// `use path::*`: brings in whatever lies directly in it.
    pub glob: bool,
}

impl Named {
    /// Whether it is `prefix` (`std::env`) or something inside it.
    pub fn within(&self, prefix: &str) -> bool {
        let prefix: Vec<&str> = prefix.split("::").collect();
        self.path.len() >= prefix.len() && self.path.iter().zip(&prefix).all(|(a, b)| a == b)
    }

    /// Whether it is within `prefix`, or brings it in with everything beside it: `use std::env::*` for
    /// `std::env::var`, and `use std::*` too, after which the code may say `env::var`.
    pub fn reaches(&self, prefix: &str) -> bool {
        let mut parts = prefix.split("::");
        self.within(prefix) || self.glob && self.path.iter().all(|own| parts.next() == Some(own.as_str()))
    }

    /// The module at the crate's top that it leads to, if it leads into the crate. What `lib.rs`
    /// itself defines or re-exports counts as `lib`.
    pub fn room<'a>(&'a self, sources: &Sources) -> Option<&'a str> {
        let local = self.path.first().is_some_and(|first| first == "crate");
        local.then(|| self.path.get(1).filter(|m| sources.rooms.contains(*m)).map_or("lib", |m| m))
    }
}

#[derive(Clone)]
pub struct Source {
    /// From `src`, e.g. `report/tables/claims.rs`.
    pub path: String,
    pub text: String,
    /// All of it, tests included.
    pub tokens: Vec<Token>,
    /// `["report", "tables", "claims"]`; empty for `lib.rs` and `main.rs`.
    pub module: Vec<String>,
    /// The whole file is compiled for tests only.
    pub test: bool,
    /// Every path in the code that is not for tests.
    pub names: Vec<Named>,
    declared: Vec<Declared>,
}

/// A `mod`.
#[derive(Clone)]
struct Declared {
    module: Vec<String>,
    /// With its content between braces.
    inline: bool,
    /// Under `#[cfg(test)]`.
    test: bool,
}

/// Every `mod` of the file that is `module`.
fn declared(module: &[String], tokens: &[Token]) -> Vec<Declared> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, t)| t.is("mod")) {
        let inline = reads(tokens, at + 2, &["{"]);
        if inline || reads(tokens, at + 2, &[";"]) {
            let name = vec![tokens[at + 1].text.clone()];
            let module = [module, &token.scope, &name].concat();
            found.push(Declared { module, inline, test: token.test });
        }
    }
    found
}

impl Source {
    fn new(path: &str, text: String) -> Source {
        let (tokens, module) = (tokens(&text), module_of(path));
        let declared = declared(&module, &tokens);
        Source { path: path.into(), text, tokens, module, test: false, names: Vec::new(), declared }
    }

    /// The module at the crate's top it belongs to; `lib` and `main` for the roots.
    pub fn room(&self) -> &str {
        self.module.first().map_or(self.path.trim_end_matches(".rs"), String::as_str)
    }

    /// Stands in this file or folder of `src`.
    pub fn within(&self, place: &str) -> bool {
        let rest = self.path.strip_prefix(place);
        rest.is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
    }

    /// Tokens that are compiled into the program.
    pub fn code(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter().filter(|t| !self.test && !t.test)
    }

    /// Lines without those of tests.
    pub fn lines(&self) -> usize {
        let items = self.tokens.chunk_by(|a, b| a.test == b.test).filter(|item| item[0].test);
        let tests: usize = items.map(|item| item[item.len() - 1].line - item[0].line + 1).sum();
        self.text.lines().count() - tests
    }

    /// Lines that hold code, without tests, comments and blank lines.
    pub fn code_lines(&self) -> usize {
        self.code().map(|t| t.line).collect::<BTreeSet<_>>().len()
    }
}

#[derive(Clone)]
pub struct Sources {
    /// Shared between a copy and its original.
    pub files: BTreeMap<String, Arc<Source>>,
    /// Modules, inline ones too, and the file each is written in.
    modules: BTreeMap<Vec<String>, String>,
    /// Modules at the top.
    rooms: BTreeSet<String>,
    /// Files that no `mod` declares.
    pub orphans: Vec<String>,
}

impl Sources {
    /// Of this crate.
    pub fn real() -> &'static Sources {
        static REAL: OnceLock<Sources> = OnceLock::new();
        REAL.get_or_init(|| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
            let mut texts = BTreeMap::new();
            let mut folders = vec![root.clone()];
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    let name = path.strip_prefix(&root).unwrap().display().to_string();
                    if path.is_dir() {
                        folders.push(path);
                    } else if name.ends_with(".rs") {
                        texts.insert(name, std::fs::read_to_string(&path).unwrap());
                    }
                }
            }
            assert!(texts.len() > 100, "found only {} sources", texts.len());
            Sources::new(texts)
        })
    }

    /// Of a made-up crate.
    pub fn of(texts: &[(&str, &str)]) -> Sources {
        Sources::new(texts.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect())
    }

    /// With `text` added at the end of a file, perhaps a new one.
    pub fn with(&self, path: &str, text: &str) -> Sources {
        let before = self.files.get(path).map_or("", |s| &s.text);
        let mut sources = self.clone();
        let changed = Source::new(path, format!("{before}{text}"));
        sources.files.insert(path.to_string(), Arc::new(changed));
        sources.find_modules();
        let names = sources.names(&sources.files[path]);
        Arc::make_mut(sources.files.get_mut(path).unwrap()).names = names;
        sources
    }

    fn new(texts: BTreeMap<String, String>) -> Sources {
        let files = texts.into_iter().map(|(path, text)| (path.clone(), Arc::new(Source::new(&path, text))));
        let files: BTreeMap<String, Arc<Source>> = files.collect();
        let mut sources =
            Sources { files, modules: BTreeMap::new(), rooms: BTreeSet::new(), orphans: vec![] };
        sources.find_modules();
        let names: Vec<(String, Vec<Named>)> =
            sources.files.values().map(|s| (s.path.clone(), sources.names(s))).collect();
        for (path, names) in names {
            Arc::make_mut(sources.files.get_mut(&path).unwrap()).names = names;
        }
        sources
    }

    /// Files that are compiled into the program.
    pub fn program(&self) -> impl Iterator<Item = &Source> {
        self.files.values().map(Arc::as_ref).filter(|s| !s.test)
    }

    /// Modules at the top.
    pub fn rooms(&self) -> &BTreeSet<String> {
        &self.rooms
    }

    /// The file a path leads to: that of the innermost module it names.
    pub fn file_of(&self, name: &Named) -> Option<&str> {
        let (root, rest) = name.path.split_first()?;
        let inside = (0..=rest.len()).rev().find_map(|n| self.modules.get(&rest[..n]));
        inside.filter(|_| root == "crate").map(String::as_str)
    }

    /// Which files are modules, of what, and for tests only or not, as the `mod` lines say.
    fn find_modules(&mut self) {
        self.modules.clear();
        // Module, its file, whether for tests only.
        let mut open: Vec<(String, bool)> = Vec::new();
        for root in ["lib.rs", "main.rs"] {
            open.extend(self.files.contains_key(root).then(|| (root.to_string(), false)));
        }
        let mut reached: BTreeMap<String, bool> = open.iter().cloned().collect();
        while let Some((path, test)) = open.pop() {
            let source = self.files[&path].clone();
            if path != "main.rs" {
                self.modules.insert(source.module.clone(), path.clone());
            }
            for Declared { module, inline, test: test_only } in &source.declared {
                if *inline {
                    self.modules.insert(module.clone(), path.clone());
                    continue;
                }
                let stem = module.join("/");
                let file = [format!("{stem}.rs"), format!("{stem}/mod.rs")];
                let Some(file) = file.into_iter().find(|f| self.files.contains_key(f)) else { continue };
                if !reached.contains_key(&file) {
                    reached.insert(file.clone(), test || *test_only);
                    open.push((file, test || *test_only));
                }
            }
        }
        self.orphans = self.files.keys().filter(|f| !reached.contains_key(*f)).cloned().collect();
        for (path, test) in reached {
            let source = self.files.get_mut(&path).unwrap();
            if source.test != test {
                Arc::make_mut(source).test = test;
            }
        }
        self.rooms = self.modules.keys().filter(|m| m.len() == 1).map(|m| m[0].clone()).collect();
    }

    /// Every path of the code of `source` that is not for tests.
    fn names(&self, source: &Source) -> Vec<Named> {
        let tokens: Vec<Token> = source.code().cloned().collect();
        let (uses, used) = uses(&tokens);
        // What a `use` calls something, per inline module.
        let mut aliases: BTreeMap<(Vec<String>, String), Vec<String>> = BTreeMap::new();
        let mut found = Vec::new();
        // Twice: a `use` may begin with what another one brought in.
        for last in [false, true] {
            for u in &uses {
                let path = self.resolve(source, &u.scope, &u.path, &aliases);
                if let Some(alias) = u.alias.clone() {
                    aliases.insert((u.scope.clone(), alias), path.clone());
                }
                if last {
                    found.push(Named { path, line: u.line, glob: u.glob });
                }
            }
        }
        let mut at = 0;
        while at < tokens.len() {
            if !used.contains(&at) && begins(&tokens, at) {
                let (path, end) = path_at(&tokens, at);
                // `::std::env`: another crate, whatever is called `std` here.
                let absolute = at > 0 && tokens[at - 1].is("::");
                let path =
                    if absolute { path } else { self.resolve(source, &tokens[at].scope, &path, &aliases) };
                found.push(Named { path, line: tokens[at].line, glob: false });
                at = end;
            }
            at += 1;
        }
        found
    }

    fn resolve(
        &self,
        source: &Source,
        scope: &[String],
        path: &[String],
        aliases: &BTreeMap<(Vec<String>, String), Vec<String>>,
    ) -> Vec<String> {
        let root = || vec!["crate".to_string()];
        let here = [source.module.as_slice(), scope].concat();
        let (mut base, mut rest) = match path[0].as_str() {
            "crate" | "nano4m" => (root(), &path[1..]),
            "self" => ([root(), here].concat(), &path[1..]),
            "super" => ([root(), here].concat(), path),
            first => {
                let alias = aliases.get(&(scope.to_vec(), first.to_string()));
                let child = [here.clone(), vec![first.to_string()]].concat();
                if let Some(alias) = alias.filter(|a| *a != path) {
                    return [alias.as_slice(), &path[1..]].concat();
                } else if self.modules.contains_key(&child) && source.path != "main.rs" {
                    ([root(), here].concat(), path)
                } else {
                    return path.to_vec();
                }
            }
        };
        while rest.first().is_some_and(|s| s == "super") {
            base.truncate(base.len().saturating_sub(1).max(1));
            rest = &rest[1..];
        }
        [base.as_slice(), rest].concat()
    }
}

/// Whether a path of more than one part begins at `at`.
fn begins(tokens: &[Token], at: usize) -> bool {
    // `return ::std::…`: the path begins behind the mark.
    if !tokens[at].is_word() || before_a_path(&tokens[at]) || !reads(tokens, at + 1, &["::"]) {
        return false;
    }
    let before = |n: usize| at.checked_sub(n).map(|at| &tokens[at]);
    // `pub(in crate::a)` says who may see, not what is seen.
    if at >= 3 && reads(tokens, at - 3, &["pub", "(", "in"]) {
        return false;
    }
    match before(1) {
        Some(mark) if mark.is(".") => false,
        Some(mark) if mark.is("::") => before(2).is_none_or(|owner| leads(tokens, at, owner)),
        _ => true,
    }
}

/// Whether the `::` before `at`, behind the token `owner`, is the first of its path, not its middle.
fn leads(tokens: &[Token], at: usize, owner: &Token) -> bool {
    if owner.is(">") {
        // `a > ::std::b()`, or the end of `Vec::<T>::new`: only the former goes on with names.
        return path_at(tokens, at).0.len() > 1;
    }
    !owner.is_word() || before_a_path(owner)
}

/// Keywords that a whole path may follow, and that are no part of one.
fn before_a_path(token: &Token) -> bool {
    const WORDS: [&str; 18] = [
        "as", "await", "box", "break", "const", "dyn", "else", "for", "if", "impl", "in", "match", "move",
        "mut", "ref", "return", "where", "while",
    ];
    WORDS.iter().any(|word| token.is(word))
}

/// `a/b.rs` and `a/b/mod.rs` are `["a", "b"]`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let parts = path.split('/').map(str::to_string).collect::<Vec<_>>();
    if parts == ["lib"] || parts == ["main"] {
        Vec::new()
    } else {
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        Sources::of(&[
            ("lib.rs", "pub mod a; pub mod b; #[cfg(test)] mod testing;"),
            ("a/mod.rs", "mod x; pub mod y; pub use y::Y; #[cfg(test)] mod tests;"),
            ("a/x.rs", "use super::y::{self, Y as Z, deep::{D, *}}; use crate::{b, a::Y}; use std::env;"),
            (
                "a/y.rs",
                "pub mod deep { use super::super::x::X; } pub(in crate::b) fn f() { super::x::g::<u8>(); env::var(); }",
            ),
            ("a/tests.rs", "use crate::b;"),
            ("b.rs", "use crate::a::y; use y::deep; fn f() { deep::D::new(); Self::g(); std::env::var() }"),
            ("testing.rs", "mod lost_child;"),
            ("c.rs", ""),
        ])
    }

    fn names(path: &str) -> Vec<String> {
        sources().files[path].names.iter().map(|n| n.path.join("::")).collect()
    }

    #[test]
    fn groups_aliases_and_supers_are_resolved() {
        assert_eq!(
            names("a/x.rs"),
            [
                "crate::a::y",
                "crate::a::y::Y",
                "crate::a::y::deep::D",
                "crate::a::y::deep",
                "crate::b",
                "crate::a::Y",
                "std::env"
            ]
        );
        assert_eq!(names("a/y.rs"), ["crate::a::x::X", "crate::a::x::g", "env::var"]);
        assert_eq!(
            names("b.rs"),
            ["crate::a::y", "crate::a::y::deep", "crate::a::y::deep::D::new", "Self::g", "std::env::var"]
        );
        assert_eq!(names("a/mod.rs"), ["crate::a::y::Y"]);
    }

    #[test]
    fn a_path_may_begin_with_colons_or_be_brought_in_with_everything_beside_it() {
        let code =
            "mod std { } fn f() -> ::a::B { ::std::process::exit(1); return ::c::d(); x::<T>::y::z(); \
                    Vec::<u8>::new::<B>(); for q in ::e::f() {} g < ::h::i; j > ::k::l() }";
        let sources = Sources::of(&[("lib.rs", code), ("main.rs", "use std::env::*; use std::*;")]);
        let names = |path: &str| -> Vec<String> {
            sources.files[path].names.iter().map(|n| n.path.join("::")).collect()
        };
        assert_eq!(
            names("lib.rs"),
            ["a::B", "std::process::exit", "c::d", "x", "y::z", "Vec", "e::f", "h::i", "k::l"]
        );
        let globs = &sources.files["main.rs"].names;
        assert!(globs.iter().all(|name| name.reaches("std::env::var") && !name.within("std::env::var")));
        assert!(globs.iter().all(|name| !name.reaches("chrono::Utc::now")));
        assert!(!globs[0].reaches("std::io::stdout") && !globs[0].reaches("std::environment"));
    }

    #[test]
    fn a_path_leads_to_the_file_of_its_innermost_module() {
        let sources = sources();
        let file = |path: &str| {
            let path = path.split("::").map(str::to_string).collect();
            sources.file_of(&Named { path, line: 1, glob: false }).map(str::to_string)
        };
        assert_eq!(file("crate::a::y::deep::D").as_deref(), Some("a/y.rs"));
        assert_eq!(file("crate::a::Y").as_deref(), Some("a/mod.rs"));
        assert_eq!(file("crate::Nothing").as_deref(), Some("lib.rs"));
        assert_eq!(file("std::a::y"), None);
    }

    #[test]
    fn files_for_tests_and_files_of_nobody() {
        let sources = sources();
        let tests: Vec<&str> = sources.files.values().filter(|s| s.test).map(|s| s.path.as_str()).collect();
        assert_eq!(tests, ["a/tests.rs", "testing.rs"]);
        assert_eq!(sources.orphans, ["c.rs"]);
        assert_eq!(sources.files["a/tests.rs"].names, []);
    }

    #[test]
    fn lines_of_tests_do_not_count() {
        let text = "//! Doc.\n\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n\n    // b\n    fn b() {}\n}\n";
        let sources = Sources::of(&[("lib.rs", text)]);
        let source = &sources.files["lib.rs"];
        assert_eq!((source.lines(), source.code_lines()), (4, 1));
        let between =
            Sources::of(&[("lib.rs", "#[cfg(test)]\nmod t {\n}\nfn a() {}\n#[cfg(test)]\nmod u;\n")]);
        assert_eq!(between.files["lib.rs"].lines(), 1);
    }
}
