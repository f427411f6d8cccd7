//! Every command line that a page or a message prints is one that the program takes, exactly as it is printed.

use super::program::{Cli, Command};
use clap::error::ErrorKind;
use clap::Parser;
use std::path::{Path, PathBuf};

/// A command line, and where it is printed.
#[derive(Debug)]
struct Printed {
    line: String,
    place: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    crate::store::regular::read_own_text(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Files below a folder whose name ends so.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let Ok(list) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = list.flatten().map(|entry| entry.path()).collect();
    found.sort();
    let below = |path: PathBuf| match path.is_dir() {
        true => files(&path, end),
        false => Vec::from_iter(path.to_string_lossy().ends_with(end).then_some(path)),
    };
    found.into_iter().flat_map(below).collect()
}

/// Lines of shell blocks and spans of code of a page that are command lines, of this program or another.
fn of_page(path: &Path) -> Vec<Printed> {
    let text = read(path);
    let mut found = Vec::new();
    let mut block: Option<bool> = None;
    for (number, line) in text.lines().enumerate() {
        let place = format!("{}:{}", path.display(), number + 1);
        let printed = |line: &str| Printed { line: line.to_owned(), place: place.clone() };
        match (block, line.strip_prefix("```")) {
            (None, Some(kind)) => block = Some(["sh", "bash", "shell"].contains(&kind)),
            (Some(_), Some(_)) => block = None,
            (Some(true), None) if !line.is_empty() && !line.starts_with('#') => found.push(printed(line)),
            (Some(_), None) => {}
            (None, None) => {
                // The first column of the table of commands leaves the program's name out.
                let table = line.starts_with("| `") && COMMANDS.iter().any(|c| line[3..].starts_with(c));
                for span in line.split('`').skip(1).step_by(2) {
                    let named = COMMANDS.iter().any(|c| span.split(' ').next() == Some(c));
                    if table && named && line.split('|').nth(1).is_some_and(|first| first.contains(span)) {
                        found.push(printed(&format!("nano4m {span}")));
                    } else if span.starts_with("nano4m ")
                        || span.starts_with("cargo ")
                        || span.starts_with("just ")
                    {
                        found.push(printed(span));
                    }
                }
            }
        }
    }
    found
}

const COMMANDS: [&str; 18] = [
    "run", "resume", "check", "pin", "eval", "generate", "ablate", "ls", "gc", "show", "why", "verify",
    "report", "compare", "import", "data", "doctor", "help",
];

/// Commands in the words of the program: messages, help and documentation.
fn of_sources() -> Vec<Printed> {
    let mut found = Vec::new();
    let begins = format!("{}nano4m ", char::from(b'`'));
    for path in files(&root().join("src"), ".rs") {
        let text = read(&path);
        for span in text.split(&begins).skip(1) {
            let Some((rest, _)) = span.split_once('`') else { continue };
            // A text goes on in the next line of the source.
            let line = rest.split('\n').map(|l| l.trim_start_matches(['/', '!', ' ']).trim_end_matches('\\'));
            let line = line.map(str::trim).collect::<Vec<_>>().join(" ");
            found.push(Printed { line: format!("nano4m {line}"), place: path.display().to_string() });
        }
    }
    found
}

/// The words that the program gets; `None` if the line is of another program.
fn words(line: &str) -> Option<Vec<Vec<String>>> {
    let line =
        line.strip_prefix("cargo run --release -- ").map_or(line.to_owned(), |rest| format!("nano4m {rest}"));
    let rest = line.strip_prefix("nano4m ")?;
    let placeholders = |word: &str| -> String {
        let word = word.trim_end_matches('…').trim_matches('\'');
        let mut text = String::new();
        let mut inside = false;
        for c in word.chars() {
            match c {
                '{' => {
                    inside = true;
                    text.push('x');
                }
                '}' => inside = false,
                _ if inside => {}
                c => text.push(c),
            }
        }
        // Where a number belongs, N is one.
        if text == "N" {
            "1".into()
        } else {
            text
        }
    };
    // What is in brackets may be left out: both ways are tried.
    let (mut without, mut with, mut depth) = (vec!["nano4m".to_string()], vec!["nano4m".to_string()], 0);
    for word in rest.split_whitespace() {
        depth += word.matches('[').count();
        let bare = placeholders(word.trim_matches(['[', ']']));
        if depth == 0 {
            without.push(bare.clone());
        }
        with.push(bare.split('|').next().unwrap_or_default().to_owned());
        depth -= word.matches(']').count();
    }
    Some(if with == without { vec![with] } else { vec![without, with] })
}

/// Why the program would not take the line.
fn refused(line: &str) -> Option<String> {
    words(line)?.into_iter().find_map(|words| match Cli::try_parse_from(&words) {
        Ok(Cli { command: Command::Ablate(args), .. }) => {
            args.slurm.options.check().err().map(|f| f.to_string())
        }
        Ok(_) => None,
        // The name alone stands for the command.
        Err(e) if is_name_alone(&words, e.kind()) => None,
        Err(e) => Some(format!("{words:?}: {e}")),
    })
}

fn is_name_alone(words: &[String], kind: ErrorKind) -> bool {
    let missing = [
        ErrorKind::MissingRequiredArgument,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
        ErrorKind::MissingSubcommand,
    ];
    let data = words.get(1).is_some_and(|word| word == "data");
    let help =
        kind == ErrorKind::DisplayHelp && words.last().is_some_and(|word| word == "--help" || word == "help");
    help || (missing.contains(&kind) && words.len() <= if data { 3 } else { 2 })
}

#[test]
fn every_command_line_of_the_pages_is_taken_as_printed() {
    let mut pages = files(&root().join("docs"), ".md");
    pages.extend(
        ["README.md", "experiments/data/README.md", "runs/README.md", "fuzz/README.md"]
            .map(|p| root().join(p)),
    );
    let all: Vec<Printed> =
        pages.iter().filter(|page| page.exists()).flat_map(|page| of_page(page)).collect();
    let ours = all.iter().filter(|p| words(&p.line).is_some()).count();
    assert!(ours > 20, "{ours} of {all:?}");
    let wrong: Vec<String> =
        all.iter().filter_map(|p| Some(format!("{}: {}\n{}", p.place, p.line, refused(&p.line)?))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_command_line_of_a_message_is_taken_as_printed() {
    let all = of_sources();
    assert!(all.len() > 50);
    let elided = |p: &&Printed| !p.line.contains('…');
    let wrong: Vec<String> = all
        .iter()
        .filter(elided)
        .filter_map(|p| Some(format!("{}: {}\n{}", p.place, p.line, refused(&p.line)?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files, recipes and benches that commands of the README name are there.
#[test]
fn what_the_readmes_commands_name_is_there() {
    let recipes = read(&root().join("justfile"));
    let recipe = |name: &str| recipes.lines().any(|line| line.split([' ', ':']).next() == Some(name));
    for Printed { line, place } in of_page(&root().join("README.md")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        for word in words
            .iter()
            .filter(|word| word.contains('/') && (word.ends_with(".ron") || word.ends_with("/run")))
        {
            assert!(root().join(word).is_file(), "{place}: {word}");
        }
        if let Some(at) = words.iter().position(|word| *word == "ablate") {
            let name = words[at + 1];
            let there = root().join(format!("ablations/{name}.ron")).is_file();
            assert!(there || name.chars().all(|c| c.is_uppercase()), "{place}: {name}");
        }
        if words[0] == "just" {
            assert!(recipe(words[1]), "{place}: no recipe {}", words[1]);
        }
        if words[0] == "cargo" && words.get(1) == Some(&"bench") {
            assert!(root().join("benches").join(format!("{}.rs", words[3])).is_file(), "{place}: {line}");
        }
    }
}
