//! Plots, `index.html` and the front page, made again.

use super::gathered::Gathered;
use super::heads::Head;
use super::recomputed::{markdown, Recomputed};
use super::texts::{first, whole};
use crate::fault::{Fault, Result};
use crate::report::archive::{versions, CellDifference, NOTHING};
use crate::report::build::Report;
use crate::report::publish::plot_file;
use crate::report::{front, page};
use std::collections::BTreeSet;
use std::path::Path;

/// What of plots and pages was made again.
#[derive(Default)]
pub struct Pages {
    pub differences: Vec<CellDifference>,
    /// Files that were made again whole and are the same.
    pub held: BTreeSet<String>,
    /// Files that were made again whole.
    pub drawn: usize,
}

const FRONT: &str = "eval_results";
const FRONT_FILE: &str = "eval_results.md";
const INDEX: &str = "index.html";

/// Compares what the recomputed tables' plots and pages should be with what is there.
///
/// # Errors
/// If a file cannot be read.
pub fn check(reports: &Path, heads: &[Head], gathered: &Gathered, recomputed: &Recomputed) -> Result<Pages> {
    let mut pages = Pages::default();
    let links = front::links(reports);
    let front = text(&reports.join(FRONT_FILE))?;
    let no_runs = front.as_ref() == Some(&front::without_runs(&links));
    // The first table of an article stands for it.
    let first_of = |head: &&Head| {
        (head.table == FRONT && !no_runs)
            || gathered.ablation(&head.table).is_some_and(|r| head.table == format!("ablation_{}", r.name))
    };
    let parts: Vec<(&Head, &Report)> = heads
        .iter()
        .filter(first_of)
        .filter_map(|head| Some((head, recomputed.already(gathered, head)?)))
        .collect();
    for plot in parts.iter().flat_map(|(_, report)| &report.plots) {
        let file = plot_file(&plot.name);
        pages.compare(&file, text(&reports.join(&file))?, &plot.svg);
    }
    let main = parts.iter().find(|(head, _)| head.table == FRONT).map(|(_, report)| *report);
    pages.index(reports, &parts, no_runs)?;
    match main.and_then(|report| report.tables.first()) {
        Some((table, header)) => {
            let expected = front::page(table, header, &links);
            match &front {
                Some(found) if *found != expected => {
                    pages.drawn += 1;
                    pages.differences.extend(markdown(found, &expected, table, FRONT_FILE));
                }
                _ => pages.compare(FRONT_FILE, front, &expected),
            }
        }
        None if no_runs => pages.compare(FRONT_FILE, front, &front::without_runs(&links)),
        None => {}
    }
    Ok(pages)
}

impl Pages {
    /// The page with every article made again; those that cannot be stay as they are.
    fn index(&mut self, reports: &Path, parts: &[(&Head, &Report)], no_runs: bool) -> Result<()> {
        let name = |head: &Head| if head.table == FRONT { page::RUNS } else { &head.table }.to_string();
        let articles: Vec<page::Article> = parts
            .iter()
            .map(|(head, report)| page::Article::new(&name(head), &report.tables, &report.plots))
            .collect();
        let made: BTreeSet<String> = articles.iter().map(|article| article.name.clone()).collect();
        let found = text(&reports.join(INDEX))?;
        let mut kept = false;
        if let Some(found) = &found {
            kept = page::names(found).iter().any(|name| !made.contains(name));
        }
        let keep = |name: &str| match name {
            page::RUNS => !no_runs && !versions::list(reports, FRONT).is_empty(),
            ablation => !versions::list(reports, ablation).is_empty(),
        };
        let expected = page::page(found.as_deref(), articles, keep);
        let same = found.as_ref() == Some(&expected);
        self.compare(INDEX, found, &expected);
        if kept && same {
            // Of the articles that were taken over only the digest speaks.
            self.held.remove(INDEX);
            self.drawn -= 1;
        }
        Ok(())
    }

    fn compare(&mut self, file: &str, found: Option<String>, expected: &str) {
        self.drawn += 1;
        let difference = match &found {
            Some(found) => first(file, file, found, expected),
            None => Some(whole(file, file, NOTHING, "a file")),
        };
        match difference {
            Some(difference) => self.differences.push(difference),
            None => drop(self.held.insert(file.into())),
        }
    }
}

/// A file's text; what is no text is shown as far as it is one.
fn text(path: &Path) -> Result<Option<String>> {
    match crate::store::regular::read_own(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Fault::io("read", path, &e)),
    }
}
