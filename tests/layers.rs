//! The layers of the program and its nevers, held by reading the `use crate::` lines of the sources.

use std::path::{Path, PathBuf};

struct Source {
    /// e.g. `report/tables/claims.rs`.
    path: String,
    /// The source without its `#[cfg(test)]` module, which may reach further.
    text: String,
}

impl Source {
    fn module(&self) -> &str {
        self.path.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// Top-level modules of the crate this file names, in code (not in comments).
    fn imports(&self) -> Vec<String> {
        let code =
            self.text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let mut found = Vec::new();
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + "crate::".len()..];
            match rest.strip_prefix('{') {
                Some(group) => {
                    let group = &group[..group.find('}').unwrap_or(group.len())];
                    found.extend(group.split(',').map(|i| first_word(i.trim())));
                }
                None => found.push(first_word(rest)),
            }
        }
        found
    }
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            // Files of tests only, declared under `#[cfg(test)]`.
            let tests =
                name.ends_with("/tests.rs") || name.contains("/tests/") || name.ends_with("/testing.rs");
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !tests {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_string();
                found.push(Source { path: name, text });
            }
        }
    }
    assert!(found.len() > 50, "found only {} sources", found.len());
    found
}

const LAYERS: [&[&str]; 5] = [
    &["batch", "suggest", "observer", "modality", "stats", "metrics", "rng", "digest", "fault"],
    &["manifest", "architecture", "provenance", "record", "store"],
    &["device", "ops", "data", "masking", "model"],
    &["train", "probes", "decode", "report", "verify"],
    &["runner", "ablation", "cli", "main", "lib"],
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|l| l.contains(&module))
}

#[test]
fn a_module_imports_only_from_its_own_layer_or_below() {
    let mut wrong = Vec::new();
    for s in sources() {
        let own = layer(s.module()).unwrap_or_else(|| panic!("{} is in no layer", s.path));
        for import in s.imports() {
            if layer(&import).is_some_and(|other| other > own) {
                wrong.push(format!("{} imports {import}", s.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `who` never imports `what`.
fn never(who: &[&str], what: &[&str]) {
    let mut wrong = Vec::new();
    for s in sources().iter().filter(|s| who.contains(&s.module())) {
        let imports = s.imports();
        let external = |w: &&str| *w == "dfdx" && s.text.contains("dfdx::");
        wrong.extend(
            what.iter()
                .filter(|w| imports.iter().any(|i| i == *w) || external(w))
                .map(|w| format!("{}: {w}", s.path)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tables_need_no_tensor_library() {
    never(&["report", "record", "stats", "verify"], &["model", "train", "probes", "device", "ops", "dfdx"]);
}

#[test]
fn the_model_knows_neither_training_nor_data() {
    never(&["model"], &["train", "data"]);
}

#[test]
fn training_and_probes_meet_in_a_record_on_disk() {
    never(&["train"], &["probes", "report"]);
    never(&["probes"], &["train"]);
}

#[test]
fn only_the_command_line_prints_reads_the_environment_or_exits() {
    let marks = ["println!", "print!(", "process::exit", "std::env::var", "std::env::args", "env::var("];
    let mut wrong = Vec::new();
    for s in sources().iter().filter(|s| !["cli", "main"].contains(&s.module())) {
        let code = s.text.lines().filter(|l| !l.trim_start().starts_with("//"));
        wrong.extend(
            code.filter(|l| marks.iter().any(|m| l.contains(m))).map(|l| format!("{}: {}", s.path, l.trim())),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cuda_is_a_build_flavour_of_two_modules_only() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|s| !["device", "ops"].contains(&s.module()) && s.text.contains("feature = \"cuda\""))
        .map(|s| s.path)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn main_is_short_and_files_are_of_a_readable_size() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|s| (s.text.lines().count(), s.path))
        .filter(|(n, path)| *n > if path == "main.rs" { 25 } else { 450 })
        .map(|(n, path)| format!("{path}: {n} lines"))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}
