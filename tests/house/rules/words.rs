//! What no module but the one for it says: prints, the environment, the clock, chance, placeholders.

use crate::source::{Named, Source, Sources};
use crate::tokens::{Kind, Token};
use crate::{plant, Rule, Violation};

/// Places in the program's code where `forbidden` finds something in the tokens from there on.
fn search(sources: &Sources, forbidden: impl Fn(&Source, &[&Token]) -> Option<String>) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources.program() {
        let tokens: Vec<&Token> = source.code().collect();
        for at in 0..tokens.len() {
            let what = forbidden(source, &tokens[at..]);
            found.extend(what.map(|what| Violation {
                path: source.path.clone(),
                line: tokens[at].line,
                what,
            }));
        }
    }
    found
}

fn starts(tokens: &[&Token], texts: &[&str]) -> bool {
    tokens.len() >= texts.len() && tokens.iter().zip(texts).all(|(t, x)| t.is(x))
}

/// Paths the code names that lie within one of `prefixes`.
fn named(sources: &Sources, prefixes: &[&str], except: impl Fn(&Source, &Named) -> bool) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources.program() {
        let wrong = source.names.iter().filter(|n| prefixes.iter().any(|p| n.reaches(p)));
        found.extend(wrong.filter(|n| !except(source, n)).map(|n| Violation {
            path: source.path.clone(),
            line: n.line,
            what: format!("`{}{}`", n.path.join("::"), if n.glob { "::*" } else { "" }),
        }));
    }
    found.dedup();
    found
}

/// Who else asks the world for what, and why that is the caller's word all the same.
const ASKS: [(&str, &str, &str); 1] = [(
    "runner/session.rs",
    "std::path::absolute",
    "a run remembers where its manifest lies; a relative path means the working directory in every call",
)];

pub const OUTSIDE_WORLD: Rule = Rule {
    name: "only the command line prints, reads argv or the environment, and exits",
    find: |sources| {
        const PRINTS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];
        const WORLD: [&str; 16] = [
            "std::env::args",
            "std::env::args_os",
            "std::env::var",
            "std::env::var_os",
            "std::env::vars",
            "std::env::set_var",
            "std::env::temp_dir",
            "std::env::current_dir",
            "std::env::current_exe",
            "std::env::home_dir",
            "std::path::absolute",
            "std::io::stdout",
            "std::io::stderr",
            "std::io::stdin",
            "std::process::exit",
            "std::process::abort",
        ];
        let excused = |s: &Source, n: &Named| {
            let asks = |(path, what, _): &(&str, &str, &str)| s.path == *path && n.within(what);
            s.room() == "cli" || ASKS.iter().any(asks)
        };
        let mut found = named(sources, &WORLD, excused);
        found.extend(idle(sources, ASKS.iter().map(|(path, ..)| *path)));
        found.extend(search(sources, |source, tokens| {
            let print = PRINTS.iter().find(|p| starts(tokens, &[p, "!"]));
            print.filter(|_| source.room() != "cli").map(|p| format!("`{p}!`"))
        }));
        found
    },
    seen: &[
        plant("report/mod.rs", "fn f() { println!(\"\") }", "println!"),
        plant("store/mod.rs", "fn f() { dbg!(1) }", "dbg!"),
        plant("data/mod.rs", "use std::env; fn f() { env::var(\"X\") }", "std::env::var"),
        plant("data/mod.rs", "use std::env::temp_dir;", "std::env::temp_dir"),
        plant("main.rs", "fn f() { std::process::exit(1) }", "std::process::exit"),
        plant("train/mod.rs", "use std::io::{self, Write}; fn f() { io::stderr() }", "std::io::stderr"),
        plant("ablation/mod.rs", "fn f() { std::env::current_exe() }", "std::env::current_exe"),
        plant("store/mod.rs", "fn f() { ::std::process::exit(1) }", "std::process::exit"),
        plant("data/mod.rs", "use std::env::*; fn f() { var(\"X\") }", "std::env::*"),
        plant("data/mod.rs", "use std::*; fn f() { env::var(\"X\") }", "std::*"),
        plant("report/mod.rs", "fn f(p: &str) { std::path::absolute(p) }", "std::path::absolute"),
        plant("runner/session.rs", "fn f() { std::env::var(\"X\") }", "std::env::var"),
    ],
    unseen: &[
        ("cli/mod.rs", "fn f() { println!(\"{:?}\", std::env::args()) }"),
        ("report/mod.rs", "#[cfg(test)] mod more { fn f() { println!() } }"),
        ("report/mod.rs", "// println!(\nconst A: &str = \"println!(\"; const B: &str = env!(\"X\");"),
    ],
};

