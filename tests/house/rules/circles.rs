//! Files know each other in one direction only: a `mod.rs` that registers owns nothing that what it
//! registers needs.

use crate::source::{Source, Sources};
use crate::{plant, Rule, Violation};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub const NO_CIRCLES: Rule = Rule {
    name: "no circle of files",
    find: circles,
    seen: &[
        plant("stats/estimate.rs", "use super::bootstrap::x;", "→ "),
        plant("stats/estimate.rs", "fn f() -> super::Estimable<()> { Ok(()) }", "stats/mod.rs"),
    ],
    unseen: &[
        ("stats/estimate.rs", "use self::x; use super::estimate::y; mod inner { use super::Z; }"),
        ("stats/estimate.rs", "#[cfg(test)] mod circle { use crate::stats::bootstrap; }"),
    ],
};

/// Which files each file names.
fn arrows(sources: &Sources) -> BTreeMap<&str, BTreeSet<&str>> {
    let of = |source: &'_ Source| -> BTreeSet<&str> {
        let files = source.names.iter().filter_map(|n| sources.file_of(n));
        files.filter(|f| *f != source.path).collect()
    };
    sources.program().map(|s| (s.path.as_str(), of(s))).collect()
}

/// The shortest way along the arrows from a file back to itself.
fn shortest<'a>(arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(file) = open.pop_front() {
        for &next in arrows.get(file).into_iter().flatten() {
            if next == start {
                let mut way = vec![start, file];
                while way[way.len() - 1] != start {
                    way.push(came_from[way[way.len() - 1]]);
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, file);
                open.push_back(next);
            }
        }
    }
    None
}

/// The shortest circle through every file that is in one, each circle once.
fn circles(sources: &Sources) -> Vec<Violation> {
    let arrows = arrows(sources);
    let mut told: BTreeSet<BTreeSet<&str>> = BTreeSet::new();
    let mut found = Vec::new();
    for &start in arrows.keys() {
        let Some(way) = shortest(&arrows, start) else { continue };
        if told.insert(way.iter().copied().collect()) {
            found.push(Violation { path: start.into(), line: 0, what: way.join(" → ") });
        }
    }
    found
}

pub const NOT_PAST_THE_FOLDER: Rule = Rule {
    name: "`super::` stays in the folder",
    find: past_the_folder,
    seen: &[
        plant("stats/estimate.rs", "use super::super::rng;", "crate::"),
        plant("stats/mod.rs", "use super::rng;", "crate::"),
        plant("stats/mod.rs", "pub(super) fn f() { super::rng::stream() }", "crate::"),
    ],
    unseen: &[
        (
            "stats/estimate.rs",
            "use super::bootstrap; mod inner { use super::super::x; pub(super) fn f() {} }",
        ),
        ("stats/mod.rs", "mod inner { use super::x; } pub(super) fn f() {}"),
        ("stats/mod.rs", "#[cfg(test)] mod more { use super::super::rng; }"),
    ],
};

/// Paths that begin with more `super::` than lead to the file's own folder: `crate::` says where they go.
fn past_the_folder(sources: &Sources) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources.program() {
        let registers = source.path.ends_with("/mod.rs");
        let tokens: Vec<_> = source.code().collect();
        let mut at = 0;
        while at + 1 < tokens.len() {
            let mut ups = 0;
            while at + 1 < tokens.len() && tokens[at].is("super") && tokens[at + 1].is("::") {
                ups += 1;
                at += 2;
            }
            let allowed = tokens[at].scope.len() + usize::from(!registers);
            if ups > allowed {
                let what = "goes up past its folder with `super::`; `crate::` says where to";
                found.push(Violation { path: source.path.clone(), line: tokens[at].line, what: what.into() });
            }
            at += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_circle_is_printed() {
        let sources = Sources::of(&[
            ("lib.rs", "mod a; mod c;"),
            ("a/mod.rs", "mod x; mod y; pub struct Built; pub fn all() { x::build() }"),
            ("a/x.rs", "use super::Built; pub fn build() {}"),
            ("a/y.rs", "use crate::c::C;"),
            ("c.rs", "use crate::a::x;"),
        ]);
        let found: Vec<String> = circles(&sources).iter().map(Violation::to_string).collect();
        assert_eq!(found, ["src/a/mod.rs: a/mod.rs → a/x.rs → a/mod.rs"]);
    }

    #[test]
    fn a_long_circle_is_found() {
        let sources = Sources::of(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "fn f() { super::c::g() }"),
            ("c.rs", "use crate::{a::A};"),
        ]);
        assert_eq!(circles(&sources)[0].what, "a.rs → b.rs → c.rs → a.rs");
    }
}
