//! A command line that cannot be parsed: clap's words, harmless to a terminal, and no hint that leads astray.

use super::output;
use super::program::Cli;
use crate::suggest::nearest;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use clap::CommandFactory;
use std::process::ExitCode;

/// Commands that write into or remove what is there already: no word but their own leads to them.
const WRITING: [&str; 2] = ["pin", "gc"];

/// Words of other programs, and what does it here.
const ELSEWHERE: [(&[&str], &str); 4] = [
    (
        &["init", "new", "create", "template", "example"],
        "manifests to begin with are in `experiments/`: copy one",
    ),
    (
        &["train", "start", "fit"],
        "`nano4m run MANIFEST` trains; manifests to begin with are in `experiments/`",
    ),
    (&["list", "runs", "status"], "`nano4m ls` lists the runs"),
    (&["delete", "remove", "clean", "rm"], "`nano4m gc` lists what nobody needs any more"),
];

/// Prints help and version to stdout, what is wrong to stderr.
pub fn told(mut error: Error) -> ExitCode {
    if !error.use_stderr() {
        // Whoever closed the pipe has read enough.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let mut hint = None;
    if error.kind() == ErrorKind::InvalidSubcommand {
        let word = match error.get(ContextKind::InvalidSubcommand) {
            Some(ContextValue::String(word)) => word.clone(),
            _ => String::new(),
        };
        error.remove(ContextKind::SuggestedSubcommand);
        if of_the_program(&error) {
            if let Some(near) = near(&word) {
                error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![near]));
            }
            hint = ELSEWHERE.iter().find(|(words, _)| words.contains(&word.as_str())).map(|(_, hint)| *hint);
        }
    }
    output::note(error.render().to_string().replace("\n\n\n", "\n\n").trim_end());
    if let Some(hint) = hint {
        output::note(&format!("\n  help: {hint}"));
    }
    ExitCode::from(2)
}

/// Whether a command of the program itself is meant, not one of `report` or `data`.
fn of_the_program(error: &Error) -> bool {
    let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    usage.contains("nano4m [OPTIONS] <COMMAND>")
}

/// The command that `word` is a misspelling of.
fn near(word: &str) -> Option<String> {
    let program = Cli::command();
    let names: Vec<&str> = program.get_subcommands().map(|c| c.get_name()).collect();
    let near = nearest(word, names.iter().copied())?;
    let distance = strsim::damerau_levenshtein(word, near);
    let meant = if WRITING.contains(&near) { distance <= 1 && word.len() > 2 } else { distance <= 2 };
    meant.then(|| near.to_owned())
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn no_far_word_leads_to_a_command_that_writes() {
        for (word, expected) in [
            ("rum", Some("run")),
            ("chekc", Some("check")),
            ("resum", Some("resume")),
            ("pinn", Some("pin")),
            ("init", None),
            ("in", None),
            ("print", None),
            ("pi", None),
            ("git", None),
            ("cp", None),
        ] {
            assert_eq!(near(word).as_deref(), expected, "{word}");
        }
    }
}