/// Who else looks at the clock, and why no file's bytes depend on it.
const CLOCKS: [(&str, &str); 3] = [
    ("store/lock.rs", "the age of a lock, where the file system's own clock cannot be asked"),
    ("ablation/local.rs", "how long to wait between two looks at the children"),
    ("ablation/forecast.rs", "measures how fast this machine is: what it returns is a time"),
];

pub const CLOCK: Rule = Rule {
    name: "time comes in as a value: only the command line, and who is excused by name, looks at the clock",
    find: |sources| {
        const NOW: [&str; 4] = [
            "std::time::Instant::now",
            "std::time::SystemTime::now",
            "chrono::Utc::now",
            "chrono::Local::now",
        ];
        let excused = |s: &Source| s.room() == "cli" || CLOCKS.iter().any(|(path, _)| s.path == *path);
        let mut found = named(sources, &NOW, |s, _| excused(s));
        found.extend(search(sources, |source, tokens| {
            let asks = starts(tokens, &[".", "elapsed", "("]) && !excused(source);
            asks.then(|| "`.elapsed()`".to_string())
        }));
        found.extend(idle(sources, CLOCKS.iter().map(|(path, _)| *path)));
        found
    },
    seen: &[
        plant("record/mod.rs", "use chrono::Utc; fn f() { Utc::now() }", "chrono::Utc::now"),
        plant("train/mod.rs", "fn f() { std::time::Instant::now() }", "Instant::now"),
        plant("train/mod.rs", "fn f() { ::std::time::Instant::now() }", "Instant::now"),
        plant("train/mod.rs", "use std::time::*; fn f() { Instant::now() }", "std::time::*"),
        plant("store/mod.rs", "use std::time::*; fn f(m: SystemTime) { m.elapsed() }", "elapsed"),
    ],
    unseen: &[("cli/mod.rs", "use std::time::Instant; fn f() { Instant::now().elapsed() }")],
};

/// Who else opens files to read them, and why they cannot be anything but what is expected.
const OPENS: [(&str, &str); 6] = [
    ("store/atomic.rs", "a folder, to make a rename in it last"),
    ("store/lock.rs", "the kernel's files about processes"),
    ("report/publish.rs", "a folder, as a lock"),
    ("runner/memory.rs", "the kernel's files about memory"),
    ("provenance/machine.rs", "the kernel's file about processors"),
    ("provenance/code.rs", "the sources, which the build script hashes: it has no crate to call"),
];

pub const REGULAR_FILES: Rule = Rule {
    name: "files are opened by `store::regular`, which waits for no pipe, or by who is excused by name",
    find: |sources| {
        const READS: [&str; 4] =
            ["std::fs::read", "std::fs::read_to_string", "std::fs::File::open", "std::fs::File::options"];
        let excused = |s: &Source, _: &Named| OPENS.iter().any(|(path, _)| s.path == *path);
        let mut found = named(sources, &READS, excused);
        found.extend(idle(sources, OPENS.iter().map(|(path, _)| *path)));
        found
    },
    seen: &[
        plant("data/mod.rs", "fn f() { std::fs::read(\"x\") }", "std::fs::read"),
        plant("report/runs.rs", "use std::fs; fn f() { fs::read_to_string(\"x\") }", "read_to_string"),
        plant("verify/state.rs", "use std::fs::File; fn f() { File::open(\"x\") }", "std::fs::File::open"),
        plant("store/mod.rs", "use std::fs::*; fn f() { File::open(\"x\") }", "std::fs::*"),
        plant("store/mod.rs", "fn f() { std::fs::File::options().read(true) }", "std::fs::File::options"),
    ],
    unseen: &[
        ("data/mod.rs", "use std::fs; fn f() { fs::read_dir(\"x\"); fs::write(\"x\", b\"\") }"),
        ("data/mod.rs", "#[cfg(test)] mod more { fn f() { std::fs::read(\"x\") } }"),
    ],
};

/// Files that a rule excuses and that are no more.
fn idle<'a>(sources: &Sources, excused: impl Iterator<Item = &'a str>) -> Vec<Violation> {
    let gone = excused.filter(|path| !sources.files.contains_key(*path));
    let what = || "is excused from the rule and does not exist".to_string();
    gone.map(|path| Violation { path: path.into(), line: 0, what: what() }).collect()
}

pub const CUDA: Rule = Rule {
    name: "the CUDA build is a flavour of `ops` only",
    find: |sources| {
        search(sources, |source, tokens| {
            let cuda = starts(tokens, &["feature", "="])
                && tokens.get(2).is_some_and(|t| t.kind == Kind::Text && t.text == "cuda");
            (cuda && source.room() != "ops").then(|| "`feature = \"cuda\"`".to_string())
        })
    },
    seen: &[
        plant("model/mod.rs", "#[cfg(feature = \"cuda\")] fn f() {}", "cuda"),
        plant("cli/mod.rs", "fn f() -> bool { cfg!(feature = \"cuda\") }", "cuda"),
    ],
    unseen: &[
        ("ops/device.rs", "#[cfg(feature = \"cuda\")] fn f() {}"),
        ("cli/mod.rs", "#[cfg(feature = \"mpi\")] const A: &str = \"cuda\"; // feature = \"cuda\"\n"),
    ],
};

