//! A file holds one idea.

use crate::{plant, Rule, Violation};

/// Lines of a file, without its tests.
const FILE: usize = 400;
/// Lines of code of a `mod.rs`: it names what stands in its folder.
const MOD: usize = 60;
const MAIN: usize = 24;

pub const READABLE_SIZE: Rule = Rule {
    name: "files of a readable size",
    find: |sources| {
        let mut found = Vec::new();
        for source in sources.program() {
            let (lines, code) = (source.lines(), source.code_lines());
            let limit = if source.path == "main.rs" { MAIN } else { FILE };
            let mut tell = |what: String| found.push(Violation { path: source.path.clone(), line: 0, what });
            if lines > limit {
                tell(format!("{lines} lines, {limit} at most"));
            }
            if source.path.ends_with("/mod.rs") && code > MOD {
                tell(format!("{code} lines of code, {MOD} at most in a mod.rs"));
            }
        }
        found
    },
    seen: &[
        plant("rng.rs", LONG, "400 at most"),
        plant("decode/roar.rs", LONG_COMMENT, "400 at most"),
        plant("rng/mod.rs", LONG, "60 at most in a mod.rs"),
        plant("main.rs", LONG, "24 at most"),
    ],
    unseen: &[("rng.rs", LONG_TEST), ("observer/mod.rs", "pub mod a;\npub mod b;\n")],
};

macro_rules! eight_times {
    ($($text:tt)*) => {
        concat!($($text)*, $($text)*, $($text)*, $($text)*, $($text)*, $($text)*, $($text)*, $($text)*)
    };
}

const LONG: &str = eight_times!(eight_times!(eight_times!("const A: u8 = 0;\n")));
const LONG_COMMENT: &str = eight_times!(eight_times!(eight_times!("// One more.\n")));
const LONG_TEST: &str = concat!(
    "#[cfg(test)] mod more {\n",
    eight_times!(eight_times!(eight_times!("    // A comment.\n    const A: u8 = 0;\n"))),
    "}\n"
);

pub const DECLARED: Rule = Rule {
    name: "every file is declared by a `mod`",
    find: |sources| {
        let orphan =
            |path: &String| Violation { path: path.clone(), line: 0, what: "no `mod` declares it".into() };
        sources.orphans.iter().map(orphan).collect()
    },
    seen: &[plant("stats/forgotten.rs", "pub fn f() {}", "no `mod` declares it")],
    unseen: &[("stats/mod.rs", "#[cfg(test)] mod anything {}")],
};
