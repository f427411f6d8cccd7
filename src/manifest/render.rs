//! Problems as a compiler shows them: what, where, the line with a caret under it, what to do.

use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::fault::{shortened, Fault, Listing};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// Columns a terminal is taken to have.
const WIDTH: usize = 100;
/// Problems that are shown; of more, how many there are.
const SHOWN: usize = 50;
/// Characters of a part of a message.
const LONGEST: usize = 600;

impl From<Diagnostics> for Fault {
    /// Exit 2; every problem with the line it is about.
    fn from(all: Diagnostics) -> Fault {
        // About the file as a whole there is no line to show.
        if let [Diagnostic { excerpt: None, what, file, found, expected, help, .. }] = &all.items[..] {
            let (found, expected, help) = (found.clone(), expected.clone(), help.clone());
            return Fault { found, expected, help, ..Fault::invalid(what).at(file) };
        }
        Fault::invalid(all.conclusion()).listing(listing(&all.items))
    }
}

/// All of `items`, with and without colours.
pub fn listing(items: &[Diagnostic]) -> Listing {
    let both = |renderer: Renderer| {
        let mut all: Vec<String> = items.iter().take(SHOWN).map(|item| one(&renderer, item)).collect();
        if items.len() > SHOWN {
            all.push(format!("… and {} more", items.len() - SHOWN));
        }
        all.join("\n\n")
    };
    Listing { plain: both(Renderer::plain()), coloured: both(Renderer::styled()) }
}

fn one(renderer: &Renderer, item: &Diagnostic) -> String {
    let level = match item.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(wrapped(&item.what, WIDTH - 10));
    let mut group = Group::with_title(title);
    if let Some(excerpt) = &item.excerpt {
        let line = item.line.unwrap_or(1);
        let mark = AnnotationKind::Primary.span(excerpt.span.clone());
        let shown = Snippet::source(excerpt.text.as_str()).line_start(line).annotation(mark);
        if excerpt.is_cut || item.line.is_none() {
            // Its columns are not those of the file.
            group = group.element(origin(item)).element(shown);
        } else {
            group = group.element(shown.path(item.file.as_str()));
        }
    } else {
        group = group.element(origin(item));
    }
    let parts = [("found", &item.found), ("expected", &item.expected), ("help", &item.help)];
    for (name, part) in parts {
        if let Some(part) = part {
            let level = if name == "help" { Level::HELP } else { Level::NOTE.with_name(name) };
            group = group.element(level.message(wrapped(part, WIDTH - 20)));
        }
    }
    let shown = renderer.clone().term_width(WIDTH).render(&[group]);
    let lines: Vec<&str> = shown.lines().filter(|line| !is_gap(line)).collect();
    lines.join("\n")
}

/// `:::`, by which a place and its lines are joined; escape codes aside.
fn is_gap(line: &str) -> bool {
    let mut bare = String::new();
    let mut code = false;
    for c in line.chars() {
        match c {
            '\x1b' => code = true,
            'm' if code => code = false,
            c if !code => bare.push(c),
            _ => {}
        }
    }
    bare.trim() == ":::"
}

fn origin(item: &Diagnostic) -> Origin<'_> {
    // The excerpt is the override itself.
    let file = if item.line.is_none() && item.excerpt.is_some() { "--set" } else { item.file.as_str() };
    let origin = Origin::path(file);
    match (item.line, item.column) {
        (Some(line), Some(column)) => origin.line(line).char_column(column),
        _ => origin,
    }
}

/// Broken between words where lines would be longer than `width`.
fn wrapped(text: &str, width: usize) -> String {
    let text = shortened(text, LONGEST);
    let mut out = String::new();
    let mut column = 0;
    for (i, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if i > 0 && column + 1 + length > width {
            out.push('\n');
            column = 0;
        } else if i > 0 {
            out.push(' ');
            column += 1;
        }
        out += word;
        column += length;
    }
    out
}