pub const ORDER_AND_CHANCE: Rule = Rule {
    name: "no hash map and no unseeded chance: what a run does is a function of its seed",
    find: |sources| {
        const CHANCE: [&str; 6] =
            ["rand::random", "rand::thread_rng", "rand::rng", "rand::rngs::OsRng", "getrandom", "fastrand"];
        const WORDS: [&str; 6] =
            ["HashMap", "HashSet", "hash_map", "thread_rng", "from_entropy", "from_os_rng"];
        let mut found = named(sources, &CHANCE, |_, _| false);
        found.extend(search(sources, |_, tokens| {
            WORDS.iter().find(|w| tokens[0].is(w)).map(|w| format!("`{w}`"))
        }));
        found
    },
    seen: &[
        plant("report/mod.rs", "use std::collections::{BTreeMap, HashMap};", "HashMap"),
        plant("train/mod.rs", "fn f(s: &std::collections::HashSet<u8>) {}", "HashSet"),
        plant("data/mod.rs", "use rand::Rng; fn f() { rand::thread_rng().gen() }", "thread_rng"),
        plant("model/mod.rs", "fn f() -> f32 { rand::random::<f32>() }", "rand::random"),
        plant("model/mod.rs", "fn f() { ChaCha8Rng::from_entropy() }", "from_entropy"),
    ],
    unseen: &[("report/mod.rs", "use std::collections::BTreeMap; // not a HashMap\n")],
};

pub const MEASURED_OR_ABSENT: Rule = Rule {
    name: "what was not measured is absent, never a number",
    find: |sources| {
        const ROOMS: [&str; 5] = ["report", "record", "metrics", "stats", "ablation"];
        const FILLS: [&str; 2] = ["unwrap_or", "map_or"];
        search(sources, |source, tokens| {
            let fills = FILLS.iter().find(|f| starts(tokens, &[f, "("]))?;
            let value = &tokens[if tokens.get(2)?.is("-") { 3 } else { 2 }];
            let float = value.kind == Kind::Number && value.text.contains('.') || value.is("f64");
            (ROOMS.contains(&source.room()) && float).then(|| format!("`{fills}({}…)`", value.text))
        })
    },
    seen: &[
        plant("report/mod.rs", "fn f(x: Option<f64>) -> f64 { x.unwrap_or(0.0) }", "unwrap_or"),
        plant("stats/mod.rs", "fn f(x: Option<f64>) -> f64 { x.unwrap_or(f64::NAN) }", "unwrap_or"),
        plant("record/mod.rs", "fn f(x: Option<f64>) -> f64 { x.map_or(-1.0, |x| x) }", "map_or"),
    ],
    unseen: &[
        ("report/mod.rs", "fn f(x: Option<usize>) -> usize { x.unwrap_or(0) }"),
        ("data/mod.rs", "fn f(x: Option<f64>) -> f64 { x.unwrap_or(1.0) }"),
    ],
};

pub const NOTHING_UNFINISHED: Rule = Rule {
    name: "nothing is left for later, in tests neither",
    find: |sources| {
        let mut found = Vec::new();
        for source in sources.files.values() {
            for pair in source.tokens.windows(2) {
                let unfinished = ["todo", "unimplemented"].iter().any(|w| pair[0].is(w));
                if unfinished && pair[1].is("!") {
                    let what = format!("`{}!`", pair[0].text);
                    found.push(Violation { path: source.path.clone(), line: pair[0].line, what });
                }
            }
        }
        found
    },
    seen: &[
        plant("decode/mod.rs", "fn f() { todo!() }", "todo!"),
        plant("decode/mod.rs", "#[cfg(test)] mod more { fn f() { unimplemented!(\"\") } }", "unimplemented!"),
    ],
    unseen: &[("decode/mod.rs", "// todo!()\nfn todo() {}")],
};

pub const NO_MATCH_ON_BOOL: Rule = Rule {
    name: "`if` reads better than a `match` on a bool",
    find: |sources| {
        search(sources, |_, tokens| {
            let arm = ["true", "false"].iter().any(|value| starts(tokens, &["{", value, "=>"]));
            arm.then(|| "`match` on a bool".to_string())
        })
    },
    seen: &[
        plant("decode/mod.rs", "fn f(x: bool) -> u8 { match x { true => 1, false => 2 } }", "bool"),
        plant("decode/mod.rs", "fn f(x: bool) -> u8 { match x { false => 1, _ => 2 } }", "bool"),
    ],
    unseen: &[("decode/mod.rs", "fn f(x: (bool, u8)) -> u8 { match x { (true, 1) => 1, _ => 2 } }")],
};
