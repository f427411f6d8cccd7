//! The order of the modules stands once, in the doc comment of `lib.rs`; an import leads down.

use crate::source::Sources;
use crate::{plant, Rule, Violation};
use std::collections::BTreeMap;

pub const DOWNWARDS: Rule = Rule {
    name: "a module imports only from floors below its own",
    find,
    seen: &[
        plant("stats/mod.rs", "use crate::cli::x;", "imports `cli`"),
        plant("stats/mod.rs", "fn f() { crate::store::x() }", "imports `store`"),
        plant("stats/new.rs", "use super::super::{rng::Stream, report::{self, Table}};", "imports `report`"),
        plant("stats/mod.rs", "use crate as c;", "imports `lib`"),
        plant("rng.rs", "use crate::modality::Modality;", "imports `modality`"),
        plant("train/mod.rs", "mod deep { use super::super::decode::x; }", "imports `decode`"),
        plant("attic/mod.rs", "", "on no floor"),
    ],
    unseen: &[
        ("stats/mod.rs", "#[cfg(test)] mod more { use crate::cli::x; }"),
        ("stats/mod.rs", "// use crate::cli;\nconst TEXT: &str = \"crate::cli\"; /* crate::cli */"),
        ("cli/mod.rs", "use crate::stats::x;"),
        ("main.rs", "use nano4m::cli;"),
    ],
};

const HEAD: &str = "Floors, top first; a module imports only from floors below its own:";

/// The floor of every module; the lowest is 0. `None` where `lib.rs` has no list.
fn floors(sources: &Sources) -> Option<BTreeMap<String, usize>> {
    let text = &sources.files.get("lib.rs")?.text;
    let doc = text.lines().filter_map(|l| l.strip_prefix("//!")).map(str::trim);
    let mut list = doc.skip_while(|l| !l.contains(HEAD)).skip(1).skip_while(|l| !l.starts_with("```"));
    list.next()?;
    let list: Vec<&str> = list.take_while(|l| !l.starts_with("```")).collect();
    let names = |line: &str| line.split('·').map(|n| n.trim().to_string()).collect::<Vec<_>>();
    let floors = list.iter().rev().enumerate();
    Some(floors.flat_map(|(floor, line)| names(line).into_iter().map(move |n| (n, floor))).collect())
}

fn find(sources: &Sources) -> Vec<Violation> {
    let said = |path: &str, line: usize, what: String| Violation { path: path.into(), line, what };
    let Some(mut floors) = floors(sources) else {
        return vec![said("lib.rs", 0, format!("its doc comment has no list of floors under “{HEAD}”"))];
    };
    let mut found: Vec<Violation> = Vec::new();
    for name in floors.keys().filter(|name| !sources.rooms().contains(*name)) {
        found.push(said("lib.rs", 0, format!("no such module: `{name}`")));
    }
    floors.insert("lib".into(), usize::MAX - 1);
    floors.insert("main".into(), usize::MAX);
    for source in sources.program() {
        let Some(&own) = floors.get(source.room()) else {
            found.push(said(&source.path, 0, format!("`{}` stands on no floor", source.room())));
            continue;
        };
        for name in &source.names {
            let Some(room) = name.room(sources).filter(|room| *room != source.room()) else { continue };
            let Some(&other) = floors.get(room) else { continue };
            if other >= own {
                let where_ = if other == own { "its own floor" } else { "a floor above" };
                found.push(said(&source.path, name.line, format!("imports `{room}` from {where_}")));
            }
        }
    }
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crate_of(floors: &str, low: &str) -> Vec<String> {
        let lib = format!("//! {HEAD}\n//! ```text\n{floors}//! ```\npub mod low; pub mod high; mod twin;");
        let sources = Sources::of(&[
            ("lib.rs", &lib),
            ("low.rs", low),
            ("high.rs", "use crate::{low::A, twin};"),
            ("twin.rs", ""),
        ]);
        find(&sources).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn up_and_sideways_are_refused() {
        const FLOORS: &str = "//! high\n//! low · twin\n";
        assert_eq!(crate_of(FLOORS, ""), [""; 0]);
        assert_eq!(
            crate_of(FLOORS, "\nuse super::{high, twin::x};"),
            [
                "src/low.rs:2: imports `high` from a floor above",
                "src/low.rs:2: imports `twin` from its own floor"
            ]
        );
        assert_eq!(crate_of("//! high\n//! low\n", ""), ["src/twin.rs: `twin` stands on no floor"]);
        assert_eq!(
            crate_of("//! high · attic\n//! low · twin\n", ""),
            ["src/lib.rs: no such module: `attic`"]
        );
    }

    #[test]
    fn a_crate_without_floors_is_told() {
        let sources = Sources::of(&[("lib.rs", "//! Nothing.")]);
        assert!(find(&sources)[0].what.contains("no list of floors"));
    }
}
